"""Children: each inherits groups of layers from two parents, and is a little of their own.

Knows latents: no networks, no images, no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.edit.mix import PULL, check_same_space, towards_w
from faceloom.errors import LatentError
from faceloom.latents import GROUPS, WPlus, layer_groups

BLEND = (0.3, 0.7)
MAX_VARIATION = 1.0


@dataclass(frozen=True, eq=False)
class Child:
    """One child: `w_plus [1, num_ws, w_dim]`, and what part of each layer group is parent b's, 0...1."""

    w_plus: WPlus
    inherited: dict[str, float]


def child(
    a: WPlus,
    b: WPlus,
    number: int,
    *,
    seed: int,
    layer_resolutions: Sequence[int],
    people: LatentStatistics,
    variation: float = 0.3,
    pull: float = PULL,
) -> Child:
    """Have child `number` of parents a and b.

    Each layer group (coarse, middle, fine) comes from a, from b, or is a blend, at random, both parents always having
    a part. `variation` standard deviations of the generator's own people are added in a random direction. Parents found
    in photos are first moved `pull` of the way towards W, as in `mix`: their layers would break each other.

    Convention: a, b `[1, num_ws, w_dim]`; the child depends on the parents, the seed and its number alone, not on how
    many there are. Raises ShapeError when the parents' shapes differ, LatentError for a number or seed below 0, or a
    variation outside 0...1.
    """
    check_same_space(a, b)
    if number < 0 or seed < 0 or not 0 <= variation <= MAX_VARIATION:
        raise LatentError(
            f"child {number} of seed {seed} with variation {variation}",
            f"numbers and seeds count from 0, a variation is 0 to {MAX_VARIATION:g}",
        )
    dice = np.random.default_rng([seed, number])
    inherited = _inherit(dice)
    groups = layer_groups(layer_resolutions)
    part = torch.zeros(a.shape[1])
    for name, share in inherited.items():
        part[groups[name]] = share
    own = torch.from_numpy(dice.standard_normal(len(people.mean))) * people.variances.sqrt()
    a, b = towards_w(a, pull), towards_w(b, pull)
    return Child(a.lerp(b, part[:, None].to(a)) + variation * (people.axes @ own).to(a), inherited)


def _inherit(dice: np.random.Generator) -> dict[str, float]:
    """How much of each group is b's: 0, 1 or a blend; what shapes a face is never one parent's alone."""
    while True:
        shares = {name: (0.0, 1.0, round(float(dice.uniform(*BLEND)), 3))[dice.integers(3)] for name in GROUPS}
        if shares["coarse"] != shares["middle"] or 0 < shares["middle"] < 1:
            return shares
