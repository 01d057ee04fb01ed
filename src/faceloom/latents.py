"""Latent spaces: names, shapes, truncation, and the groups of layers (coarse, middle, fine). Works on tensors only."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.errors import LatentError, ShapeError

Z = Float[Tensor, "n z_dim"]
W = Float[Tensor, "n w_dim"]
WPlus = Float[Tensor, "n num_ws w_dim"]

GROUPS = ("coarse", "middle", "fine")


def z_from_seeds(seeds: Sequence[int], z_dim: int = 512) -> Z:
    """Draw one normal latent per seed, as is usual for StyleGAN: `numpy.random.RandomState(seed).randn(1, z_dim)`.

    Raises LatentError for a seed outside 0 ... 2**32 - 1.
    """
    for seed in seeds:
        if not 0 <= seed < 2**32:
            raise LatentError(f"seed {seed} is out of range", "use a seed from 0 to 4294967295")
    rows = [np.random.RandomState(seed).randn(1, z_dim) for seed in seeds]
    return torch.from_numpy(np.concatenate(rows)).float() if rows else torch.empty(0, z_dim)


def broadcast(w: W, num_ws: int) -> WPlus:
    """Repeat the style for every layer: `[n, w_dim]` -> `[n, num_ws, w_dim]`."""
    return w.unsqueeze(1).repeat(1, num_ws, 1)


def truncate(w_plus: WPlus, w_avg: Tensor, psi: float, cutoff: int | None = None) -> WPlus:
    """Move the first `cutoff` layers (all by default) towards the mean: `w_avg + psi * (w - w_avg)`.

    Source: Karras et al. 2019, section B.
    """
    out = w_plus.clone()
    out[:, :cutoff] = w_avg.to(w_plus).lerp(w_plus[:, :cutoff], psi)
    return w_plus if psi == 1 else out


def check_w_plus(w_plus: Tensor, num_ws: int, w_dim: int) -> None:
    """Raise ShapeError unless `w_plus` is `[n, num_ws, w_dim]`."""
    if w_plus.ndim != 3 or tuple(w_plus.shape[1:]) != (num_ws, w_dim):
        raise ShapeError(
            f"w_plus: expected [n, {num_ws}, {w_dim}], got {list(w_plus.shape)}",
            "this latent is from another generator",
        )


def layer_groups(layer_resolutions: Sequence[int]) -> dict[str, list[int]]:
    """Group layers by their resolution: coarse up to 8 px, middle 16-32 px, fine from 64 px on."""
    groups: dict[str, list[int]] = {name: [] for name in GROUPS}
    for layer, resolution in enumerate(layer_resolutions):
        groups["coarse" if resolution <= 8 else "middle" if resolution <= 32 else "fine"].append(layer)
    return groups


def parse_layers(text: str, layer_resolutions: Sequence[int]) -> list[int]:
    """Parse a list of layers: 'all', group names, numbers and ranges, as in 'coarse,9,12-15'.

    Convention: a range includes both its ends. Raises LatentError for an unknown name or a number out of range.
    """
    groups = layer_groups(layer_resolutions) | {"all": list(range(len(layer_resolutions)))}
    chosen: set[int] = set()
    for part in text.replace(" ", "").split(","):
        chosen.update(groups[part] if part in groups else _parse_range(part, len(layer_resolutions)))
    return sorted(chosen)


def _parse_range(part: str, num_ws: int) -> range:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
    if match:
        first, last = int(match[1]), int(match[2] or match[1])
        if first <= last < num_ws:
            return range(first, last + 1)
    raise LatentError(
        f"'{part}' does not name layers", f"use all, coarse, middle, fine, or numbers from 0 to {num_ws - 1}"
    )
