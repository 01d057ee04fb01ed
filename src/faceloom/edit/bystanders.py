"""Removal of other people that a turn of the head draws at the edge of the picture.

Many training portraits of turned heads show another person in part, so that a turned head brings a second one with it.
The regions of the picture tell where: heads that do not join the head in the middle. A short descent moves the latent
until the regions there are background, and keeps the features everywhere else. Works on latents; the function that
reads features and regions is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.attributes import REGIONS
from faceloom.latents import WPlus

BACKGROUND = REGIONS.index("background")
HEAD = [index for index, region in enumerate(REGIONS) if region not in ("background", "clothes")]
MIDDLE = slice(28, 36)  # pixels of 64 per side in which the person's own head is
LEAST = 0.001
"""Share of the picture from which a head that does not join the one in the middle counts as another person's."""
MOST_STEPS, FEWEST_STEPS = 24, 10
RATE = 0.01  # of Adam; a step moves each number of the latent by about this much
MARGIN = 4.0  # logit by which the background should exceed all other regions
REACHED = 0.05  # loss of the background at which the descent ends
FILL = 1.0  # weight of the distance from the mean features of the background, so that no shadow of a person stays
KEEPING = 30.0  # weight of the features that should stay
OWN = 4.0  # additional weight of those of the person's own head


@dataclass(frozen=True, eq=False)
class Clearing:
    """The change of a latent that removes other people from one turn of the head, `[1, num_ws, w_dim]`.

    `turn` holds the coefficients of the turn for which it was found, by direction.
    """

    change: WPlus
    turn: Mapping[str, float]

    def for_turn(self, coefficients: Mapping[str, float]) -> WPlus:
        """Return the change for another turn: it grows with the turn up to the one for which it was found."""
        length = sum(value**2 for value in self.turn.values())
        share = sum(coefficients.get(name, 0.0) * value for name, value in self.turn.items()) / max(length, 1e-9)
        return self.change * min(max(share, 0.0), 1.0)


def find_bystanders(regions: Tensor) -> Tensor:
    """Return where heads do not join the head in the middle: `[1, 1, 64, 64]`, 0 or 1.

    Convention: `regions` are probabilities `[1, 10, 64, 64]`.
    """
    heads = _heads(regions)
    return heads - _own_head(heads)


def shows_bystander(regions: Tensor) -> bool:
    """Return whether heads that do not join the one in the middle cover a noticeable part of the picture."""
    return float(find_bystanders(regions).mean()) >= LEAST


def find_clearing(
    read: Callable[[WPlus], tuple[Sequence[Tensor], Tensor]], w_plus: WPlus, turn: Mapping[str, float]
) -> Clearing | None:
    """Return the change of a turned head's latent that removes other people, or None when there are none.

    Each step costs about as much as a picture.

    Convention: `read` returns features `[1, c, h, h]` and the logits of the regions `[1, 10, 64, 64]`, with gradients,
    for w_plus `[1, num_ws, w_dim]`; `turn` holds the coefficients by which the head was turned.
    """
    with torch.no_grad():
        kept, logits = read(w_plus)
    regions = logits.softmax(1)
    if not shows_bystander(regions):
        return None
    own = _widen(_own_head(_heads(regions)), 1)
    wall = regions[:, BACKGROUND : BACKGROUND + 1]
    cleared = torch.zeros_like(own)
    change = torch.zeros_like(w_plus).requires_grad_()
    optimizer = torch.optim.Adam([change], lr=RATE, betas=(0.9, 0.99))
    for step in range(1, MOST_STEPS + 1):
        with torch.enable_grad():
            features, logits = read(w_plus + change)
            others = find_bystanders(logits.detach().softmax(1))
            cleared = torch.maximum(cleared, _widen(others, 3) * (1 - own))
            background_loss = _background_loss(logits, cleared)
            plain = _distance_from_wall(features, kept, cleared, wall * (1 - cleared))
            loss = background_loss + FILL * plain + KEEPING * _change_of(features, kept, 1 - cleared + OWN * own)
        if step > FEWEST_STEPS and not others.any() and background_loss < REACHED:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Clearing(change.detach(), dict(turn))


def _background_loss(logits: Tensor, where: Tensor) -> Tensor:
    """Return how far the background is from exceeding all other regions by MARGIN, on average over a mask."""
    background = logits[:, BACKGROUND : BACKGROUND + 1]
    rest = torch.cat((logits[:, :BACKGROUND], logits[:, BACKGROUND + 1 :]), dim=1).logsumexp(1, keepdim=True)
    return (F.softplus(rest - background + MARGIN) * where).sum() / where.sum()


def _change_of(features: Sequence[Tensor], kept: Sequence[Tensor], weight: Tensor) -> Tensor:
    """Return the relative squared change of features, weighted by a mask `[1, 1, 64, 64]`, summed over the layers."""
    total = torch.zeros(())
    for after, before in zip(features, kept, strict=True):
        mask = F.adaptive_avg_pool2d(weight, (after.shape[-2], after.shape[-1]))
        total = total + ((after - before).square() * mask).sum() / (before.square() * mask).sum()
    return total


def _distance_from_wall(features: Sequence[Tensor], kept: Sequence[Tensor], where: Tensor, wall: Tensor) -> Tensor:
    """Return how far features in a mask are from the mean features of the background."""
    total = torch.zeros(())
    for after, before in zip(features, kept, strict=True):
        size = (after.shape[-2], after.shape[-1])
        inside, outside = F.adaptive_avg_pool2d(where, size), F.adaptive_avg_pool2d(wall, size)
        mean = (before * outside).sum((2, 3), keepdim=True) / outside.sum().clamp_min(1e-6)
        total = total + ((after - mean).square() * inside).sum() / (mean.square() * inside).sum().clamp_min(1e-6)
    return total


def _heads(regions: Tensor) -> Tensor:
    """Return where regions of heads are more probable than others, `[1, 1, 64, 64]`, 0 or 1."""
    return (regions[:, HEAD].sum(1, keepdim=True) > 0.5).float()


def _own_head(heads: Tensor) -> Tensor:
    """Return the part of a mask that joins its middle, by growth from there within the mask."""
    grown = torch.zeros_like(heads)
    grown[..., MIDDLE, MIDDLE] = heads[..., MIDDLE, MIDDLE]
    while True:
        wider = _widen(grown, 1) * heads
        if torch.equal(wider, grown):
            return grown
        grown = wider


def _widen(mask: Tensor, pixels: int) -> Tensor:
    return F.max_pool2d(mask, 2 * pixels + 1, stride=1, padding=pixels)
