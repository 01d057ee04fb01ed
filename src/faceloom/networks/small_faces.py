"""Two small networks that are trained from scratch in minutes, to measure what generated faces teach. No files.

One tells classes of faces apart, the other divides a portrait into regions. They share nothing with the networks that
label generated faces, so what they learn comes from the pictures and labels alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.networks.trunk import Residual, Trunk

INPUT_SIDE = 64  # pixels of the side of both networks' inputs, and of the regions

_WIDTHS, _DEPTHS = (16, 32, 64, 96), (1, 1, 1)
_PARSER_WIDTHS = (16, 32, 48, 64)


class SmallClassifier(nn.Module):
    """A network of 0.2 million weights with a head for each task.

    Convention: `classes` are the numbers of classes of the tasks. `forward` takes faces `[n, 3, 64, 64]`, -1...1, and
    returns logits `[n, classes[t]]` for each task t.
    """

    def __init__(self, classes: Sequence[int]) -> None:
        super().__init__()
        self.trunk = Trunk(_WIDTHS, _DEPTHS)
        self.pool = nn.Conv2d(_WIDTHS[-1], _WIDTHS[-1], INPUT_SIDE // 16, groups=_WIDTHS[-1])
        self.dropout = nn.Dropout(0.3)
        self.heads = nn.ModuleList(nn.Linear(_WIDTHS[-1], count) for count in classes)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.dropout(F.relu(self.pool(self.trunk(x)).flatten(1)))
        return [head(features) for head in self.heads]


class SmallParser(nn.Module):
    """A network that divides aligned portraits into regions (Ronneberger et al. 2015, U-Net).

    Convention: portraits `[n, 3, 64, 64]`, -1...1; the result holds logits `[n, regions, 64, 64]`.
    """

    def __init__(self, regions: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _PARSER_WIDTHS[0], 3, padding=1)
        pairs = list(pairwise(_PARSER_WIDTHS))
        self.down = nn.ModuleList(Residual(i, o, stride=2) for i, o in pairs)
        self.up = nn.ModuleList(Residual(i + o, i) for i, o in reversed(pairs))
        self.output = nn.Conv2d(_PARSER_WIDTHS[0], regions, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        passed = []
        for block in self.down:
            passed.append(x)
            x = block(x)
        for block in self.up:
            skip = passed.pop()
            enlarged = F.interpolate(x, skip.shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat((enlarged, skip), 1))
        logits: Tensor = self.output(x)
        return logits
