"""Children of two people: each inherits groups of layers from the parents and varies a little. Works on latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.edit.mix import W_PULL_MIXING, check_same_space, pull_towards_w
from faceloom.errors import LatentError
from faceloom.latents import GROUPS, WPlus, layer_groups

BLEND = (0.3, 0.7)  # range of parent b's share in a layer group that is a blend
MAX_VARIATION = 1.0  # standard deviations


@dataclass(frozen=True, eq=False)
class Child:
    """A child: `w_plus [1, num_ws, w_dim]`, and parent b's share of each layer group, 0...1."""

    w_plus: WPlus
    inherited: dict[str, float]


def make_child(
    a: WPlus,
    b: WPlus,
    number: int,
    *,
    seed: int,
    layer_resolutions: Sequence[int],
    statistics: LatentStatistics,
    variation: float = 0.3,
    pull: float = W_PULL_MIXING,
    balance: float = 0.5,
) -> Child:
    """Make child `number` of parents a and b.

    Each layer group (coarse, middle, fine) comes from a, from b, or is a blend, at random; both parents always have a
    share. `variation` standard deviations of the generator's latents are added in a random direction. Parents found in
    photos are first moved `pull` of the way towards W, as in `mix`, because their layers do not fit each other.
    `balance` moves every share: 0 leaves nothing of b, 0.5 leaves the shares as they are, 1 leaves nothing of a.

    Convention: a, b `[1, num_ws, w_dim]`; the child depends on the parents, the seed and its number, not on the number
    of children. Raises ShapeError when the parents' shapes differ, LatentError for a number or seed below 0, or a
    variation outside 0...1.
    """
    check_same_space(a, b)
    if not 0 <= balance <= 1:
        raise LatentError(f"a balance of {balance:g}", "0 is the first parent, 1 is the other one")
    if number < 0 or seed < 0 or not 0 <= variation <= MAX_VARIATION:
        raise LatentError(
            f"child {number} of seed {seed} with variation {variation}",
            f"numbers and seeds count from 0, a variation is 0 to {MAX_VARIATION:g}",
        )
    rng = np.random.default_rng([seed, number])
    inherited = {name: _balance(share, balance) for name, share in _draw_shares(rng).items()}
    groups = layer_groups(layer_resolutions)
    shares = torch.zeros(a.shape[1])
    for name, share in inherited.items():
        shares[groups[name]] = share
    offset = torch.from_numpy(rng.standard_normal(len(statistics.mean))) * statistics.variances.sqrt()
    a, b = pull_towards_w(a, pull), pull_towards_w(b, pull)
    w_plus = a.lerp(b, shares[:, None].to(a)) + variation * (statistics.axes @ offset).to(a)
    return Child(w_plus, inherited)


def _balance(share: float, balance: float) -> float:
    """Move a share of parent b towards 0 or 1."""
    return round(2 * balance * share if balance < 0.5 else 1 - 2 * (1 - balance) * (1 - share), 3)


def _draw_shares(rng: np.random.Generator) -> dict[str, float]:
    """Draw b's share of each group: 0, 1 or a blend; coarse and middle never both come from one parent."""
    while True:
        shares = {name: (0.0, 1.0, round(float(rng.uniform(*BLEND)), 3))[rng.integers(3)] for name in GROUPS}
        if shares["coarse"] != shares["middle"] or 0 < shares["middle"] < 1:
            return shares
