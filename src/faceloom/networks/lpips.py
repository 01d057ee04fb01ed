"""LPIPS, the learned perceptual distance, on VGG16 or AlexNet features.

Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric". Does not open
files. Callers compute the target's features once and keep them, because an optimization uses them in every step.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Backbone = Literal["vgg16", "alexnet"]

# A backbone is a list of stages. A stage is (pooling before it (kernel, stride) or None, convolutions). A convolution
# is (in, out, kernel, stride, padding). LPIPS uses the features at the end of every stage.
_Conv = tuple[int, int, int, int, int]
_Stage = tuple[tuple[int, int] | None, list[_Conv]]


def _vgg_stage(in_channels: int, out_channels: int, convs: int, pool: bool = True) -> _Stage:
    first = (in_channels, out_channels, 3, 1, 1)
    return (2, 2) if pool else None, [first, *[(out_channels, out_channels, 3, 1, 1)] * (convs - 1)]


_STAGES: dict[Backbone, list[_Stage]] = {
    "vgg16": [
        _vgg_stage(3, 64, 2, pool=False),
        _vgg_stage(64, 128, 2),
        _vgg_stage(128, 256, 3),
        _vgg_stage(256, 512, 3),
        _vgg_stage(512, 512, 3),
    ],
    "alexnet": [
        (None, [(3, 64, 11, 4, 2)]),
        ((3, 2), [(64, 192, 5, 1, 2)]),
        ((3, 2), [(192, 384, 3, 1, 1)]),
        (None, [(384, 256, 3, 1, 1)]),
        (None, [(256, 256, 3, 1, 1)]),
    ],
}


class Lpips(nn.Module):
    """The LPIPS network: the distance of two images, and the features that it compares.

    Convention: img float32 `[n, 3, h, w]`, RGB, -1...1, any size from 32 px. The distance depends on the size.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: Backbone = "vgg16") -> None:
        super().__init__()
        self.stages = _STAGES[backbone]
        convs = [conv for _, stage in self.stages for conv in stage]
        for index, (i, o, kernel, stride, padding) in enumerate(convs):
            setattr(self, f"conv{index}", nn.Conv2d(i, o, kernel, stride, padding))
        for index, (_, stage) in enumerate(self.stages):
            setattr(self, f"lin{index}", nn.Conv2d(stage[-1][1], 1, 1, bias=False))
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1), persistent=False)

    @property
    def widths(self) -> list[int]:
        """The number of channels of every stage's features."""
        return [stage[-1][1] for _, stage in self.stages]

    def features(self, img: Tensor, stages: int | None = None) -> list[Tensor]:
        """Return the unit-length features of every stage, weighted so that squared differences add up to the distance.

        Convention: one `[n, c, h, w]` per stage, float32 or the precision of the convolutions. `stages` is the number
        of stages, by default all; fewer cost less.
        """
        features = []
        for level, x in enumerate(self.feature_maps(img, stages)):
            weight = self.get_parameter(f"lin{level}.weight").clamp(min=0).sqrt()
            features.append(F.normalize(x, dim=1, eps=1e-8) * weight.to(x.dtype))
        return features

    def feature_maps(self, img: Tensor, stages: int | None = None) -> list[Tensor]:
        """Return the backbone's features at the end of every stage, without weights: one `[n, c, h, w]` per stage."""
        x = ((img - self.shift) / self.scale).to(self.get_parameter("conv0.weight").dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        maps, index = [], 0
        for pool, stage in self.stages[:stages]:
            x = F.max_pool2d(x, *pool) if pool else x
            for _ in stage:
                x = F.relu(self.get_submodule(f"conv{index}")(x), inplace=True)
                index += 1
            maps.append(x)
        return maps

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the distance of two images, `[n]`."""
        return distance(self.features(a), self.features(b))


def distance(a: list[Tensor], b: list[Tensor]) -> Tensor:
    """Return LPIPS from the features of two images (Zhang et al. 2018, eq. 1): `[n]`, float32."""
    terms = [(x - y).float().square().sum(dim=1).mean(dim=(1, 2)) for x, y in zip(a, b, strict=True)]
    return torch.stack(terms).sum(dim=0)


def distance_map(a: list[Tensor], b: list[Tensor], side: int) -> Tensor:
    """Return a map of two images' differences, from their features: `[n, side, side]`, float32.

    Its mean is about the distance.
    """
    terms = [(x - y).float().square().sum(dim=1, keepdim=True) for x, y in zip(a, b, strict=True)]
    resized = [F.interpolate(term, size=(side, side), mode="bilinear", align_corners=False) for term in terms]
    return torch.stack(resized).sum(dim=0)[:, 0]
