"""The analyzer: what an aligned face shows, and whose it is. Torch only, differentiable, never opens a file.

Trained by recipes/analyzer from teachers' opinions on generated and real portraits; its model card says what it must
not be used for: it does not identify strangers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.trunk import Trunk

ATTRIBUTES = (
    "age",  # years
    "smile",  # logit
    "gender",  # logit of presentation, positive reads as masculine
    "glasses",  # logit
    "mouth_open",  # logit: the lips are apart
    "eyes_open",  # logit
    "yaw",  # degrees, positive looks to the viewer's right
    "pitch",  # degrees, positive looks down
    "roll",  # degrees, positive is turned clockwise
    "sharpness",  # log2 of the pixels that the square's side truly resolves; it cannot see beyond 7.3 (160 px)
)
IDENTITY_DIM = 128
SIDE = 128  # of what the network sees, in pixels
CROP = 0.8  # of the aligned square's side
CENTRE = (0.5, 0.54)  # of the crop in the square, x and y

WIDTHS, DEPTHS = (32, 48, 96, 160, 240), (1, 1, 2, 1)


class Reading(NamedTuple):
    """What the analyzer read: `traits [n, 10]` in the order and units of TRAITS, `identity [n, 128]` of unit length.

    The cosine of two identities says how much two faces are alike: about 0 for strangers.
    """

    traits: Tensor
    identity: Tensor


class Analyzer(nn.Module):
    """Reads faces of FFHQ's alignment.

    Convention: img float32 `[n, 3, h, h]`, RGB, -1...1, any side from 64 px. Raises ShapeError for anything else.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(WIDTHS, DEPTHS)
        self.trait_pool = _pool(WIDTHS[-1])
        self.trait_head = nn.Linear(WIDTHS[-1], len(ATTRIBUTES))
        self.identity_pool = _pool(WIDTHS[-1])
        self.identity_head = nn.Linear(WIDTHS[-1], IDENTITY_DIM)
        self.register_buffer("mean", torch.zeros(len(ATTRIBUTES)))
        self.register_buffer("scale", torch.ones(len(ATTRIBUTES)))

    def forward(self, img: Tensor) -> Reading:
        return self.read(face_crop(img))

    def read(self, crop: Tensor) -> Reading:
        """Read crops `[n, 3, 128, 128]` as `face_crop` makes them."""
        x = self.trunk(crop)  # [n c 4 4]
        traits = self.trait_head(F.relu(self.trait_pool(x)).flatten(1)).float() * self.scale + self.mean
        identity = self.identity_head(self.identity_pool(x).flatten(1)).float()
        return Reading(traits, F.normalize(identity, dim=1))


def face_crop(img: Tensor) -> Tensor:
    """Cut forehead to chin out of aligned squares: `[n, 3, h, h]` -> `[n, 3, 128, 128]`, antialiased."""
    if img.ndim != 4 or img.shape[1] != 3 or img.shape[2] != img.shape[3] or img.shape[2] < 64:
        raise ShapeError(f"img: expected [n, 3, h, h] with h >= 64, got {list(img.shape)}", "align the face first")
    side = img.shape[3]
    x0, y0, size = (round(side * part) for part in (CENTRE[0] - CROP / 2, CENTRE[1] - CROP / 2, CROP))
    cut = img[:, :, y0 : y0 + size, x0 : x0 + size].contiguous(memory_format=torch.channels_last)
    return F.interpolate(cut, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def _pool(channels: int) -> nn.Module:
    """A mean with learned weights a place: eyes and chin do not say the same (Chen et al. 2018, MobileFaceNets)."""
    return nn.Conv2d(channels, channels, SIDE // 32, groups=channels)
