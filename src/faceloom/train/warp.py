"""Move the pixels of images by affine maps, without aliasing, and so that gradients of gradients exist.

Convention: positions in pixels, x to the right, y down, origin in the middle of the image. What lies outside is the
image mirrored about its outermost pixels, for ever.
Source: Karras et al. 2020b, "Training Generative Adversarial Networks with Limited Data", appendix B.2: twice the
resolution by an orthogonal wavelet's filter, bilinear samples, and back by the same filter.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# the low-pass filter of the wavelet sym6 (Daubechies 1992, table 6.3)
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
TAPS = len(SYM6)
DELAY = sum(i * tap for i, tap in enumerate(SYM6)) / sum(SYM6) - (TAPS - 1) / 2  # of its centre of mass, in samples
SIDE = (TAPS - 2) // 2  # samples of the doubled image that the filter sees beside a pixel's own two
EDGE = (SIDE + 1) // 2  # pixels around an image in which halving looks for samples
MARGIN = 2 * EDGE  # pixels around an image that doubling looks at to make them


def warp(img: Tensor, inverse: Tensor) -> Tensor:
    """Draw each image as its affine map moves it.

    Convention: img `[n, c, h, w]`, each side longer than 6 px; `inverse` `[n, 3, 3]` takes a position in the result to
    the position in `img` that it shows. The identity gives the image back exactly, to rounding.
    """
    n, _, h, w = img.shape
    down, across = _places(h, img), _places(w, img)
    x, y = torch.broadcast_tensors(across, down[:, None])
    places = torch.stack((x, y, torch.ones_like(x)), dim=-1).view(1, -1, 3)  # [1 h'w' 3]
    source = (places @ inverse[:, :2].mT).view(n, len(down), len(across), 2)
    grid = torch.stack((_in_doubled(source[..., 0], w), _in_doubled(source[..., 1], h)), dim=-1)
    doubled = _double(F.pad(img, (MARGIN,) * 4, mode="reflect"))
    return _halve(sample(doubled, grid.to(img.dtype)))


def _places(size: int, like: Tensor) -> Tensor:
    """Where the samples of a doubled side lie, with those that halving needs beside them."""
    return (torch.arange(2 * size + 2 * SIDE, device=like.device) - SIDE + 0.5 - DELAY) / 2 - size / 2


def _in_doubled(place: Tensor, size: int) -> Tensor:
    """Where a position is in the doubled image with its margins, as `grid_sample` counts (-1...1).

    What lies outside is mirrored; not so the edge, where the doubled image is at hand: the filter is not quite the
    same from both sides, and the identity is to change nothing.
    """
    last = size - 1
    pixel = place + last / 2
    mirrored = last - (pixel.remainder(2 * last) - last).abs()
    pixel = torch.where((place.abs() - last / 2) > EDGE, mirrored, pixel)
    return (4 * (pixel + MARGIN) + 2 + 2 * DELAY) / (2 * (size + 2 * MARGIN)) - 1


def _double(img: Tensor) -> Tensor:
    """Twice as many samples: `[n, c, h, w]` -> `[n, c, 2h, 2w]`."""
    n, c, h, w = img.shape
    taps = torch.tensor(SYM6, device=img.device, dtype=img.dtype) * 2**0.5
    x = img.reshape(n * c, 1, h, w)
    x = F.conv_transpose2d(x, taps.view(1, 1, 1, -1), stride=(1, 2), padding=(0, SIDE))
    x = F.conv_transpose2d(x, taps.view(1, 1, -1, 1), stride=(2, 1), padding=(SIDE, 0))
    return x.view(n, c, 2 * h, 2 * w)


def _halve(img: Tensor) -> Tensor:
    """The transpose of doubling, for an image with `SIDE` samples more on each side."""
    n, c, h, w = img.shape
    taps = torch.tensor(SYM6, device=img.device, dtype=img.dtype) / 2**0.5
    x = img.reshape(n * c, 1, h, w)
    x = F.conv2d(x, taps.view(1, 1, -1, 1), stride=(2, 1))
    x = F.conv2d(x, taps.view(1, 1, 1, -1), stride=(1, 2))
    return x.view(n, c, h // 2 - SIDE, w // 2 - SIDE)


def sample(img: Tensor, grid: Tensor) -> Tensor:
    """Bilinear samples of `img` `[n, c, h, w]` at `grid` `[n, h', w', 2]`, which has no gradient.

    torch knows no second derivative of its own: sampling is linear, so its transpose's derivative is sampling again.
    """
    out: Tensor = _Sample.apply(img, grid)  # type: ignore[no-untyped-call]
    return out


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, img: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = img.shape
        return F.grid_sample(img, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Scatter.apply(gradients[0], grid, ctx.shape), None  # type: ignore[no-untyped-call]


class _Scatter(torch.autograd.Function):
    """The transpose of sampling."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        img = gradient.new_empty(1).expand(shape)  # its numbers do not matter
        bilinear, zeros = 0, 0
        found: Tensor
        found, _ = torch.ops.aten.grid_sampler_2d_backward(
            gradient.contiguous(), img, grid, bilinear, zeros, False, [True, False]
        )
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return sample(gradients[0], grid), None, None
