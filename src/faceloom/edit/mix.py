"""Mixing of two faces by layer: the shape of one, the colors of the other. Works on latents only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from faceloom.errors import LatentError, ShapeError
from faceloom.latents import WPlus

WPlusBatch = Float[Tensor, "_ num_ws w_dim"]
"""A batch of w_plus whose size may differ from that of the other arguments."""

W_PULL_MIXING = 0.5
"""Part of the way by which people found in photos are pulled towards W in the middle between two of them.

The value was chosen by looking at pictures, see the page about directions in docs.
"""


def mix(a: WPlusBatch, b: WPlusBatch, layers: Sequence[int], pull: float = 0.0) -> WPlusBatch:
    """Give face `a` the chosen layers of face `b`.

    The layers of a person found in a photo depend on each other; those of two such people do not fit together. `pull`
    (try `W_PULL_MIXING`) first moves both towards W, by `pull * 4 s (1 - s)`, where s is b's share of the layers.
    Generated faces have one style for all layers, and the pull does not change them.

    Convention: a, b `[n, num_ws, w_dim]` from the same generator (either may be of batch 1); `layers` are indices of
    num_ws, as `latents.parse_layers` returns them. All layers give `b` and no layers give `a`, with any pull.
    Raises ShapeError when the shapes differ, LatentError for a layer out of range.
    Source: Karras et al. 2019, section 3.1 (style mixing).
    """
    check_same_space(a, b)
    chosen = layer_mask(layers, a.shape[1]).to(a.device)
    pull *= middle_weight(float(chosen.float().mean()))
    return torch.where(chosen[:, None], pull_towards_w(b, pull), pull_towards_w(a, pull))


def pull_towards_w(w_plus: WPlus, pull: float) -> WPlus:
    """Move a latent `pull` of the way (0...1) to the nearest one with the same style in all layers, their mean."""
    return w_plus.lerp(w_plus.mean(1, keepdim=True), pull) if pull else w_plus


def middle_weight(t: float) -> float:
    """Return how close t is to the middle of 0...1: 1 at 0.5, 0 at both ends and beyond, a parabola between."""
    return max(0.0, 4 * t * (1 - t))


def mix_grid(
    rows: Float[Tensor, "r num_ws w_dim"], columns: Float[Tensor, "c num_ws w_dim"], layers: Sequence[int]
) -> Float[Tensor, "r c num_ws w_dim"]:
    """Mix every row's face with every column's: `[r, ...]`, `[c, ...]` -> `[r, c, num_ws, w_dim]`.

    A cell holds the row's face with the chosen layers of the column's face. Raises as `mix` does.
    """
    return torch.stack([mix(row[None], columns, layers) for row in rows])


def layer_mask(layers: Sequence[int], num_ws: int) -> Bool[Tensor, " num_ws"]:
    """Convert indices to a mask `bool [num_ws]`. Raises LatentError for a layer out of range."""
    wrong = [layer for layer in layers if not 0 <= layer < num_ws]
    if wrong:
        raise LatentError(f"there is no layer {wrong[0]}", f"layers go from 0 to {num_ws - 1}")
    mask = torch.zeros(num_ws, dtype=torch.bool)
    mask[list(layers)] = True
    return mask


def check_same_space(a: Tensor, b: Tensor) -> None:
    """Raise ShapeError unless both are `[n, num_ws, w_dim]` of one generator's shape."""
    if a.ndim != 3 or b.ndim != 3 or a.shape[1:] != b.shape[1:]:
        raise ShapeError(
            f"expected two [n, num_ws, w_dim] of one shape, got {list(a.shape)} and {list(b.shape)}",
            "take both faces from the same generator",
        )
