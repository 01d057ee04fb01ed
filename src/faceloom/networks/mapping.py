"""The mapping network of StyleGAN: z -> w. Torch only, never opens a file."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pixel_norm(x: Tensor) -> Tensor:
    """Scale every vector to a mean square of one (Karras et al. 2018, section 4.2)."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class MappingNetwork(nn.Module):
    """Pixel norm, then fully connected layers with leaky ReLU 0.2 and gain sqrt(2) (Karras et al. 2019, figure 1).

    Convention: z [n, z_dim] -> w [n, w_dim]. Weights are stored as they are used, without equalised scaling.
    """

    def __init__(self, z_dim: int, w_dim: int, num_layers: int = 8) -> None:
        super().__init__()
        inputs = [z_dim] + [w_dim] * (num_layers - 1)
        self.fc = nn.ModuleList(nn.Linear(i, w_dim) for i in inputs)

    def forward(self, z: Tensor) -> Tensor:
        x = pixel_norm(z)
        for layer in self.fc:
            x = F.leaky_relu(layer(x), 0.2) * 2**0.5
        return x


def mean_w(mapping: nn.Module, z: Tensor) -> Tensor:
    """The mean of w over many z: what truncation pulls towards."""
    with torch.no_grad():
        return torch.cat([mapping(part) for part in z.split(512)]).mean(dim=0)
