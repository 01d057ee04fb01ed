"""The curvature of the inversion's loss, which preconditions a gradient in W+. Does not open files.

A gradient in `w_plus` is dominated by the few directions in which any step changes much of a picture: the directions
with high curvature. Divided by the root of the gradients' usual second moment, it points to this face (full-matrix
AdaGrad, Duchi et al. 2011; the natural gradient's empirical Fisher matrix, Amari 1998), and one step gets as far as
several of Adam's. The second moment was measured once over portraits, by recipes/encoder/curvature.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.latents import WPlus

STIFF = 64  # directions per layer with a stored, high curvature; all others have the same, low one


class Curvature(nn.Module):
    """A preconditioner that turns gradients into steps: `-P g / sqrt(g' P g)`, P the inverse of their second moment.

    Convention: gradient `[n, num_ws, w_dim]`, the step likewise, of length 1 in the metric of P. `axes [w_dim, w_dim]`,
    one axis a column, and `scales [w_dim]` are the principal axes and standard deviations of the generator's w.
    `stiff [num_ws, w_dim, k]` shortens the step where the curvature is high: in the scaled axes, `P = R R` with
    `R = I - stiff stiff'` for each layer.
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
        whitened = self._apply_root(gradient @ self.axes * self.scales)
        length = whitened.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
        step: Tensor = -self._apply_root(whitened) / length * self.scales @ self.axes.T
        return step

    def _apply_root(self, x: Tensor) -> Tensor:
        """Apply R, a root of P: `[n, num_ws, w_dim]` along the scaled axes."""
        stiffness = torch.einsum("lik,nli->nlk", self.stiff, x)
        return x - torch.einsum("lik,nlk->nli", self.stiff, stiffness)
