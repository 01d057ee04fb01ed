"""Projection to W as in Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix D."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from bench.inversion.clock import Budget, Pace
from bench.inversion.networks import Networks, Result
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import broadcast
from faceloom.networks.generator import image_at
from faceloom.networks.lpips import distance

STEPS = 1000
RATE = 0.1  # Adam's, at its highest
RAMP_UP, RAMP_DOWN = 0.05, 0.25  # parts of the schedule
NOISE, NOISE_UNTIL = 0.05, 0.75  # of w_std; the part of the schedule over which it goes


class Ada:
    """One w from the mean, by LPIPS-VGG16, with noise on w that goes away."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.pace = Pace()

    def __call__(self, target: Tensor, seconds: float) -> Result:
        budget = Budget(seconds)
        progress = budget.steps(STEPS, self.pace, seconds - self.networks.drawing)
        w, steps = project(self.networks, target, progress)
        return Result(self.networks.draw(broadcast(w, self.networks.G.num_ws)), steps)


def project(networks: Networks, target: Tensor, schedule: Iterable[float], rate: float = RATE) -> tuple[Tensor, int]:
    """Search for `w [1, w_dim]`, a step for every progress of the schedule. Returns the last w and the steps."""
    G, vgg = networks.G, networks.vgg
    random, steps = torch.Generator().manual_seed(0), 0
    w = G.w_avg.clone()[None].requires_grad_()
    adam = torch.optim.Adam([w], lr=rate)
    with torch.no_grad():
        wanted = vgg.features(target)
    for progress in schedule:
        adam.param_groups[0]["lr"] = rate * ramp(progress)
        noise = NOISE * networks.w_std * max(0.0, 1 - progress / NOISE_UNTIL) ** 2
        near = w + noise * torch.randn(w.shape, generator=random)
        img = image_at(G, broadcast(near, G.num_ws), QUALITY_RESOLUTION)
        (w.grad,) = torch.autograd.grad(distance(vgg.features(img), wanted).sum(), [w])
        adam.step()
        steps += 1
    return w.detach(), steps


def ramp(progress: float) -> float:
    """What the rate is multiplied by: rises in a line, holds, falls by a cosine to nothing."""
    up, down = min(1.0, progress / RAMP_UP), min(1.0, (1 - progress) / RAMP_DOWN)
    return up * (0.5 - 0.5 * math.cos(math.pi * down))
