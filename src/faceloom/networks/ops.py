"""Operations that the StyleGAN families share: resampling, modulation, activation. Pure functions on tensors.

Written for `torch.channels_last`: on a CPU a depthwise convolution in that memory format is three times as fast as in
the default one, and a two-dimensional filter is as fast as two one-dimensional ones. Both formats give the same image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SQRT2 = 2**0.5

CHANNELS_LAST_FROM = 32
"""Side in pixels from which on features are stored channels last.

Below, the default memory format is as fast, and its sums over 512 channels are rounded less: a whole StyleGAN is three
times as exact."""

Padding = tuple[int, int, int, int]
"""Numbers of zeros to pad at the left, right, top and bottom; a negative number crops."""


def fir_kernel(taps: Sequence[float]) -> Tensor:
    """Return the separable filter `[t, t]` of `taps`, with a sum of one."""
    row = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(row, row)
    return kernel / kernel.sum()


def upfirdn2d(x: Tensor, kernel: Tensor, up: int = 1, down: int = 1, padding: Padding = (0, 0, 0, 0)) -> Tensor:
    """Insert `up - 1` zeros after each pixel, pad, convolve with `kernel`, keep every `down`-th pixel.

    Convention: x [n, c, h, w], kernel [kh, kw]; padding counts pixels of the up-sampled image. The zeros are
    never stored: up-sampling is a transposed convolution, down-sampling a strided one. The kernel includes the gain.
    Source: Karras et al. 2021, "Alias-free GAN", appendix C; multirate filters in general.
    """
    if up > 1:
        return _upsample(x, kernel, up, padding)[:, :, ::down, ::down]
    return _downsample(x, kernel, down, padding)


def _downsample(x: Tensor, kernel: Tensor, down: int, padding: Padding, bias: Tensor | None = None) -> Tensor:
    left, right, top, bottom = padding
    if left != right or top != bottom or min(left, top) < 0:
        x, left, top = F.pad(x, padding), 0, 0  # a negative pad crops
    channels = x.shape[1]
    weight = kernel.flip(0, 1).to(x.dtype).expand(channels, 1, *kernel.shape)
    bias = None if bias is None else bias.to(x.dtype)
    return F.conv2d(x, weight, bias, stride=down, padding=(top, left), groups=channels)


def _upsample(x: Tensor, kernel: Tensor, up: int, padding: Padding) -> Tensor:
    """Up-sample by a transposed convolution.

    It pads by `taps - 1` before and `taps - up` after; the result is cropped or padded to the requested padding.
    """
    channels, (rows, columns) = x.shape[1], kernel.shape
    left, right = padding[0] - (columns - 1), padding[1] - (columns - up)
    top, bottom = padding[2] - (rows - 1), padding[3] - (rows - up)
    crop = max(0, min(-top, -bottom)), max(0, min(-left, -right))
    weight = kernel.to(x.dtype).expand(channels, 1, rows, columns)
    x = F.conv_transpose2d(x, weight, stride=up, padding=crop, groups=channels)
    rest = left + crop[1], right + crop[1], top + crop[0], bottom + crop[0]
    return F.pad(x, rest) if any(rest) else x


def up_padding(taps: int, extra: int = 0) -> Padding:
    """Return the padding that keeps a doubled image centered, with `extra` pixels on each side; any number of taps."""
    before, after = (taps + 1) // 2 + extra, (taps - 2) // 2 + extra
    return before, after, before, after


def down_padding(taps: int, extra: int = 0) -> Padding:
    """Return the padding that keeps a halved image centered, with `extra` pixels on each side."""
    before, after = (taps - 1) // 2 + extra, (taps - 2) // 2 + extra
    return before, after, before, after


def up_conv(x: Tensor, weight: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Double the side, convolve with `weight` [o, i, 3, 3] as a true convolution, low-pass by `kernel`, add `bias` [o].

    Convolving before the low-pass filter gives the same image as after it, at a quarter of the cost.
    """
    x = F.conv_transpose2d(x, weight.transpose(0, 1).to(x.dtype), stride=2)
    left, right, top, bottom = up_padding(len(kernel))
    return _downsample(x, kernel * 4, 1, (left - 1, right, top - 1, bottom), bias)


def scale(x: Tensor, factor: Tensor) -> Tensor:
    """Scale each channel: x [n, c, h, w], factor [n, c]. Overwrites x when no gradient is needed.

    Allocating a tensor for a large image costs ten times as much as the multiplication; callers must not use x after.
    """
    factor = factor.to(x.dtype)[:, :, None, None]
    if torch.is_grad_enabled() and (x.requires_grad or factor.requires_grad):
        return x * factor
    return x.mul_(factor)


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """Return the factors `[n, o]` that bring a modulated convolution's outputs back to unit variance.

    Convention: weight [o, i, k, k], style [n, i]; float32. Source: Karras et al. 2020, eq. 3.
    """
    energy = weight.to(style.dtype).square().sum(dim=(2, 3))  # [o i]
    return (style.square() @ energy.T + 1e-8).rsqrt()


def leaky_relu(x: Tensor, clamp: float | None = None) -> Tensor:
    """Apply leaky ReLU 0.2 in place, with its result clamped to -clamp...clamp. Callers apply gains before it."""
    if clamp is not None:
        x = x.clamp_(-5 * clamp, clamp)  # before the ReLU, so that autograd allows both steps in place
    return F.leaky_relu_(x, 0.2)
