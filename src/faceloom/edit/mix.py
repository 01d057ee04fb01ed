"""Mixing two faces by layer: the shape of one, the colours of the other. Knows latents only."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from faceloom.errors import LatentError, ShapeError
from faceloom.latents import WPlus

PULL = 0.5
"""How far to pull real people towards W where they meet: found by eye, see docs/directions.md."""


def mix(a: WPlus, b: WPlus, layers: Sequence[int], pull: float = 0.0) -> WPlus:
    """Give face `a` the chosen layers of face `b`.

    People found in photos have styles that only make sense together; layers of two of them break each other. `pull`
    (try `PULL`) first moves both towards W, by `pull * 4 s (1 - s)` where s is the part of the layers that is b's.
    Invented people have one style for all layers and are not changed by it.

    Convention: a, b `[n, num_ws, w_dim]` from the same generator (either may be of batch 1); `layers` are indices of
    num_ws, as `latents.parse_layers` gives them. Every layer: `b`; no layer: `a`, whatever the pull.
    Raises ShapeError when the shapes differ, LatentError for a layer that is not there.
    Source: Karras et al. 2019, section 3.1 (style mixing).
    """
    check_same_space(a, b)
    chosen = layer_mask(layers, a.shape[1]).to(a.device)
    pull *= between(float(chosen.float().mean()))
    return torch.where(chosen[:, None], towards_w(b, pull), towards_w(a, pull))


def towards_w(w_plus: WPlus, pull: float) -> WPlus:
    """Move `pull` of the way (0...1) to the nearest latent that has one style for all layers, their mean."""
    return w_plus.lerp(w_plus.mean(1, keepdim=True), pull) if pull else w_plus


def between(t: float) -> float:
    """How far a mixture is from both of its ends: 0 at 0 and 1 (and beyond), 1 in the middle."""
    return max(0.0, 4 * t * (1 - t))


def mix_grid(rows: WPlus, columns: WPlus, layers: Sequence[int]) -> WPlus:
    """Mix every row's face with every column's: `[r, ...]`, `[c, ...]` -> `[r, c, num_ws, w_dim]`.

    The cell holds the row's face with the chosen layers of the column's face. Raises as `mix` does.
    """
    return torch.stack([mix(row[None], columns, layers) for row in rows])


def layer_mask(layers: Sequence[int], num_ws: int) -> torch.Tensor:
    """Turn indices into `bool [num_ws]`. Raises LatentError for a layer that is not there."""
    wrong = [layer for layer in layers if not 0 <= layer < num_ws]
    if wrong:
        raise LatentError(f"there is no layer {wrong[0]}", f"layers go from 0 to {num_ws - 1}")
    mask = torch.zeros(num_ws, dtype=torch.bool)
    mask[list(layers)] = True
    return mask


def check_same_space(a: WPlus, b: WPlus) -> None:
    """Raise ShapeError unless both are `[n, num_ws, w_dim]` of one generator's shape."""
    if a.ndim != 3 or b.ndim != 3 or a.shape[1:] != b.shape[1:]:
        raise ShapeError(
            f"expected two [n, num_ws, w_dim] alike, got {list(a.shape)} and {list(b.shape)}",
            "take both faces from the same generator",
        )
