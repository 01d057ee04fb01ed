"""Mixing two faces by layer: the shape of one, the colours of the other. Knows latents only."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from faceloom.errors import LatentError, ShapeError
from faceloom.latents import WPlus


def mix(a: WPlus, b: WPlus, layers: Sequence[int]) -> WPlus:
    """Give face `a` the chosen layers of face `b`.

    Convention: a, b `[n, num_ws, w_dim]` from the same generator (either may be of batch 1); `layers` are indices of
    num_ws, as `latents.parse_layers` gives them. Every layer: `b`; no layer: `a`.
    Raises ShapeError when the shapes differ, LatentError for a layer that is not there.
    Source: Karras et al. 2019, section 3.1 (style mixing).
    """
    check_same_space(a, b)
    chosen = layer_mask(layers, a.shape[1]).to(a.device)
    return torch.where(chosen[:, None], b, a)


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
