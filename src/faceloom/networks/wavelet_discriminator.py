"""A discriminator on wavelet bands: a 128 px image needs features of 64 px only, which makes it cheap on CPUs.

The counterpart of `mobilestylegan`. Does not open files.
Source: Gal et al. 2021 ("SWAGAN", images as wavelets), Karras et al. 2020, section 4.1 (residual blocks), Karras et al.
2018, section 3 (minibatch deviation), Miyato & Koyama 2018 (labels by projection).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.discriminator import check_images, minibatch_deviation
from faceloom.networks.init import init_weights
from faceloom.networks.mobilestylegan import Conv, WaveletShape, convolutions, make_plain_conv, make_separable_conv
from faceloom.networks.ops import SQRT2


@dataclass(frozen=True)
class WaveletDiscriminatorConfig(WaveletShape):
    """The shape of the network."""

    channels: tuple[int, ...]  # features at 4, 8, 16 ... px; the last are at half the image's side
    c_dim: int = 0  # numbers in a label, 0: unconditional
    base: tuple[int, int] = (4, 4)  # height and width of the smallest features in pixels
    separable_from: int = 99  # first block with separable convolutions; those before it are plain
    mbstd_group_size: int | None = 4  # images of a group for the minibatch deviation, None: the whole batch
    mbstd_num_channels: int = 1  # features that hold the minibatch deviation, 0: none
    img_channels: int = 3  # 1: gray, 3: RGB, 4: RGB times alpha, and alpha


def haar(img: Tensor) -> Tensor:
    """Apply one step of the two-dimensional Haar transform, the inverse of `inverse_haar`.

    Convention: `[n, c, 2h, 2w]` -> `[n, 4c, h, w]`; the four bands are concatenated, c channels each: mean, then detail
    between rows, between columns, and along the diagonal. The transform keeps the sum of squares.
    """
    top, bottom = img[:, :, ::2], img[:, :, 1::2]
    mean, rows = (top + bottom) * 0.5, (top - bottom) * 0.5
    bands = [
        part for half in (mean, rows) for part in (half[..., ::2] + half[..., 1::2], half[..., ::2] - half[..., 1::2])
    ]
    return torch.cat((bands[0], bands[2], bands[1], bands[3]), dim=1)


class WaveletBlock(nn.Module):
    """Two convolutions with an average over squares of four pixels between them, and a shortcut; halves the side."""

    def __init__(self, in_channels: int, out_channels: int, plain: bool) -> None:
        super().__init__()
        conv = make_plain_conv if plain else make_separable_conv
        self.conv0 = conv(in_channels, in_channels)
        self.conv1 = conv(in_channels, out_channels)
        self.skip = Conv(in_channels, out_channels, 1, bias=False)
        for layer, gain in ((self.conv0, SQRT2), (self.conv1, 1), (self.skip, SQRT2 / 2)):
            _init_weights(layer, gain)

    def forward(self, x: Tensor) -> Tensor:
        y = F.avg_pool2d(F.leaky_relu(self.conv0(x), 0.2, inplace=True), 2)
        y = F.leaky_relu(self.conv1(y), 0.2, inplace=True)
        out: Tensor = self.skip(F.avg_pool2d(x, 2)) + y
        return out


class WaveletDiscriminator(nn.Module):
    """The discriminator: `img [n, img_channels, *img_size]`, `c [n, c_dim]` -> `[n, 1]`, float32, higher is more real.

    Train it with the learning rates of `init.parameter_groups`. Raises ShapeError for images of another size, a
    missing label, or a batch that is not a multiple of the group.
    """

    def __init__(self, config: WaveletDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.c_dim, self.img_resolution, self.img_size = config.c_dim, config.img_resolution, config.img_size
        self.dtype = torch.float32  # of the features
        last, (height, width) = config.channels[0], config.base
        self.from_bands = Conv(4 * config.img_channels, config.channels[-1], 1)
        self.blocks = nn.ModuleList(
            WaveletBlock(in_channels, out_channels, plain=i < config.separable_from)
            for i, (out_channels, in_channels) in reversed(list(enumerate(pairwise(config.channels), start=1)))
        )
        self.conv = make_plain_conv(last + config.mbstd_num_channels, last)
        self.fc = nn.Linear(last * height * width, last)
        self.out = nn.Linear(last, 1)
        for layer, gain in ((self.from_bands, SQRT2), (self.conv, SQRT2), (self.fc, SQRT2), (self.out, 1)):
            init_weights(layer, gain)
        if config.c_dim:
            self.embed = nn.Linear(config.c_dim, last)
            init_weights(self.embed)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        check_images(img, self.config.img_channels, self.img_size)
        x = haar(img.to(self.dtype)).contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu(self.from_bands(x), 0.2, inplace=True)
        for block in self.blocks:
            x = block(x)
        if self.config.mbstd_num_channels:
            x = minibatch_deviation(x, self.config.mbstd_group_size, self.config.mbstd_num_channels)
        x = F.leaky_relu(self.conv(x), 0.2, inplace=True)
        x = F.leaky_relu(self.fc(x.float().flatten(1)), 0.2)
        score: Tensor = self.out(x)
        return score if self.c_dim == 0 else score + self._label_score(x, c)

    def _label_score(self, x: Tensor, c: Tensor | None) -> Tensor:
        """Return the scaled dot product of the features and the embedded label: `[n, 1]`."""
        if c is None or c.ndim != 2 or c.shape[1] != self.c_dim:
            got = None if c is None else list(c.shape)
            raise ShapeError(f"c: expected [n, {self.c_dim}], got {got}", "give every image its label")
        product: Tensor = (x * self.embed(c.float())).sum(dim=1, keepdim=True)
        return product / math.sqrt(x.shape[1])


def _init_weights(conv: nn.Module, gain: float) -> None:
    """Initialize a convolution, plain or separable; the gain is applied to its last part."""
    *depthwise_convs, last = convolutions(conv)
    init_weights(last, gain)
    for depthwise in depthwise_convs:
        init_weights(depthwise)
