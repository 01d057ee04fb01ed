"""The aligner: a network that estimates the error of a roughly aligned face's square. Does not open files.

Trained by recipes/aligner on generated faces, whose true FFHQ square is the frame of the image.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.trunk import Trunk

ALIGNER_RESOLUTION = 128  # pixels; side of the network's input
# Part of the estimated square's side that the input shows. It is below 1 so that the edge of a generated picture, which
# would give away the answer, is never visible in training.
ALIGNER_CROP = 0.75
ALIGNER_CENTER = (0.5, 0.54)  # of the crop in the square, x and y

_WIDTHS, _DEPTHS = (24, 40, 72, 112, 160), (1, 1, 1, 1)


class Aligner(nn.Module):
    """A network that estimates the position of the true square relative to the estimated one.

    Convention: crops float32 `[n, 3, 128, 128]`, RGB, -1...1: ALIGNER_CROP of the estimated square around
    ALIGNER_CENTER. Returns `[n, 4]`: the true center less the estimated one (x, y, in estimated sides), the logarithm
    of the true side in estimated sides, the true roll less the estimated one (radians, clockwise).
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(_WIDTHS, _DEPTHS)
        self.head = nn.Linear(_WIDTHS[-1] * (ALIGNER_RESOLUTION // 32) ** 2, 4)

    def forward(self, crops: Tensor) -> Tensor:
        if crops.ndim != 4 or crops.shape[1:] != (3, ALIGNER_RESOLUTION, ALIGNER_RESOLUTION):
            raise ShapeError(
                f"crops: expected [n, 3, {ALIGNER_RESOLUTION}, {ALIGNER_RESOLUTION}], got {list(crops.shape)}"
            )
        return F.linear(self.trunk(crops).flatten(1).float(), self.head.weight.float(), self.head.bias.float()) / 10
