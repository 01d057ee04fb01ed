"""Inputs and results that all methods share."""

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
    """A reproduction `[1, 3, 256, 256]`, -1...1, and the number of steps."""

    img: Tensor
    steps: int


Method = Callable[[Tensor, float], Result]
"""`(target [1, 3, 256, 256], seconds) -> Result`; the caller measures the time."""


@dataclass(frozen=True)
class Networks:
    """The generator of optimizations, the distances, and statistics of the generator."""

    G: Generator
    vgg: Lpips
    alexnet: Lpips
    w_std: float  # root mean squared distance of w from its mean (Karras et al. 2020, appendix D)
    seconds_per_image: float  # to generate an image of 256 px

    @torch.no_grad()
    def draw(self, w_plus: Tensor) -> Tensor:
        """Generate the images: `[n, num_ws, w_dim]` -> `[n, 3, 256, 256]`, -1...1."""
        return image_at(self.G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)


def load_networks(studio: Studio) -> Networks:
    """Return the networks that the studio's own optimization uses."""
    return measure_networks(studio.fast_generator.G, load_lpips("vgg16", studio.precision), load_lpips("alexnet"))


def measure_networks(G: Generator, vgg: Lpips, alexnet: Lpips) -> Networks:
    """Measure the deviation of w over 10,000 latents, and the time of generating an image."""
    distances = (sample_w(G, 10_000) - G.w_avg).square().sum(dim=1)
    networks = Networks(G, vgg, alexnet, float(distances.mean().sqrt()), 0.0)
    networks.draw(G.w_avg.expand(1, G.num_ws, -1))
    start = time.perf_counter()
    networks.draw(G.w_avg.expand(1, G.num_ws, -1))
    return Networks(G, vgg, alexnet, networks.w_std, time.perf_counter() - start)
