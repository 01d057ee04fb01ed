"""Application of an edit to a latent: the sum of steps along directions, after a pull towards W. Knows latents only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faceloom.edit.directions import Direction
from faceloom.edit.directions import step as step_along
from faceloom.edit.mix import pull_towards_w
from faceloom.latents import WPlus

W_PULL_STEERING = 0.3  # part of the way towards W; 0.5 makes cleaner pictures, but changes the identity more
FULL_W_PULL_LENGTH = 1.2  # length of an edit, in standard deviations, from which the whole W_PULL_STEERING applies


def apply(w_plus: WPlus, basis: Sequence[Direction], coefficients: Mapping[str, float]) -> WPlus:
    """Apply the sum of steps to a face that is first pulled towards W, in proportion to the length of the edit.

    People found in photos lie far out in W+, where a long step tears the picture. The latents of generated faces lie in
    W, and the pull does not change them.
    """
    sigmas = {direction.name: coefficients.get(direction.name, 0.0) / direction.sigma for direction in basis}
    length = sum(value**2 for value in sigmas.values()) ** 0.5
    w_plus = pull_towards_w(w_plus, W_PULL_STEERING * min(1.0, length / FULL_W_PULL_LENGTH))
    for direction in basis:
        if sigmas[direction.name]:
            w_plus = step_along(w_plus, direction, coefficients[direction.name])
    return w_plus
