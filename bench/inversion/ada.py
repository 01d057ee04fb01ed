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
RATE = 0.1  # Adam's maximum learning rate
RAMP_UP, RAMP_DOWN = 0.05, 0.25  # shares of the schedule
NOISE, NOISE_UNTIL = 0.05, 0.75  # initial deviation relative to w_std; share of the schedule after which it is 0


class Ada:
    """Optimization of one w from the mean with LPIPS-VGG16 and decreasing noise on w."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.pace = Pace()

    def __call__(self, target: Tensor, seconds: float) -> Result:
        budget = Budget(seconds)
        progress = budget.steps(STEPS, self.pace, seconds - self.networks.seconds_per_image)
        w, steps = project(self.networks, target, progress)
        return Result(self.networks.draw(broadcast(w, self.networks.G.num_ws)), steps)


def project(networks: Networks, target: Tensor, schedule: Iterable[float], rate: float = RATE) -> tuple[Tensor, int]:
    """Optimize `w [1, w_dim]` with one step for each progress of the schedule. Returns the last w and the steps."""
    G, vgg = networks.G, networks.vgg
    random, steps = torch.Generator().manual_seed(0), 0
    w = G.w_avg.clone()[None].requires_grad_()
    adam = torch.optim.Adam([w], lr=rate)
    with torch.no_grad():
        target_features = vgg.features(target)
    for progress in schedule:
        adam.param_groups[0]["lr"] = rate * ramp(progress)
        noise = NOISE * networks.w_std * max(0.0, 1 - progress / NOISE_UNTIL) ** 2
        near = w + noise * torch.randn(w.shape, generator=random)
        img = image_at(G, broadcast(near, G.num_ws), QUALITY_RESOLUTION)
        (w.grad,) = torch.autograd.grad(distance(vgg.features(img), target_features).sum(), [w])
        adam.step()
        steps += 1
    return w.detach(), steps


def ramp(progress: float) -> float:
    """Return the factor of the learning rate: rises linearly, stays, falls by a cosine to 0."""
    up, down = min(1.0, progress / RAMP_UP), min(1.0, (1 - progress) / RAMP_DOWN)
    return up * (0.5 - 0.5 * math.cos(math.pi * down))
