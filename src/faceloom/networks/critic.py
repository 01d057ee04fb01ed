"""A second discriminator, the critic, which scores images by the features of a frozen network.

The frozen network was trained to recognize objects, so that the critic sees wrong shapes from its first step, while
a discriminator must learn to see from the pictures of the run alone. Does not open files.
Source: Sauer et al. 2021 ("Projected GANs Converge Faster"), Kumari et al. 2022 ("Ensembling Off-the-shelf Models for
GAN Training").
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.networks.init import init_weights
from faceloom.networks.lpips import Lpips

MIN_SIDE = 128
"""Smaller images are enlarged to this side, in pixels, because the frozen network was trained on larger ones."""

CELLS = 7
"""Cells per side in which the logits of a feature map are averaged, so that each stage counts the same."""


class FeatureCritic(nn.Module):
    """Small convolutional heads on the feature maps of a frozen LPIPS backbone, one head per stage.

    Convention: img `[n, c, h, w]`, -1...1, with 1, 3 or 4 channels, of which alpha is ignored -> logits
    `[n, stages * CELLS**2]`, as many for each stage; higher is more real. Labels are ignored. The frozen network is no
    submodule, so that no checkpoint contains it.
    """

    def __init__(self, backbone: Lpips, width: int = 64) -> None:
        super().__init__()
        self.dtype = torch.float32  # of the convolutions
        self._frozen = (backbone,)
        self.heads = nn.ModuleList(_make_head(channels, width) for channels in backbone.widths)

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        img = _enlarge(img[:, :3].expand(-1, 3, -1, -1))
        with torch.autocast(img.device.type, self.dtype, enabled=self.dtype != torch.float32):
            maps = self._frozen[0].feature_maps(img)
            scores = [head(_normalize(x)) for head, x in zip(self.heads, maps, strict=True)]
        return torch.cat([F.adaptive_avg_pool2d(score, CELLS).flatten(1) for score in scores], dim=1)


def _make_head(channels: int, width: int) -> nn.Sequential:
    """Make the layers from a feature map to a map of logits."""
    layers = [nn.Conv2d(channels, width, 1), nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, 1, 1)]
    for layer, gain in zip(layers, (2**0.5, 2**0.5, 1.0), strict=True):
        init_weights(layer, gain)
    return nn.Sequential(layers[0], nn.LeakyReLU(0.2), layers[1], nn.LeakyReLU(0.2), layers[2])


def _normalize(x: Tensor) -> Tensor:
    """Scale the features of every position to a mean square of one."""
    return F.normalize(x.float(), dim=1, eps=1e-6) * math.sqrt(x.shape[1])


def _enlarge(img: Tensor) -> Tensor:
    scale = MIN_SIDE / min(img.shape[2:])
    return img if scale <= 1 else F.interpolate(img, scale_factor=scale, mode="bilinear", align_corners=False)
