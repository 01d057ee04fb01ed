"""The encoders of pSp, e4e and ReStyle, which predict w_plus from an aligned face in one pass. Does not open files.

A squeeze-and-excitation residual network of 50 layers (Deng et al. 2019, Hu et al. 2018) computes feature maps at three
depths. One small convolutional head per layer of the generator predicts its style from one of them. Parameter names are
those of the published checkpoints.
Source: Richardson et al. 2021 (pSp), Tov et al. 2021 (e4e), Alaluf et al. 2021 (ReStyle).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.layers import FullyConnected

BACKBONE_STAGES = ((1, 3), (2, 4), (4, 14), (8, 3))
"""The backbone's stages: (features in units of the first layer's, blocks). Each stage halves the side first."""

COARSE, MIDDLE, FINE = 4, 5, 6
"""Number of times that a head halves the side of its map, of 16, 32 or 64 px, until one position is left."""

PSP_RESOLUTION = 256
"""Side of an encoder's input in pixels."""


@dataclass(frozen=True)
class PspEncoderConfig:
    """The shape of the network; the defaults are pSp's for 1024 px."""

    head_depths: tuple[int, ...] = (COARSE,) * 3 + (MIDDLE,) * 4 + (FINE,) * 11  # one per layer of the generator
    in_channels: int = 3  # 6: the image and its last reproduction (ReStyle)
    width: int = 64  # features of the first layer
    w_dim: int = 512
    progressive: bool = False  # the first head predicts w, the others an offset to it (e4e)


class Squeeze(nn.Module):
    """Squeeze-and-excitation: weigh every channel by a function of all channels' means (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(mean))))


class Block(nn.Module):
    """Two convolutions and a shortcut; the second convolution may halve the side."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.shortcut_layer: nn.Sequential | None = None
        if in_channels != out_channels:
            shrink = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut_layer = nn.Sequential(shrink, nn.BatchNorm2d(out_channels))
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.PReLU(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            Squeeze(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x[..., :: self.stride, :: self.stride] if self.shortcut_layer is None else self.shortcut_layer(x)
        out: Tensor = self.res_layer(x) + shortcut
        return out


class Head(nn.Module):
    """A head that halves a map until one position is left, and predicts a style from it."""

    def __init__(self, channels: int, w_dim: int, depth: int) -> None:
        super().__init__()
        convs: list[nn.Module] = []
        for i in range(depth):
            convs += [nn.Conv2d(w_dim if i else channels, w_dim, 3, 2, padding=1), nn.LeakyReLU(0.01)]
        self.convs = nn.Sequential(*convs)
        self.linear = FullyConnected(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(self.convs(x).flatten(1))
        return out


class PspEncoder(nn.Module):
    """The encoder network. Its styles are relative to the mean w, which callers add.

    Convention: img `[n, 3, 256, 256]`, RGB, -1...1 (with `in_channels` 6, followed by the last reproduction) ->
    `[n, num_ws, w_dim]`. Raises ShapeError for images of another shape.
    """

    def __init__(self, config: PspEncoderConfig | None = None) -> None:
        super().__init__()
        config = config or PspEncoderConfig()
        self.config, width = config, config.width
        first = nn.Conv2d(config.in_channels, width, 3, padding=1, bias=False)
        self.input_layer = nn.Sequential(first, nn.BatchNorm2d(width), nn.PReLU(width))
        before, blocks, self.stage_ends = width, [], []
        for factor, count in BACKBONE_STAGES:
            for i in range(count):
                blocks.append(Block(before, factor * width, 1 if i else 2))
                before = factor * width
            self.stage_ends.append(len(blocks) - 1)
        self.body = nn.ModuleList(blocks)
        self.styles = nn.ModuleList(Head(8 * width, config.w_dim, depth) for depth in config.head_depths)
        if max(config.head_depths) > COARSE:
            self.latlayer1 = nn.Conv2d(4 * width, 8 * width, 1)
            self.latlayer2 = nn.Conv2d(2 * width, 8 * width, 1)

    def forward(self, img: Tensor) -> Tensor:
        if img.ndim != 4 or img.shape[1:] != (self.config.in_channels, PSP_RESOLUTION, PSP_RESOLUTION):
            size = f"{PSP_RESOLUTION}, {PSP_RESOLUTION}"
            raise ShapeError(f"img: expected [n, {self.config.in_channels}, {size}], got {list(img.shape)}")
        maps = self._feature_maps(img)
        styles = torch.stack([head(maps[d]) for head, d in zip(self.styles, self.config.head_depths, strict=True)], 1)
        if self.config.progressive:
            styles = torch.cat((styles[:, :1], styles[:, :1] + styles[:, 1:]), dim=1)
        return styles

    def _feature_maps(self, img: Tensor) -> dict[int, Tensor]:
        """Return the feature pyramid: the backbone's map at 16 px, upsampled and added to those at 32 and 64 px."""
        x, stage_maps = self.input_layer(img), []
        for i, block in enumerate(self.body):
            x = block(x)
            if i in self.stage_ends:
                stage_maps.append(x)
        maps = {COARSE: stage_maps[3]}
        if max(self.config.head_depths) > COARSE:
            maps[MIDDLE] = _upsample_and_add(stage_maps[3], self.latlayer1(stage_maps[2]))
            maps[FINE] = _upsample_and_add(maps[MIDDLE], self.latlayer2(stage_maps[1]))
        return maps


def _upsample_and_add(x: Tensor, larger: Tensor) -> Tensor:
    return F.interpolate(x, size=larger.shape[2:], mode="bilinear", align_corners=True) + larger
