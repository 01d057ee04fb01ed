"""The second head of the analyzer: it reads details from three stages of the frozen trunk and from colors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FINE, MIDDLE, DEEP = 1, 3, 4
"""The trunk's blocks whose outputs are read: of 16, 8 and 4 px for crops of 128 px."""
FINE_WIDTH, MERGED_WIDTH, DEEP_WIDTH, HIDDEN = 48, 64, 48, 160
DROPOUT = 0.3  # share of the hidden layer's inputs that training leaves out


class DetailHead(nn.Module):
    """Reads `count` numbers from a crop and the outputs of the trunk's blocks.

    Convention: `widths` are the trunk's. The crop is `[n, 3, 128, 128]`, -1...1, and the result `[n, count]`, float32,
    in the units of the labels: `mean` and `scale` are those of the training data.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, widths: Sequence[int], count: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(widths[2], FINE_WIDTH, 3, 2, 1)
        self.merge = nn.Conv2d(FINE_WIDTH + widths[3] + 3, MERGED_WIDTH, 3, 2, 1)
        self.deep = nn.Conv2d(widths[4], DEEP_WIDTH, 1)
        self.dropout = nn.Dropout(DROPOUT)
        self.hidden = nn.Linear((MERGED_WIDTH + DEEP_WIDTH) * 16, HIDDEN)
        self.out = nn.Linear(HIDDEN, count)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))

    def forward(self, crop: Tensor, blocks: Sequence[Tensor]) -> Tensor:
        colors = F.adaptive_avg_pool2d(crop, 8)
        return self.read(colors, blocks[FINE], blocks[MIDDLE], blocks[DEEP])

    def read(self, colors: Tensor, fine: Tensor, middle: Tensor, deep: Tensor) -> Tensor:
        """Read colors `[n, 3, 8, 8]` and features of 16, 8 and 4 px."""
        x = torch.cat([F.relu(self.fine(fine)), middle, colors.to(middle)], 1)  # [n c 8 8]
        x = torch.cat([F.relu(self.merge(x)), F.relu(self.deep(deep))], 1)  # [n c 4 4]
        x = self.out(F.relu(self.hidden(self.dropout(x.flatten(1)))))
        numbers: Tensor = x.float() * self.scale + self.mean
        return numbers
