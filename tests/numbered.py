"""Reproducible weights for networks, which other implementations can compute from the parameter names alone."""

from __future__ import annotations

import torch


def fill(state: dict[str, torch.Tensor]) -> None:
    """Fill tensor k, in the order of the names, with 1.2 sin(1 + k), 1.2 sin(2 + k) ...

    Biases of affine maps get 1 more, so that features pass; `magnitude_ema` is 1.5; `transform` is unchanged.
    """
    for k, name in enumerate(sorted(state)):
        values = torch.sin(torch.arange(1, state[name].numel() + 1, dtype=torch.float64) + k) * 1.2
        if name.endswith("affine.bias"):
            values += 1
        if name.endswith("magnitude_ema"):
            values = torch.full_like(values, 1.5)
        if not name.endswith("transform"):
            state[name].copy_(values.view(state[name].shape))


def some_w(n: int, num_ws: int, w_dim: int) -> torch.Tensor:
    """Return styles `[n, num_ws, w_dim]`: 2 sin(0), 2 sin(1) ..."""
    return (torch.sin(torch.arange(n * num_ws * w_dim, dtype=torch.float64)) * 2).float().view(n, num_ws, w_dim)


def sample(img: torch.Tensor) -> list[float]:
    """Return six numbers of an image: its mean, its standard deviation, and four pixels."""
    half = img.shape[-1] // 2
    pixels = (img[0, 0, 0, 0], img[0, 1, half, half], img[0, 2, -1, 1], img[-1, 0, 3, half - 1])
    return [round(float(x), 4) for x in (img.mean(), img.std(), *pixels)]
