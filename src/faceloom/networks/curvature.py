"""The curvature of a search's loss: which ways it is stiff, and how far a gradient may be followed. Torch only.

A gradient in `w_plus` points where the loss is stiff: along the few directions in which any step changes much of a
picture. Divided by what gradients usually are, it points where this face is (full-matrix AdaGrad, Duchi et al. 2011;
the natural gradient's empirical Fisher matrix, Amari 1998), and one step of it goes as far as several of Adam's. The
second moment of the gradients was measured by recipes/encoder/curvature.py, over portraits, once for all.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.latents import WPlus

STIFF = 64  # directions a layer that are known to be stiff; all others count as equally soft


class Curvature(nn.Module):
    """The step that a gradient of the loss is worth: `-P g / sqrt(g' P g)`, P the inverse of what gradients are.

    Convention: gradient `[n, num_ws, w_dim]`, the step likewise, of length 1 in the metric of P. `axes [w_dim, w_dim]`,
    one axis a column, and `scales [w_dim]` are the generator's spread of w, in which a step has its natural
    length; `stiff [num_ws, w_dim, k]` shortens it: along the axes, `P = R R` with `R = I - stiff stiff'` a layer.
    Raises ShapeError for another shape.
    """

    axes: Tensor
    scales: Tensor
    stiff: Tensor

    def __init__(self, num_ws: int = 23, w_dim: int = 512, stiff: int = STIFF) -> None:
        super().__init__()
        self.register_buffer("axes", torch.eye(w_dim))
        self.register_buffer("scales", torch.ones(w_dim))
        self.register_buffer("stiff", torch.zeros(num_ws, w_dim, stiff))

    def forward(self, gradient: Tensor) -> WPlus:
        num_ws, w_dim, _ = self.stiff.shape
        if gradient.shape[1:] != (num_ws, w_dim):
            raise ShapeError(f"gradient: expected [n, {num_ws}, {w_dim}], got {list(gradient.shape)}")
        whitened = self._soften(gradient @ self.axes * self.scales)
        length = whitened.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
        step: Tensor = -self._soften(whitened) / length * self.scales @ self.axes.T
        return step

    def _soften(self, along: Tensor) -> Tensor:
        """Apply R."""
        stiffness = torch.einsum("lik,nli->nlk", self.stiff, along)
        return along - torch.einsum("lik,nlk->nli", self.stiff, stiffness)
