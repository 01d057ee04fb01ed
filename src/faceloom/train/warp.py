"""Affine warping of images without aliasing, differentiable twice.

Convention: positions in pixels, x to the right, y down, origin at the center of the image. Outside its borders the
image is mirrored about its outermost pixels, repeatedly.
Source: Karras et al. 2020b, "Training Generative Adversarial Networks with Limited Data", appendix B.2: the image is
upsampled twofold with an orthogonal wavelet's filter, sampled bilinearly, and downsampled with the same filter.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# Low-pass filter of the wavelet sym6 (Daubechies 1992, table 6.3)
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
# Offset of the filter's center of mass, in samples
DELAY = sum(i * tap for i, tap in enumerate(SYM6)) / sum(SYM6) - (TAPS - 1) / 2
FILTER_REACH = (TAPS - 2) // 2  # samples of the upsampled image that the filter reads on each side of a pixel's own two
EDGE = (FILTER_REACH + 1) // 2  # pixels around an image that downsampling reads
MARGIN = 2 * EDGE  # pixels around an image that upsampling reads


def warp(img: Tensor, inverse: Tensor) -> Tensor:
    """Warp each image by its affine map.

    Convention: img `[n, c, h, w]`, each side longer than 6 px; `inverse` `[n, 3, 3]` maps a position in the result to
    the position in `img` that it shows. The identity reproduces the image up to rounding.
    """
    n, _, h, w = img.shape
    down, across = _sample_positions(h, img), _sample_positions(w, img)
    x, y = torch.broadcast_tensors(across, down[:, None])
    positions = torch.stack((x, y, torch.ones_like(x)), dim=-1).view(1, -1, 3)  # [1 h'w' 3]
    source = (positions @ inverse[:, :2].mT).view(n, len(down), len(across), 2)
    grid = torch.stack((_to_grid(source[..., 0], w), _to_grid(source[..., 1], h)), dim=-1)
    doubled = _double(F.pad(img, (MARGIN,) * 4, mode="reflect"))
    return _halve(sample_bilinear(doubled, grid.to(img.dtype)))


def _sample_positions(size: int, like: Tensor) -> Tensor:
    """Return the positions of the samples of an upsampled side, including those that downsampling reads beside them."""
    return (torch.arange(2 * size + 2 * FILTER_REACH, device=like.device) - FILTER_REACH + 0.5 - DELAY) / 2 - size / 2


def _to_grid(place: Tensor, size: int) -> Tensor:
    """Return a position's coordinate in the upsampled image with margins, in the range of `grid_sample` (-1...1).

    Positions outside the image are mirrored, except within the margin, which the upsampled image contains. The filter
    is not exactly symmetric, and without this exception the identity would change the pixels at the edge.
    """
    last = size - 1
    pixel = place + last / 2
    mirrored = last - (pixel.remainder(2 * last) - last).abs()
    pixel = torch.where((place.abs() - last / 2) > EDGE, mirrored, pixel)
    return (4 * (pixel + MARGIN) + 2 + 2 * DELAY) / (2 * (size + 2 * MARGIN)) - 1


def _double(img: Tensor) -> Tensor:
    """Upsample twofold: `[n, c, h, w]` -> `[n, c, 2h, 2w]`."""
    n, c, h, w = img.shape
    taps = torch.tensor(SYM6, device=img.device, dtype=img.dtype) * 2**0.5
    x = img.reshape(n * c, 1, h, w)
    x = F.conv_transpose2d(x, taps.view(1, 1, 1, -1), stride=(1, 2), padding=(0, FILTER_REACH))
    x = F.conv_transpose2d(x, taps.view(1, 1, -1, 1), stride=(2, 1), padding=(FILTER_REACH, 0))
    return x.view(n, c, 2 * h, 2 * w)


def _halve(img: Tensor) -> Tensor:
    """Downsample twofold (the transpose of `_double`) an image with `FILTER_REACH` additional samples on each side."""
    n, c, h, w = img.shape
    taps = torch.tensor(SYM6, device=img.device, dtype=img.dtype) / 2**0.5
    x = img.reshape(n * c, 1, h, w)
    x = F.conv2d(x, taps.view(1, 1, -1, 1), stride=(2, 1))
    x = F.conv2d(x, taps.view(1, 1, 1, -1), stride=(1, 2))
    return x.view(n, c, h // 2 - FILTER_REACH, w // 2 - FILTER_REACH)


def sample_bilinear(img: Tensor, grid: Tensor) -> Tensor:
    """Sample `img` `[n, c, h, w]` bilinearly at `grid` `[n, h', w', 2]`; the grid has no gradient.

    torch implements no second derivative of `grid_sample`. Sampling is linear, so the derivative of its transpose is
    sampling again.
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
    """The transpose of bilinear sampling."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        img = gradient.new_empty(1).expand(shape)  # only its shape is used
        bilinear, zeros = 0, 0
        gradient_img: Tensor
        gradient_img, _ = torch.ops.aten.grid_sampler_2d_backward(
            gradient.contiguous(), img, grid, bilinear, zeros, False, [True, False]
        )
        return gradient_img

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return sample_bilinear(gradients[0], grid), None, None
