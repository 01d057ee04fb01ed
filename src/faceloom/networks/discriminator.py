"""The discriminator of StyleGAN2, which StyleGAN2-ADA and StyleGAN3 share. Does not open files.

Source: Karras et al. 2020, section 4.1 (architectures), Karras et al. 2018, section 3 (minibatch deviation),
Miyato & Koyama 2018 (labels by projection); names of parameters as in ADA.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.layers import Conv, FullyConnected, StyleMapping
from faceloom.networks.ops import SQRT2, down_padding, fir_kernel, upfirdn2d
from faceloom.networks.stylegan2 import Architecture, channel_widths


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The shape of the network; the defaults are config F at 1024 px."""

    channels: tuple[int, ...] = channel_widths(1024)  # features at 4, 8, 16 ... px; their number sets the resolution
    c_dim: int = 0  # numbers in a label, 0: unconditional
    cmap_dim: int | None = None  # width of the mapped label, None: the features' at 4 px
    mapping_layers: int = 8  # of the label's mapping network
    embed_features: int | None = None  # width of the embedded label, None: cmap_dim
    layer_features: int | None = None  # width inside the mapping network, None: cmap_dim
    lr_multiplier: float = 0.01  # factor of the mapping network's stored weights when they are used
    architecture: Architecture = "resnet"  # connections from the image to the lower resolutions
    resample_filter: tuple[float, ...] = (1, 3, 3, 1)  # taps of the low-pass filter, of any sum
    conv_clamp: float | None = None  # bound of every activation, None: unbounded
    mbstd_group_size: int | None = 4  # images of a group for the minibatch deviation, None: the whole batch
    mbstd_num_channels: int = 1  # features that hold the minibatch deviation, 0: none
    base: tuple[int, int] = (4, 4)  # height and width of the smallest features in pixels
    img_channels: int = 3  # 1: gray, 3: RGB, 4: RGB times alpha, and alpha

    @property
    def img_size(self) -> tuple[int, int]:
        """The height and width of the image in pixels."""
        return self.base[0] << (len(self.channels) - 1), self.base[1] << (len(self.channels) - 1)

    @property
    def img_resolution(self) -> int:
        """The image's longer side in pixels."""
        return max(self.img_size)


class DiscriminatorBlock(nn.Module):
    """The layers of one resolution: two convolutions, the second of which halves the side."""

    kernel: Tensor

    def __init__(self, config: DiscriminatorConfig, in_channels: int, out_channels: int, level: int) -> None:
        super().__init__()
        self.architecture = config.architecture
        self.is_first = level == len(config.channels) - 1
        taps, clamp = config.resample_filter, config.conv_clamp
        self.register_buffer("kernel", fir_kernel(taps), persistent=False)
        if self.is_first or config.architecture == "skip":
            self.fromrgb = Conv(config.img_channels, in_channels, 1, clamp=clamp)
        self.conv0 = Conv(in_channels, in_channels, 3, clamp=clamp)
        self.conv1 = Conv(in_channels, out_channels, 3, down=True, resample_filter=taps, clamp=clamp)
        if config.architecture == "resnet":
            self.skip = Conv(in_channels, out_channels, 1, activate=False, down=True, resample_filter=taps)

    def forward(self, x: Tensor | None, img: Tensor) -> tuple[Tensor, Tensor]:
        if self.is_first or self.architecture == "skip":
            from_rgb = self.fromrgb(img)
            x = from_rgb if x is None else x + from_rgb
        if self.architecture == "skip":
            img = upfirdn2d(img, self.kernel, down=2, padding=down_padding(len(self.kernel)))
        if self.architecture == "resnet":
            shortcut = self.skip(x, gain=SQRT2 / 2)
            return shortcut + self.conv1(self.conv0(x), gain=SQRT2 / 2), img
        return self.conv1(self.conv0(x)), img


