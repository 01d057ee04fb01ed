"""How a generator's own people are spread in W: what is a common face there, and what a rare one.

Knows the generator protocol and latents: no networks, no images, no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.latents import W, WPlus
from faceloom.networks.generator import Generator

SAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class LatentStatistics:
    """The mean and the covariance of w, by principal axes.

    Convention: `mean [w_dim]`; `axes [w_dim, w_dim]`, one axis a column, of unit length, the widest first;
    `variances [w_dim]` along them. `floor` is a twentieth of their mean: it is added where one must divide by them.
    """

    mean: Tensor
    axes: Tensor
    variances: Tensor

    @property
    def floor(self) -> Tensor:
        """What keeps the narrowest axes from counting most."""
        return 0.05 * self.variances.mean()

    def sigma(self, vector: Tensor) -> float:
        """One standard deviation of w along a `vector [w_dim]` of unit length."""
        along: Tensor = (vector.to(self.axes) @ self.axes).square() @ self.variances
        return float(along.sqrt())

    def distance(self, w_plus: WPlus) -> Float[Tensor, "n num_ws"]:
        """How far out each layer's style lies, in standard deviations: 1 for the generator's own people.

        Convention: the root mean square over the axes of Mahalanobis' distance, with `floor` added to the variances.
        """
        along = (w_plus.to(self.axes) - self.mean) @ self.axes
        rarity = along.square() / (self.variances + self.floor)
        own = (self.variances / (self.variances + self.floor)).mean()
        return (rarity.mean(-1) / own).sqrt()


@torch.no_grad()
def sample_w(G: Generator, count: int, seed: int = 0, c: Tensor | None = None) -> W:
    """Map `count` random z: `w [count, w_dim]`, not truncated.

    Convention: `c [1, c_dim]` is one label for all; without it a labelled generator's people have a random class each.
    """
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, G.z_dim, generator=generator).to(G.w_avg.device)
    classes = torch.randint(max(G.c_dim, 1), (count,), generator=generator)
    labels = torch.eye(G.c_dim)[classes].to(z) if G.c_dim and c is None else None
    labels = labels if c is None else c.expand(count, -1)
    parts = [slice(start, start + 1000) for start in range(0, count, 1000)]
    return torch.cat([G.mapping(z[part], None if labels is None else labels[part]) for part in parts])


def measure_latents(G: Generator, samples: int = SAMPLES, seed: int = 0, c: Tensor | None = None) -> LatentStatistics:
    """Measure how w is spread, by `samples` random people."""
    return statistics_of(sample_w(G, samples, seed, c))


def statistics_of(w: W) -> LatentStatistics:
    """Measure how `w [n, w_dim]` is spread; float64."""
    x = w.double()
    mean = x.mean(0)
    variances, axes = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    return LatentStatistics(mean, signed(axes.flip(1)), variances.flip(0).clamp_min(0))


def signed(axes: Tensor) -> Tensor:
    """Give eigenvectors, one a column, the sign that makes their largest number positive: they come with either."""
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return axes * largest.sign()
