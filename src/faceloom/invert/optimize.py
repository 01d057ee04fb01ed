"""Latent optimization: gradient descent by Adam from the mean face to the latent of an image, under a deadline.

Takes a generator, LPIPS networks and target images. Does not open files or detect faces.
Source: Karras et al. 2020 (projection, appendix D) and Abdal et al. 2019 (W+), with a deadline instead of a number of
steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from faceloom.invert.clock import Callback, Clock, StopCondition, run_steps
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, check_img, measure
from faceloom.latents import broadcast
from faceloom.networks.generator import Generator, area_reduce, image_at
from faceloom.networks.lpips import Lpips, distance


@dataclass(frozen=True)
class OptimizeConfig:
    """Settings of the optimization. It ends at the deadline or after the steps, whichever comes first."""

    seconds: float | None = 120.0  # the deadline, measured from the call; None: only the steps count
    steps: int | None = None  # without seconds, the result depends on nothing but the inputs
    space: Literal["w", "w_plus"] = "w_plus"  # one style for all layers, or one a layer
    coarse: float = 0.5  # part of the run that compares at half the resolution, which costs half the time
    learning_rate: float = 0.1  # Adam's, at its highest, in units of w
    ramp_up: float = 0.05  # part of the run over which the rate rises
    ramp_down: float = 0.6  # part of the run over which the rate falls to 0
    pixel_weight: float = 1.0  # of the mean absolute difference, against LPIPS
    mean_weight: float = 0.015  # of |w - w_avg|^2 a layer: keeps to latents that can be edited
    noise: float = 0.0  # standard deviation of noise on the start, in units of w; needs the seed
    seed: int = 0


def invert_optimize(
    G: Generator,
    img: Tensor,
    *,
    vgg: Lpips,
    alexnet: Lpips,
    config: OptimizeConfig | None = None,
    start: Tensor | None = None,
    stop_when: StopCondition | None = None,
    callback: Callback | None = None,
) -> Inversion:
    """Optimize the latents until they generate `img`; keep the best result so far when interrupted.

    Convention: img float32 `[n, 3, 256, 256]`, aligned faces, RGB, -1...1; start `[n, num_ws, w_dim]`
    (or `[n, w_dim]`, and then one style for all layers) or the mean face; `stop_when` is called every eighth step.
    `callback` as in `clock.Callback`. Ctrl-C or `Cancelled` ends the optimization and is not raised again: the result
    says `interrupted`.
    Raises ShapeError for another size of image.
    """
    config = config or OptimizeConfig()
    check_img(img)
    clock = Clock(config.seconds, config.steps)
    optimization = LatentOptimization(G, img, vgg, config, start)
    stopped = run_steps(optimization, clock, stop_when, callback)
    w_plus, lpips, mse, generated = _choose_better(G, img, alexnet, optimization.best, optimization.current())
    return Inversion(
        w_plus, lpips, mse, generated, clock.steps_done, clock.elapsed(), stopped.interrupted, stopped.good_enough
    )


def _choose_better(G: Generator, img: Tensor, alexnet: Lpips, best: Tensor, last: Tensor) -> Any:
    """Measure the best latents and those of the last step, which no step evaluated; keep the better of each image."""
    (best_lpips, best_mse, best_img), (lpips, mse, last_img) = (measure(G, w, img, alexnet) for w in (best, last))
    better = torch.tensor(lpips) < torch.tensor(best_lpips)  # False for NaN
    w_plus = torch.where(better[:, None, None], last, best)
    generated = torch.where(better[:, None, None, None], last_img, best_img)
    figures = (
        [a if use_last else b for use_last, a, b in zip(better, *pair, strict=True)]
        for pair in ((lpips, best_lpips), (mse, best_mse))
    )
    return w_plus, *(tuple(figure) for figure in figures), generated


class LatentOptimization:
    """The state of one optimization: latents, Adam's moments, and the best result of every image."""

    def __init__(self, G: Generator, img: Tensor, vgg: Lpips, config: OptimizeConfig, start: Tensor | None) -> None:
        self.G, self.img, self.vgg, self.config = G, img, vgg, config
        with torch.no_grad():
            self.target = {factor: vgg.features(_reduce(img, factor)) for factor in (1, 2)}
        self.factor = 0
        self.w = self._initial_w(start).requires_grad_()
        self.adam = torch.optim.Adam([self.w], lr=config.learning_rate, betas=(0.9, 0.99))
        self.best = self._w_plus().detach().clone()
        self.best_loss = torch.full((len(img),), math.inf)
        self.loss = self.best_loss

    def step(self, number: int, progress: float) -> Tensor:
        """Evaluate the latents, keep the better ones, and move on. Return the evaluated images."""
        self.adam.param_groups[0]["lr"] = _learning_rate(progress, self.config)
        self._set_factor(2 if progress < self.config.coarse else 1)
        w_plus = self._w_plus()
        generated = image_at(self.G, w_plus, QUALITY_RESOLUTION)
        image_loss = distance(self.vgg.features(_reduce(generated, self.factor)), self.target[self.factor])
        image_loss = image_loss + self.config.pixel_weight * (generated - self.img).abs().mean(dim=(1, 2, 3))
        self._keep_best(w_plus.detach(), image_loss.detach())
        mean_distance = (w_plus - self.G.w_avg).square().mean(dim=(1, 2))
        loss = (image_loss + self.config.mean_weight * mean_distance).sum()
        (gradient,) = torch.autograd.grad(loss, [self.w])
        self.w.grad = gradient.nan_to_num(0.0, 0.0, 0.0)
        self.adam.step()
        return generated.detach()

    def current(self) -> Tensor:
        """Return the latents after the last step."""
        return self._w_plus().detach().clone()

    def losses(self) -> tuple[float, float]:
        """Return the loss of the last step and the lowest so far, averaged over the images."""
        return self.loss.mean().item(), self.best_loss.mean().item()

    def _initial_w(self, start: Tensor | None) -> Tensor:
        if start is not None:
            return start.detach().clone()
        w = self.G.w_avg.repeat(len(self.img), 1)
        generator = torch.Generator().manual_seed(self.config.seed)
        w = w + self.config.noise * torch.randn(w.shape, generator=generator)
        return broadcast(w, self.G.num_ws) if self.config.space == "w_plus" else w

    def _w_plus(self) -> Tensor:
        return broadcast(self.w, self.G.num_ws) if self.w.ndim == 2 else self.w

    def _set_factor(self, factor: int) -> None:
        """Compare at 1 / factor of the resolution. Losses at another resolution cannot be compared: forget the best."""
        if factor != self.factor:
            self.factor = factor
            self.best_loss = torch.full_like(self.best_loss, math.inf)

    def _keep_best(self, w_plus: Tensor, loss: Tensor) -> None:
        self.loss = loss
        better = loss < self.best_loss  # False for a loss that is NaN
        self.best = torch.where(better[:, None, None], w_plus, self.best)
        self.best_loss = torch.where(better, loss, self.best_loss)


def _reduce(img: Tensor, factor: int) -> Tensor:
    return area_reduce(img, img.shape[-1] // factor)


def _learning_rate(progress: float, config: OptimizeConfig) -> float:
    """Return the learning rate: it rises, holds, and falls by a cosine (Karras et al. 2020, appendix D)."""
    down = min(1.0, (1 - progress) / config.ramp_down)
    up = min(1.0, (progress + 0.01) / config.ramp_up)
    return config.learning_rate * up * (0.5 - 0.5 * math.cos(math.pi * down))
