"""What every method is given, and what it gives back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.checkpoints.load import load_lpips
from faceloom.edit.latent_statistics import sample_w
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips
from faceloom.workflows.studio import Studio


@dataclass(frozen=True)
class Result:
    """A reproduction `[1, 3, 256, 256]`, -1...1, and the steps that it took."""

    img: Tensor
    steps: int


Method = Callable[[Tensor, float], Result]
"""`(target [1, 3, 256, 256], seconds) -> Result`; whoever calls looks at the clock."""


@dataclass(frozen=True)
class Networks:
    """The generator that searches use, the distances, and what is known of the generator beforehand."""

    G: Generator
    vgg: Lpips
    alexnet: Lpips
    w_std: float  # root of the mean squared distance of w from its mean (Karras et al. 2020, appendix D)
    drawing: float  # seconds that a picture of 256 px takes

    @torch.no_grad()
    def draw(self, w_plus: Tensor) -> Tensor:
        """The result's picture: `[n, num_ws, w_dim]` -> `[n, 3, 256, 256]`, -1...1."""
        return image_at(self.G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)


def load_networks(studio: Studio) -> Networks:
    """Take what the studio's own search takes."""
    return measured(studio.fast_generator.G, load_lpips("vgg16", studio.precision), load_lpips("alexnet"))


def measured(G: Generator, vgg: Lpips, alexnet: Lpips) -> Networks:
    """Measure the spread of w over 10,000 people, and a drawing's time."""
    away = (sample_w(G, 10_000) - G.w_avg).square().sum(dim=1)
    networks = Networks(G, vgg, alexnet, float(away.mean().sqrt()), 0.0)
    networks.draw(G.w_avg.expand(1, G.num_ws, -1))
    begin = time.perf_counter()
    networks.draw(G.w_avg.expand(1, G.num_ws, -1))
    return Networks(G, vgg, alexnet, networks.w_std, time.perf_counter() - begin)
