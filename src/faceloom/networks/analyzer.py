"""The analyzer: a differentiable network that reads attributes and identity from an aligned face. Does not open files.

Trained by recipes/analyzer from the outputs of teacher networks, measurements and labels by hand, on generated and real
portraits. Its model card says what it must not be used for: it does not identify strangers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.detail_head import DetailHead
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
    "sharpness",  # log2 of the pixels that the square's side resolves; values above 7.3 (160 px) cannot be measured
)
DETAILS = (
    "hair_lightness",  # CIELAB lightness of the hair above the forehead
    "hair_warmth",  # CIELAB b of it: low is gray or black, high is blond or red
    "brows",  # distance of the brows from the eyes in hundredths of an eye's width
    "eye_opening",  # distance of the lids in hundredths of an eye's width
    "mouth_gap",  # distance of the inner lips in hundredths of the mouth's width
    "face_fullness",  # width of the jaw in hundredths of the face's height
    "beard",  # logit, as the next three: a beard or mustache
    "hair_length",  # the hair reaches the shoulders
    "hat",  # a hat or another cover of the head
    "makeup",  # of lips or eyes
)
"""Outputs of the second head, in the order and units of `Reading.details`."""
IDENTITY_DIM = 128
ANALYZER_RESOLUTION = 128  # pixels; side of the network's input
ANALYZER_CROP = 0.8  # of the aligned square's side
ANALYZER_CENTER = (0.5, 0.54)  # of the crop in the square, x and y

TRUNK_WIDTHS, TRUNK_DEPTHS = (32, 48, 96, 160, 240), (1, 1, 2, 1)


class Reading(NamedTuple):
    """The analyzer's output: `attributes [n, 10]`, `identity [n, 128]` of unit length, and `details [n, 10]`.

    Attributes have the order and units of ATTRIBUTES, details those of DETAILS. The cosine of two identities is their
    identity similarity: about 0 for strangers. Readers without a second head return no details: `[0, 0]`.
    """

    attributes: Tensor
    identity: Tensor
    details: Tensor = torch.zeros(0, 0)


class Analyzer(nn.Module):
    """A network that reads faces in FFHQ's alignment.

    Convention: img float32 `[n, 3, h, h]`, RGB, -1...1, any side from 64 px. Raises ShapeError for anything else.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(TRUNK_WIDTHS, TRUNK_DEPTHS)
        self.trait_pool = _pool(TRUNK_WIDTHS[-1])
        self.trait_head = nn.Linear(TRUNK_WIDTHS[-1], len(ATTRIBUTES))
        self.identity_pool = _pool(TRUNK_WIDTHS[-1])
        self.identity_head = nn.Linear(TRUNK_WIDTHS[-1], IDENTITY_DIM)
        self.detail_head = DetailHead(TRUNK_WIDTHS, len(DETAILS))
        self.register_buffer("mean", torch.zeros(len(ATTRIBUTES)))
        self.register_buffer("scale", torch.ones(len(ATTRIBUTES)))

    def forward(self, img: Tensor) -> Reading:
        return self.read(crop_face(img))

    def read(self, crop: Tensor) -> Reading:
        """Read crops `[n, 3, 128, 128]` from `crop_face`."""
        blocks = self.trunk.outputs(crop)
        x = blocks[-1]  # [n c 4 4]
        attributes = self.trait_head(F.relu(self.trait_pool(x)).flatten(1)).float() * self.scale + self.mean
        identity = self.identity_head(self.identity_pool(x).flatten(1)).float()
        return Reading(attributes, F.normalize(identity, dim=1), self.detail_head(crop, blocks))


def crop_face(img: Tensor) -> Tensor:
    """Crop aligned squares from forehead to chin: `[n, 3, h, h]` -> `[n, 3, 128, 128]`, antialiased."""
    return crop_square(img, ANALYZER_CENTER, ANALYZER_CROP, ANALYZER_RESOLUTION)


def crop_square(img: Tensor, center: tuple[float, float], part: float, resolution: int) -> Tensor:
    """Crop a square out of aligned squares: `[n, 3, h, h]` -> `[n, 3, resolution, resolution]`, antialiased.

    Convention: `center` (x, y) and the side `part` are fractions of the side. Raises ShapeError for other shapes.
    """
    if img.ndim != 4 or img.shape[1] != 3 or img.shape[2] != img.shape[3] or img.shape[2] < 64:
        raise ShapeError(f"img: expected [n, 3, h, h] with h >= 64, got {list(img.shape)}", "align the face first")
    side = img.shape[3]
    x0, y0, size = (round(side * place) for place in (*(middle - part / 2 for middle in center), part))
    crop = img[:, :, y0 : y0 + size, x0 : x0 + size].contiguous(memory_format=torch.channels_last)
    return F.interpolate(crop, (resolution, resolution), mode="bilinear", antialias=True, align_corners=False)


def _pool(channels: int) -> nn.Module:
    """Return a spatial mean with learned weights per position (Chen et al. 2018, MobileFaceNets)."""
    return nn.Conv2d(channels, channels, ANALYZER_RESOLUTION // 32, groups=channels)
