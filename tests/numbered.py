"""Networks whose every number comes from its name alone, so that another code can be given the same ones."""

from __future__ import annotations

import torch


def fill(state: dict[str, torch.Tensor]) -> None:
    """Number the tensors in the order of their names; tensor k is 1.2 sin(1 + k), 1.2 sin(2 + k) ...

    The biases of styles are one more, so that features pass; an average magnitude is 1.5; `transform` stays.
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
    """Styles `[n, num_ws, w_dim]`: 2 sin(0), 2 sin(1) ..."""
    return (torch.sin(torch.arange(n * num_ws * w_dim, dtype=torch.float64)) * 2).float().view(n, num_ws, w_dim)


def sample(img: torch.Tensor) -> list[float]:
    """Six numbers of an image: its mean, its deviation, and four pixels."""
    half = img.shape[-1] // 2
    pixels = (img[0, 0, 0, 0], img[0, 1, half, half], img[0, 2, -1, 1], img[-1, 0, 3, half - 1])
    return [round(float(x), 4) for x in (img.mean(), img.std(), *pixels)]
