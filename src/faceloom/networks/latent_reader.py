"""The latent reader: a network that predicts the attributes of a generated face from its w. Does not open files.

It needs no picture, so it reads thousands of faces in the time that one picture takes to generate, and its errors have
other causes than those of networks that see pixels. It knows one generator. Trained by recipes/second_analyzer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.second_analyzer import SECOND_ATTRIBUTES

HIDDEN = (160, 64)


class LatentReader(nn.Module):
    """A network that reads w of the default generator.

    Convention: w float32 `[n, 512]`; the result `[n, 7]` has the order and units of SECOND_ATTRIBUTES: years, logits,
    degrees. Raises ShapeError for another shape.
    """

    w_mean: Tensor
    w_scale: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, w_dim: int = 512) -> None:
        super().__init__()
        self.fc0 = nn.Linear(w_dim, HIDDEN[0])
        self.fc1 = nn.Linear(*HIDDEN)
        self.head = nn.Linear(HIDDEN[1], len(SECOND_ATTRIBUTES))
        self.dropout = nn.Dropout(0.3)
        self.register_buffer("w_mean", torch.zeros(w_dim))
        self.register_buffer("w_scale", torch.ones(()))
        self.register_buffer("mean", torch.zeros(len(SECOND_ATTRIBUTES)))
        self.register_buffer("scale", torch.ones(len(SECOND_ATTRIBUTES)))

    def forward(self, w: Tensor) -> Tensor:
        if w.ndim != 2 or w.shape[1] != self.fc0.in_features:
            raise ShapeError(f"w: expected [n, {self.fc0.in_features}], got {list(w.shape)}")
        x = F.gelu(self.fc0((w - self.w_mean) / self.w_scale))
        x = F.gelu(self.fc1(self.dropout(x)))
        result: Tensor = self.head(x) * self.scale + self.mean
        return result
