"""Statistics of a generator's latents in W: which faces are common there and which are rare.

Works on latents, without networks of its own, images or files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.latents import W, WPlus
from faceloom.networks.generator import Generator

SAMPLES = 10_000  # number of random latents that are measured
MAPPING_BATCH = 1000  # number of latents that are mapped at once


@dataclass(frozen=True, eq=False)
class LatentStatistics:
    """The mean and the covariance of w, by principal axes.

    Convention: `mean [w_dim]`; `axes [w_dim, w_dim]`, one axis in each column, of unit length, the widest first;
    `variances [w_dim]` along them. `floor` is a twentieth of their mean and is added to a variance that divides.
    """

    mean: Tensor
    axes: Tensor
    variances: Tensor

    @property
    def floor(self) -> Tensor:
        """The regularization that keeps the narrowest axes from dominating."""
        return 0.05 * self.variances.mean()

    def sigma(self, vector: Tensor) -> float:
        """Return one standard deviation of w along a `vector [w_dim]` of unit length."""
        along: Tensor = (vector.to(self.axes) @ self.axes).square() @ self.variances
        return float(along.sqrt())

    def distance(self, w_plus: WPlus) -> Float[Tensor, "n num_ws"]:
        """Return the distance of each layer's style from the mean in standard deviations, about 1 for generated faces.

        Convention: the root mean square over the axes of the Mahalanobis distance, with `floor` added to the variances.
        """
        along = (w_plus.to(self.axes) - self.mean) @ self.axes
        squares = along.square() / (self.variances + self.floor)
        expected = (self.variances / (self.variances + self.floor)).mean()
        return (squares.mean(-1) / expected).sqrt()


@torch.no_grad()
def sample_w(G: Generator, count: int, seed: int = 0, c: Tensor | None = None) -> W:
    """Map `count` random z: `w [count, w_dim]`, not truncated.

    Convention: `c [1, c_dim]` is one label for all; without it, the faces of a labeled generator have random classes.
    """
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, G.z_dim, generator=generator).to(G.w_avg.device)
    classes = torch.randint(max(G.c_dim, 1), (count,), generator=generator)
    labels = torch.eye(G.c_dim)[classes].to(z) if G.c_dim and c is None else None
    labels = labels if c is None else c.expand(count, -1)
    parts = [slice(start, start + MAPPING_BATCH) for start in range(0, count, MAPPING_BATCH)]
    return torch.cat([G.mapping(z[part], None if labels is None else labels[part]) for part in parts])


def measure_latents(G: Generator, samples: int = SAMPLES, seed: int = 0, c: Tensor | None = None) -> LatentStatistics:
    """Measure the statistics of w from random samples."""
    return statistics_of(sample_w(G, samples, seed, c))


def statistics_of(w: W) -> LatentStatistics:
    """Compute the statistics of `w [n, w_dim]` in float64."""
    x = w.double()
    mean = x.mean(0)
    variances, axes = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    return LatentStatistics(mean, fix_signs(axes.flip(1)), variances.flip(0).clamp_min(0))


def fix_signs(axes: Tensor) -> Tensor:
    """Give eigenvectors, one in each column, the sign that makes their largest number positive; either is valid."""
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return axes * largest.sign()
