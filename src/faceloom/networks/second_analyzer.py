"""The second analyzer: a network that reads faces independently of the first. Does not open files.

It differs from the first in its trunk, its crop, its augmentation and its labels, so that its errors differ too; a
face on which both agree is read more reliably (Lakshminarayanan et al. 2017). It predicts age as a distribution
(Rothe et al. 2015, DEX). Trained by recipes/second_analyzer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.networks.analyzer import crop_square
from faceloom.networks.trunk import Trunk

SECOND_ATTRIBUTES = ("age", "smile", "gender", "glasses", "mouth_open", "yaw", "pitch")
"""The attributes that the network reads, in the units of the first analyzer: years, logits and degrees."""

SECOND_RESOLUTION = 96  # pixels; side of the network's input
SECOND_CROP = 0.64  # of the aligned square's side: from the brows to the chin, without most of the hair
SECOND_CENTER = (0.5, 0.55)  # of the crop in the square, x and y
AGE_BINS = 25
AGE_STEP = 4.0  # years between the centers of two bins, of which the first is 0

_WIDTHS, _DEPTHS = (24, 48, 96, 192), (1, 2, 2)
_POSITIONS = (SECOND_RESOLUTION // 16) ** 2
_HIDDEN = 192


class SecondAnalyzer(nn.Module):
    """A network that reads faces in FFHQ's alignment.

    Convention: img float32 `[n, 3, h, h]`, RGB, -1...1, any side from 64 px; the result `[n, 7]` has the order of
    SECOND_ATTRIBUTES. Raises ShapeError for anything else.
    """

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(_WIDTHS, _DEPTHS)
        self.templates = nn.Parameter(torch.randn(2, _WIDTHS[-1], _POSITIONS) / _POSITIONS)
        self.age_hidden = nn.Linear(2 * _WIDTHS[-1], _HIDDEN)
        self.age_head = nn.Linear(_HIDDEN, AGE_BINS)
        self.head = nn.Linear(2 * _WIDTHS[-1], len(SECOND_ATTRIBUTES) - 1)
        self.register_buffer("scale", torch.tensor([1.0, 1.0, 1.0, 1.0, 8.0, 6.0]))  # the last two in degrees

    def forward(self, img: Tensor) -> Tensor:
        ages, rest = self.read(crop_closely(img))
        return torch.cat((expected_age(ages), rest), 1)

    def read(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """Read crops `[n, 3, 96, 96]`: the logits of the age bins `[n, 25]` and the other attributes `[n, 6]`."""
        x = self.trunk(crop).flatten(2)  # [n c 36]
        x = torch.einsum("ncp,tcp->ntc", x, self.templates.to(x.dtype)).flatten(1)
        ages = self.age_head(F.relu(self.age_hidden(F.relu(x)))).float()
        return ages, self.head(x).float() * self.scale


def expected_age(logits: Tensor) -> Tensor:
    """Return the mean of the distribution over the bins, in years: `[n, 25]` -> `[n, 1]`."""
    centers = torch.arange(AGE_BINS, device=logits.device) * AGE_STEP
    return (logits.softmax(1) * centers).sum(1, keepdim=True)


def crop_closely(img: Tensor) -> Tensor:
    """Crop aligned squares from brows to chin: `[n, 3, h, h]` -> `[n, 3, 96, 96]`, antialiased."""
    return crop_square(img, SECOND_CENTER, SECOND_CROP, SECOND_RESOLUTION)
