"""The mapping network of StyleGAN: z -> w. Does not open files."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.init import init_weights
from faceloom.networks.ops import SQRT2


def normalize_pixels(x: Tensor) -> Tensor:
    """Scale every vector to a mean square of one (Karras et al. 2018, section 4.2)."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class MappingNetwork(nn.Module):
    """Pixel norm, then fully connected layers with leaky ReLU 0.2 and gain sqrt(2) (Karras et al. 2019, figure 1).

    Convention: z [n, z_dim], c [n, c_dim] -> w [n, w_dim]. Weights are stored as they are used, without equalized
    scaling. A label is embedded and concatenated to z (Karras et al. 2020b). Raises ShapeError for a missing label.
    """

    def __init__(self, z_dim: int, w_dim: int, num_layers: int = 8, c_dim: int = 0) -> None:
        super().__init__()
        self.embed = nn.Linear(c_dim, w_dim) if c_dim else None
        inputs = [z_dim + (w_dim if c_dim else 0)] + [w_dim] * (num_layers - 1)
        self.fc = nn.ModuleList(nn.Linear(i, w_dim) for i in inputs)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        x = normalize_pixels(z)
        if self.embed is not None:
            x = torch.cat((x, self._embed_label(self.embed, c)), dim=1)
        for layer in self.fc:
            x = F.leaky_relu(layer(x), 0.2) * SQRT2
        return x

    def init_weights(self) -> None:
        """Initialize the weights for training, at a hundredth of the learning rate (Karras et al. 2019, section C)."""
        for layer in self.fc:
            assert isinstance(layer, nn.Linear)
            init_weights(layer, multiplier=0.01)
        if self.embed is not None:
            init_weights(self.embed)

    @staticmethod
    def _embed_label(embed: nn.Linear, c: Tensor | None) -> Tensor:
        if c is None or c.ndim != 2 or c.shape[1] != embed.in_features:
            got = None if c is None else list(c.shape)
            raise ShapeError(f"c: expected [n, {embed.in_features}], got {got}", "give every image its label")
        return normalize_pixels(embed(c.float()))


def compute_mean_w(mapping: nn.Module, z: Tensor) -> Tensor:
    """Return the mean of w over many z, the center of truncation."""
    with torch.no_grad():
        return torch.cat([mapping(batch) for batch in z.split(512)]).mean(dim=0)
