"""The aligner: how far a roughly aligned face is from FFHQ's square. Torch only, never opens a file.

Trained by recipes/aligner on generated faces, whose square is their frame: exact by construction.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.trunk import Trunk

SIDE = 128  # of what the network sees, in pixels
CROP = 0.75  # of the believed square's side: in training the picture's edge never shows, or it would tell the answer
CENTRE = (0.5, 0.54)  # of the crop in the square

_WIDTHS, _DEPTHS = (24, 40, 72, 112, 160), (1, 1, 1, 1)


class Aligner(nn.Module):
    """Says where the true square lies in the believed one.

    Convention: crops float32 `[n, 3, 128, 128]`, RGB, -1...1, the CROP of the believed square around CENTRE. Returns
    `[n, 4]`: the true centre less the believed one (x, y, in believed sides), the logarithm of the true side in
    believed sides, the true roll less the believed one (radians, clockwise).
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(_WIDTHS, _DEPTHS)
        self.head = nn.Linear(_WIDTHS[-1] * (SIDE // 32) ** 2, 4)

    def forward(self, crops: Tensor) -> Tensor:
        if crops.ndim != 4 or crops.shape[1:] != (3, SIDE, SIDE):
            raise ShapeError(f"crops: expected [n, 3, {SIDE}, {SIDE}], got {list(crops.shape)}")
        return F.linear(self.trunk(crops).flatten(1).float(), self.head.weight.float(), self.head.bias.float()) / 10
