"""Pivotal tuning of Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images"."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bench.inversion.ada import project
from bench.inversion.clock import Budget, Pace
from bench.inversion.networks import Networks, Result
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import broadcast
from faceloom.networks.generator import image_at
from faceloom.networks.lpips import distance

PIVOT_STEPS, TUNING_STEPS = 450, 350
PIVOT_RATE = (
    0.005  # as published, not `ada`'s: closer to the mean, tuning causes fewer artifacts (bench.inversion.rates)
)
TUNING_RATE = 3e-4
L2 = 1.0  # weight of the squared error relative to LPIPS


class Pti:
    """Optimization of w as in `ada` with a lower rate, then tuning of all weights on a copy of the generator."""

    def __init__(self, networks: Networks, pivot_rate: float = PIVOT_RATE) -> None:
        self.networks, self.pivot_rate = networks, pivot_rate
        self.pivoting, self.tuning = Pace(), Pace()

    def __call__(self, target: Tensor, seconds: float) -> Result:
        budget, end = Budget(seconds), seconds - self.networks.seconds_per_image
        pivots = budget.steps(PIVOT_STEPS, self.pivoting, end * self._share())
        w, pivot_steps = project(self.networks, target, pivots, self.pivot_rate)
        w_plus = broadcast(w, self.networks.G.num_ws)
        G, steps = tune(self.networks, w_plus, target, budget.steps(TUNING_STEPS, self.tuning, end))
        return Result(replace(self.networks, G=G).draw(w_plus), pivot_steps + steps)

    def _share(self) -> float:
        """Return the first part's share of the time, so that both parts get their published share of the steps."""
        first, second = PIVOT_STEPS * self.pivoting.seconds, TUNING_STEPS * self.tuning.seconds
        return first / (first + second) if second else PIVOT_STEPS / (PIVOT_STEPS + TUNING_STEPS)


def tune(networks: Networks, w_plus: Tensor, target: Tensor, schedule: Iterable[float]) -> tuple[Any, int]:
    """Tune a copy of the generator to the target at `w_plus [1, num_ws, w_dim]`. Returns the copy and the steps.

    Adam updates float32 weights, from which the copy's weights are rounded, because its small steps would be lost in
    bf16.
    """
    G: Any = copy.deepcopy(networks.G).requires_grad_(True)  # type: ignore[attr-defined]
    weights, steps = list(G.parameters()), 0
    masters = [weight.detach().float().clone() for weight in weights]
    adam = torch.optim.Adam(masters, lr=TUNING_RATE)
    with torch.no_grad():
        target_features = networks.alexnet.features(target)
    for _ in schedule:
        img = image_at(G, w_plus, QUALITY_RESOLUTION)
        likeness = distance(networks.alexnet.features(img), target_features).sum()
        loss = likeness + L2 * (img - target).square().mean()
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)  # the mapping network has no gradient
        for master, gradient in zip(masters, gradients, strict=True):
            master.grad = None if gradient is None else gradient.float()
        adam.step()
        with torch.no_grad():
            for weight, master in zip(weights, masters, strict=True):
                weight.copy_(master)
        steps += 1
    return G.requires_grad_(False), steps
