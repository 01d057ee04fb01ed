"""The trunk that the small face networks share: a plain residual network of dense 3x3 convolutions.

Dense convolutions run at the processor's full rate on CPUs: a MobileNetV2 of the same size took four times as long to
train and three times as long to run (docs/LOG.md). Source: He et al. 2015, with a shortcut that averages before it
halves the side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut: `[n, i, r, r]` -> `[n, o, r / stride, r / stride]`."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm0 = nn.BatchNorm2d(out_channels)
        self.conv1 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.skip = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm0(self.conv0(x)))
        return F.relu(self.norm1(self.conv1(y)) + self.skip(self.pool(x)))


class Trunk(nn.Module):
    """The network that computes features of a square picture.

    Convention: `[n, 3, r, r]` -> `[n, widths[-1], r / 2^k, r / 2^k]`, where k is the number of widths. The first width
    is the stem's. Every further one halves the side; `depths` are their numbers of blocks.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        blocks: list[nn.Module] = []
        for i, o, depth in zip(widths, widths[1:], depths, strict=False):
            blocks += [Residual(i, o, stride=2), *(Residual(o, o) for _ in range(depth - 1))]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs(x)[-1]

    def outputs(self, x: Tensor) -> list[Tensor]:
        """Compute the output of every block: those of the first are of `r / 4` px."""
        x = F.relu(self.norm(self.stem(x)))
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return outputs
