"""A discriminator that sees an image as wavelets: a 128 px image costs features of 64 px only, the cheap way on CPUs.

To match `mobilestylegan`. Source: Gal et al. 2021 ("SWAGAN", images as wavelets), Karras et al. 2020, section 4.1
(residual blocks), Karras et al. 2018, section 3 (minibatch deviation), Miyato & Koyama 2018 (labels by projection).
Torch only, never opens a file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.discriminator import minibatch_deviation
from faceloom.networks.init import SQRT2, start
from faceloom.networks.mobilestylegan import Conv, WaveletShape, convolutions, plain_conv, separable


@dataclass(frozen=True)
class WaveletDiscriminatorConfig(WaveletShape):
    """The shape of the network."""

    channels: tuple[int, ...]  # features at 4, 8, 16 ... px; the last stand at half the image's side
    c_dim: int = 0  # numbers in a label, 0: unconditional
    base: tuple[int, int] = (4, 4)  # height and width of the smallest features in pixels
    separable_from: int = 99  # doubling from which on convolutions are separable; before it they are plain
    mbstd_group_size: int | None = 4  # images that are compared with each other, None: the whole batch
    mbstd_num_channels: int = 1  # features that tell how different they are, 0: none


def haar(img: Tensor) -> Tensor:
    """One step of the two-dimensional Haar transform: `[n, c, 2h, 2w]` -> `[n, 4c, h, w]`, undone by `inverse_haar`.

    Convention: the four bands follow each other, c channels each: mean, then detail between rows, between columns,
    and along the diagonal. The transform keeps the sum of squares.
    """
    top, bottom = img[:, :, ::2], img[:, :, 1::2]
    mean, rows = (top + bottom) * 0.5, (top - bottom) * 0.5
    bands = [
        part for half in (mean, rows) for part in (half[..., ::2] + half[..., 1::2], half[..., ::2] - half[..., 1::2])
    ]
    return torch.cat((bands[0], bands[2], bands[1], bands[3]), dim=1)


class WaveletBlock(nn.Module):
    """Two convolutions around an average over squares of four pixels, and a shortcut past them: half the side."""

    def __init__(self, here: int, below: int, plain: bool) -> None:
        super().__init__()
        conv = plain_conv if plain else separable
        self.conv0 = conv(here, here)
        self.conv1 = conv(here, below)
        self.skip = Conv(here, below, 1, bias=False)
        for layer, gain in ((self.conv0, SQRT2), (self.conv1, 1), (self.skip, SQRT2 / 2)):
            _start(layer, gain)

    def forward(self, x: Tensor) -> Tensor:
        inside = F.avg_pool2d(F.leaky_relu(self.conv0(x), 0.2, inplace=True), 2)
        inside = F.leaky_relu(self.conv1(inside), 0.2, inplace=True)
        out: Tensor = self.skip(F.avg_pool2d(x, 2)) + inside
        return out


class WaveletDiscriminator(nn.Module):
    """Images to scores: `img [n, 3, *img_size]`, `c [n, c_dim]` -> `[n, 1]`, float32, higher is more real.

    Train it with the learning rates of `scratch.parameter_groups`. Raises ShapeError for images of another size, a
    missing label, or a batch that is no multiple of the group.
    """

    def __init__(self, config: WaveletDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.c_dim, self.img_resolution, self.img_size = config.c_dim, config.img_resolution, config.img_size
        self.dtype = torch.float32  # of the features
        last, (height, width) = config.channels[0], config.base
        self.from_bands = Conv(12, config.channels[-1], 1)
        self.blocks = nn.ModuleList(
            WaveletBlock(here, below, plain=i < config.separable_from)
            for i, (below, here) in reversed(list(enumerate(pairwise(config.channels), start=1)))
        )
        self.conv = plain_conv(last + config.mbstd_num_channels, last)
        self.fc = nn.Linear(last * height * width, last)
        self.out = nn.Linear(last, 1)
        for layer, gain in ((self.from_bands, SQRT2), (self.conv, SQRT2), (self.fc, SQRT2), (self.out, 1)):
            start(layer, gain)
        if config.c_dim:
            self.embed = nn.Linear(config.c_dim, last)
            start(self.embed)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        if img.ndim != 4 or img.shape[1:] != (3, *self.img_size):
            wanted = ", ".join(map(str, self.img_size))
            raise ShapeError(f"img: expected [n, 3, {wanted}], got {list(img.shape)}", "resize the images")
        x = haar(img.to(self.dtype)).contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu(self.from_bands(x), 0.2, inplace=True)
        for block in self.blocks:
            x = block(x)
        if self.config.mbstd_num_channels:
            x = minibatch_deviation(x, self.config.mbstd_group_size, self.config.mbstd_num_channels)
        x = F.leaky_relu(self.conv(x), 0.2, inplace=True)
        x = F.leaky_relu(self.fc(x.float().flatten(1)), 0.2)
        score: Tensor = self.out(x)
        return score if self.c_dim == 0 else score + self._agreement(x, c)

    def _agreement(self, x: Tensor, c: Tensor | None) -> Tensor:
        """How well features and label agree: their product."""
        if c is None or c.ndim != 2 or c.shape[1] != self.c_dim:
            got = None if c is None else list(c.shape)
            raise ShapeError(f"c: expected [n, {self.c_dim}], got {got}", "give every image its label")
        product: Tensor = (x * self.embed(c.float())).sum(dim=1, keepdim=True)
        return product / math.sqrt(x.shape[1])


def _start(conv: nn.Module, gain: float) -> None:
    """Start a convolution, plain or separable: the gain goes to its last part."""
    *before, last = convolutions(conv)
    start(last, gain)
    for depthwise in before:
        start(depthwise)