class DiscriminatorEpilogue(nn.Module):
    """The last layers: features at 4 px to a score, which with a label is of the image and the label together."""

    def __init__(self, config: DiscriminatorConfig, cmap_dim: int) -> None:
        super().__init__()
        channels, clamp = config.channels[0], config.conv_clamp
        self.cmap_dim, self.architecture = cmap_dim, config.architecture
        self.group_size, self.num_channels = config.mbstd_group_size, config.mbstd_num_channels
        if config.architecture == "skip":
            self.fromrgb = Conv(config.img_channels, channels, 1)
        self.conv = Conv(channels + config.mbstd_num_channels, channels, 3, clamp=clamp)
        self.fc = FullyConnected(channels * config.base[0] * config.base[1], channels, lrelu=True)
        self.out = FullyConnected(channels, cmap_dim or 1)

    def forward(self, x: Tensor, img: Tensor, cmap: Tensor | None) -> Tensor:
        if self.architecture == "skip":
            x = x + self.fromrgb(img)
        if self.num_channels:
            x = minibatch_deviation(x, self.group_size, self.num_channels)
        score: Tensor = self.out(self.fc(self.conv(x).float().flatten(1)))
        return score if cmap is None else (score * cmap).sum(dim=1, keepdim=True) / self.cmap_dim**0.5


class Discriminator(nn.Module):
    """The discriminator: `img [n, img_channels, *img_size]`, `c [n, c_dim]` -> `[n, 1]`, higher is more real.

    Raises ShapeError for images of another size, a missing label, or a batch that is not a multiple of the group.
    """

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        self.config = config
        self.c_dim, self.img_resolution, self.img_size = config.c_dim, config.img_resolution, config.img_size
        self.dtype = torch.float32  # of the convolutions
        cmap_dim = (config.cmap_dim or config.channels[0]) if config.c_dim else 0
        self.sides = [4 << i for i in reversed(range(1, len(config.channels)))]
        for level, (out_channels, in_channels) in reversed(list(enumerate(pairwise(config.channels), start=1))):
            self.add_module(f"b{4 << level}", DiscriminatorBlock(config, in_channels, out_channels, level))
        if config.c_dim:
            self.mapping = StyleMapping(
                0,
                config.c_dim,
                cmap_dim,
                num_layers=config.mapping_layers,
                embed_features=config.embed_features,
                layer_features=config.layer_features,
                lr_multiplier=config.lr_multiplier,
            )
        self.b4 = DiscriminatorEpilogue(config, cmap_dim)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        check_images(img, self.config.img_channels, self.img_size)
        x, img = None, img.to(self.dtype).contiguous(memory_format=torch.channels_last)
        for side in self.sides:
            x, img = self.get_submodule(f"b{side}")(x, img)
        cmap = self.mapping(None, c) if self.c_dim else None
        score: Tensor = self.b4(x, img, cmap)
        return score


def check_images(img: Tensor, channels: int, size: tuple[int, int]) -> None:
    """Raise ShapeError unless `img` is `[n, channels, height, width]`; `size` is (height, width)."""
    if img.ndim != 4 or img.shape[1:] != (channels, *size):
        expected = ", ".join(map(str, (channels, *size)))
        raise ShapeError(f"img: expected [n, {expected}], got {list(img.shape)}", "resize or convert the images")


def minibatch_deviation(x: Tensor, group_size: int | None, num_channels: int) -> Tensor:
    """Append `num_channels` features with the standard deviation over a group of images.

    Convention: x [n, c, h, w] -> [n, c + num_channels, h, w]; image i belongs to the group of i modulo n / group_size.
    Source: Karras et al. 2018, section 3.
    Raises ShapeError when the groups do not fit into the batch.
    """
    n, c, h, w = x.shape
    group = min(group_size or n, n)
    if n % group or c % num_channels:
        raise ShapeError(
            f"img: a batch of {n} does not split into groups of {group}", "use a batch that is a multiple of the group"
        )
    parts = x.reshape(group, n // group, num_channels, c // num_channels, h, w)
    variance = (parts - parts.mean(dim=0)).float().square().mean(dim=0)  # five times as fast as torch.var
    deviation = (variance + 1e-8).sqrt().mean(dim=(2, 3, 4))  # [n/group num_channels]
    return torch.cat((x, deviation.to(x.dtype).repeat(group, 1)[:, :, None, None].expand(-1, -1, h, w)), dim=1)
