"""The encoder: an aligned face, and the last attempt at it, to the next `w_plus`. Torch only, never opens a file.

One step of it is an encoder, several are an iterative one: it always says what is to be added to the codes of the
attempt, the mean face's at first (Alaluf et al. 2021, ReStyle). A shared style and what each layer differs from it
are said apart (Tov et al. 2021, e4e), in principal axes of w. Both pictures go through one trunk, which
starts from the analyzer's: it knows faces already. Trained by recipes/encoder.
"""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.latents import WPlus
from faceloom.networks.analyzer import DEPTHS, WIDTHS
from faceloom.networks.trunk import Residual, Trunk

SIDE = 160  # of what the trunk sees, in pixels: the analyzer's scale, but the whole square
HIDDEN = 384
AXES = 128  # of w, the widest, along which layers may differ

_JOINT = 256  # features in which the two pictures are compared
_PLACES = (SIDE // 32) ** 2
_TEMPLATES = 6  # weighted means over the places, a feature


class Encoder(nn.Module):
    """Improves an attempt at a face.

    Convention: img and attempt float32 `[n, 3, h, h]`, h >= 64, RGB, -1...1; the result `[n, num_ws, w_dim]` is added
    to the attempt's `w_plus`. `scales [w_dim]` and `axes [w_dim, w_dim]`, one axis a column, are the
    generator's spread of w; `mean_img [3, 256, 256]` is its mean face. Raises ShapeError for anything else.
    """

    axes: Tensor
    scales: Tensor
    mean_img: Tensor

    def __init__(self, num_ws: int = 23, w_dim: int = 512) -> None:
        super().__init__()
        self.num_ws, self.w_dim = num_ws, w_dim
        self.trunk = Trunk(WIDTHS, DEPTHS)
        self.linear = nn.Linear(WIDTHS[-1] * _PLACES, w_dim, bias=False)  # fitted in closed form, then trained
        self.joint = Residual(2 * WIDTHS[-1], _JOINT)
        self.templates = nn.Parameter(torch.randn(_JOINT, _PLACES, _TEMPLATES) / _PLACES**0.5)
        self.fc = nn.Linear(_JOINT * _TEMPLATES, HIDDEN)
        self.shared = nn.Linear(HIDDEN, w_dim)
        self.differing = nn.Linear(HIDDEN, num_ws * AXES)
        for head in (self.shared, self.differing):
            nn.init.normal_(head.weight, std=0.001)
            nn.init.zeros_(head.bias)
        self.register_buffer("axes", torch.eye(w_dim))
        self.register_buffer("scales", torch.ones(w_dim))
        self.register_buffer("mean_img", torch.zeros(3, 256, 256))

    def forward(self, img: Tensor, attempt: Tensor) -> WPlus:
        shared, differing = self.read(img, attempt)
        return self.to_w(shared + differing)

    def first(self, img: Tensor) -> WPlus:
        """What to add to the mean: as `forward` with the mean face as the attempt, which is looked at only once."""
        shared, differing = self.compare(self.features(img), self.mean_features.expand(len(img), -1, -1, -1))
        return self.to_w(shared + differing)

    @cached_property
    def mean_features(self) -> Tensor:
        """What the trunk sees in the mean face: `[1, c, 5, 5]`; for a network whose training is over."""
        with torch.no_grad():
            return self.features(self.mean_img[None])

    def read(self, img: Tensor, attempt: Tensor) -> tuple[Tensor, Tensor]:
        """What to add, in standard deviations along the axes: for all `[n, 1, w_dim]` and by layer `[n, l, w_dim]`."""
        return self.compare(self.features(img), self.features(attempt))

    def compare(self, seen: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """The same of what the trunk sees in the image and in the attempt."""
        shared = self.linear((seen - drawn).flatten(1)).float()
        x = self.joint(torch.cat((seen, drawn), dim=1)).flatten(2)
        x = torch.einsum("ncp,cpk->nck", x, self.templates.to(x.dtype)).flatten(1)
        x = F.relu(self.fc(x))
        differing = self.differing(x).float().unflatten(1, (self.num_ws, AXES))
        return (shared + self.shared(x).float())[:, None], F.pad(differing, (0, self.w_dim - AXES))

    def to_w(self, along: Tensor) -> Tensor:
        """From standard deviations along the axes to w."""
        return (along * self.scales) @ self.axes.T

    def along_axes(self, away: Tensor) -> Tensor:
        """The inverse of `to_w`."""
        return away @ self.axes / self.scales

    def features(self, img: Tensor) -> Tensor:
        """What the trunk sees in a picture: `[n, c, 5, 5]`."""
        if img.ndim != 4 or img.shape[1] != 3 or img.shape[2] != img.shape[3] or img.shape[2] < 64:
            raise ShapeError(f"img: expected [n, 3, h, h] with h >= 64, got {list(img.shape)}", "align the face first")
        small = F.interpolate(img, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        features: Tensor = self.trunk(small.contiguous(memory_format=torch.channels_last))
        return features
