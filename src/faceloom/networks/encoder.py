"""The encoder: a network that predicts `w_plus` from an aligned face and an earlier reproduction. Does not open files.

It predicts the offset to add to the latent of the reproduction, which is the mean face in the first pass; several
passes refine the result (Alaluf et al. 2021, ReStyle). It predicts an offset that all layers share and each layer's
difference from that (Tov et al. 2021, e4e), along the principal axes of w. Both pictures go through one trunk, whose
training starts from the analyzer's trunk. Trained by recipes/encoder.
"""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.latents import WPlus
from faceloom.networks.analyzer import TRUNK_DEPTHS, TRUNK_WIDTHS
from faceloom.networks.trunk import Residual, Trunk

TRUNK_RESOLUTION = 160  # pixels; side of the trunk's input: at the analyzer's scale, but the whole square
HIDDEN = 384  # features of the hidden layer
AXES = 128  # principal axes of w, those of the largest variance, along which layers may differ

_JOINT = 256  # features of the comparison of the two pictures
_POSITIONS = (TRUNK_RESOLUTION // 32) ** 2
_TEMPLATES = 6  # weighted means over the positions, per feature


class Encoder(nn.Module):
    """A network that predicts how to improve the latent of a reproduction.

    Convention: img and generated float32 `[n, 3, h, h]`, h >= 64, RGB, -1...1; the result `[n, num_ws, w_dim]` is added
    to the `w_plus` of `generated`. `scales [w_dim]` and `axes [w_dim, w_dim]`, one axis a column, are the
    principal axes and standard deviations of the generator's w; `mean_img [3, 256, 256]` is its mean face.
    Raises ShapeError for another shape.
    """

    axes: Tensor
    scales: Tensor
    mean_img: Tensor

    def __init__(self, num_ws: int = 23, w_dim: int = 512) -> None:
        super().__init__()
        self.num_ws, self.w_dim = num_ws, w_dim
        self.trunk = Trunk(TRUNK_WIDTHS, TRUNK_DEPTHS)
        self.linear = nn.Linear(TRUNK_WIDTHS[-1] * _POSITIONS, w_dim, bias=False)  # fitted in closed form, then trained
        self.joint = Residual(2 * TRUNK_WIDTHS[-1], _JOINT)
        self.templates = nn.Parameter(torch.randn(_JOINT, _POSITIONS, _TEMPLATES) / _POSITIONS**0.5)
        self.fc = nn.Linear(_JOINT * _TEMPLATES, HIDDEN)
        self.shared = nn.Linear(HIDDEN, w_dim)
        self.differing = nn.Linear(HIDDEN, num_ws * AXES)
        for head in (self.shared, self.differing):
            nn.init.normal_(head.weight, std=0.001)
            nn.init.zeros_(head.bias)
        self.register_buffer("axes", torch.eye(w_dim))
        self.register_buffer("scales", torch.ones(w_dim))
        self.register_buffer("mean_img", torch.zeros(3, 256, 256))

    def forward(self, img: Tensor, generated: Tensor) -> WPlus:
        shared, differing = self.predict(img, generated)
        return self.to_w(shared + differing)

    def first_pass(self, img: Tensor) -> WPlus:
        """Return the offset from the mean: `forward` with the mean face, whose features are computed only once."""
        shared, differing = self.predict_from_features(
            self.features(img), self.mean_features.expand(len(img), -1, -1, -1)
        )
        return self.to_w(shared + differing)

    @cached_property
    def mean_features(self) -> Tensor:
        """The trunk's features of the mean face: `[1, c, 5, 5]`. They are cached, so use them only after training."""
        with torch.no_grad():
            return self.features(self.mean_img[None])

    def predict(self, img: Tensor, generated: Tensor) -> tuple[Tensor, Tensor]:
        """Return the offset that all layers share `[n, 1, w_dim]` and each layer's difference from it `[n, l, w_dim]`.

        Both are in standard deviations along the axes.
        """
        return self.predict_from_features(self.features(img), self.features(generated))

    def predict_from_features(self, img_features: Tensor, generated_features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same as `predict`, from the trunk's features of the two pictures."""
        shared = self.linear((img_features - generated_features).flatten(1)).float()
        x = self.joint(torch.cat((img_features, generated_features), dim=1)).flatten(2)
        x = torch.einsum("ncp,cpk->nck", x, self.templates.to(x.dtype)).flatten(1)
        x = F.relu(self.fc(x))
        differing = self.differing(x).float().unflatten(1, (self.num_ws, AXES))
        return (shared + self.shared(x).float())[:, None], F.pad(differing, (0, self.w_dim - AXES))

    def to_w(self, deviations: Tensor) -> Tensor:
        """Convert standard deviations along the axes to an offset in w."""
        return (deviations * self.scales) @ self.axes.T

    def to_axes(self, offset: Tensor) -> Tensor:
        """Convert an offset in w to standard deviations along the axes: the inverse of `to_w`."""
        return offset @ self.axes / self.scales

    def features(self, img: Tensor) -> Tensor:
        """Return the trunk's features of a picture: `[n, c, 5, 5]`."""
        if img.ndim != 4 or img.shape[1] != 3 or img.shape[2] != img.shape[3] or img.shape[2] < 64:
            raise ShapeError(f"img: expected [n, 3, h, h] with h >= 64, got {list(img.shape)}", "align the face first")
        size = (TRUNK_RESOLUTION, TRUNK_RESOLUTION)
        small = F.interpolate(img, size, mode="bilinear", antialias=True, align_corners=False)
        features: Tensor = self.trunk(small.contiguous(memory_format=torch.channels_last))
        return features
