"""The VGG search: gradient descent from the mean face to a person's latent, under a deadline.

Knows a generator, a perceptual distance and a target image; no files, no faces. After Karras et al. 2020 (projection,
appendix D) and Abdal et al. 2019 (W+), with a clock instead of a number of steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from faceloom.invert.clock import Callback, Clock, Enough, descend
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, check_img, measure
from faceloom.latents import broadcast
from faceloom.networks.generator import Generator, area_reduce, image_at
from faceloom.networks.lpips import Lpips, distance


@dataclass(frozen=True)
class OptimizeConfig:
    """How to search. The search ends at the deadline or after the steps, whichever comes first."""

    seconds: float | None = 120.0  # the deadline, measured from the call; None: only the steps count
    steps: int | None = None  # with steps alone the result depends on nothing but the inputs
    space: Literal["w", "w_plus"] = "w_plus"  # one style for all layers, or one a layer
    coarse: float = 0.5  # part of the search that compares at half the resolution, which costs half the time
    learning_rate: float = 0.1  # Adam's, at its highest, in units of w
    ramp_up: float = 0.05  # part of the search over which the rate rises
    ramp_down: float = 0.6  # part of the search over which it falls to nothing
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
    enough: Enough | None = None,
    callback: Callback | None = None,
) -> Inversion:
    """Search for the latents whose images are `img`; the best so far is kept at any interruption.

    Convention: img float32 `[n, 3, 256, 256]`, aligned faces, RGB, -1...1; start `[n, num_ws, w_dim]`
    (or `[n, w_dim]`, and then one style for all layers) or the mean face; `enough` is asked every eighth step.
    `callback` as in `clock.Callback`. Ctrl-C ends the search and is not raised again: the result says `interrupted`.
    Raises ShapeError for another size of image.
    """
    config = config or OptimizeConfig()
    check_img(img)
    clock = Clock(config.seconds, config.steps)
    search = Search(G, img, vgg, config, start)
    ended = descend(search, clock, enough, callback)
    w_plus, lpips, mse, drawn = _better(G, img, alexnet, search.best, search.here())
    return Inversion(w_plus, lpips, mse, drawn, clock.done, clock.elapsed(), ended.interrupted, ended.enough)


def _better(G: Generator, img: Tensor, alexnet: Lpips, best: Tensor, last: Tensor) -> Any:
    """Measure the best latents and those of the last step, which nobody has looked at: the nearer of each image."""
    (best_lpips, best_mse, best_img), (lpips, mse, last_img) = (measure(G, w, img, alexnet) for w in (best, last))
    nearer = torch.tensor(lpips) < torch.tensor(best_lpips)  # False for what is no number
    w_plus = torch.where(nearer[:, None, None], last, best)
    drawn = torch.where(nearer[:, None, None, None], last_img, best_img)
    figures = (
        [a if so else b for so, a, b in zip(nearer, *pair, strict=True)]
        for pair in ((lpips, best_lpips), (mse, best_mse))
    )
    return w_plus, *(tuple(figure) for figure in figures), drawn


class Search:
    """The state of one search: latents, Adam's moments, and the best so far of every image."""

    def __init__(self, G: Generator, img: Tensor, vgg: Lpips, config: OptimizeConfig, start: Tensor | None) -> None:
        self.G, self.img, self.vgg, self.config = G, img, vgg, config
        with torch.no_grad():
            self.target = {factor: vgg.features(_shrunk(img, factor)) for factor in (1, 2)}
        self.factor = 0
        self.w = self._start(start).requires_grad_()
        self.adam = torch.optim.Adam([self.w], lr=config.learning_rate, betas=(0.9, 0.99))
        self.best = self._w_plus().detach().clone()
        self.best_loss = torch.full((len(img),), math.inf)
        self.loss = self.best_loss

    def step(self, number: int, progress: float) -> Tensor:
        """Measure the latents, keep the better ones, and move on. Returns the images measured."""
        self.adam.param_groups[0]["lr"] = _learning_rate(progress, self.config)
        self._compare_at(2 if progress < self.config.coarse else 1)
        w_plus = self._w_plus()
        image = image_at(self.G, w_plus, QUALITY_RESOLUTION)
        likeness = distance(self.vgg.features(_shrunk(image, self.factor)), self.target[self.factor])
        likeness = likeness + self.config.pixel_weight * (image - self.img).abs().mean(dim=(1, 2, 3))
        self._keep(w_plus.detach(), likeness.detach())
        away = (w_plus - self.G.w_avg).square().mean(dim=(1, 2))
        loss = (likeness + self.config.mean_weight * away).sum()
        (gradient,) = torch.autograd.grad(loss, [self.w])
        self.w.grad = gradient.nan_to_num(0.0, 0.0, 0.0)
        self.adam.step()
        return image.detach()

    def here(self) -> Tensor:
        """Where the last step went."""
        return self._w_plus().detach().clone()

    def losses(self) -> tuple[float, float]:
        """The last step's loss and the least so far, means of the images."""
        return self.loss.mean().item(), self.best_loss.mean().item()

    def _start(self, start: Tensor | None) -> Tensor:
        if start is not None:
            return start.detach().clone()
        w = self.G.w_avg.repeat(len(self.img), 1)
        generator = torch.Generator().manual_seed(self.config.seed)
        w = w + self.config.noise * torch.randn(w.shape, generator=generator)
        return broadcast(w, self.G.num_ws) if self.config.space == "w_plus" else w

    def _w_plus(self) -> Tensor:
        return broadcast(self.w, self.G.num_ws) if self.w.ndim == 2 else self.w

    def _compare_at(self, factor: int) -> None:
        """Compare at 1 / factor of the resolution; losses of before say nothing about those of now."""
        if factor != self.factor:
            self.factor = factor
            self.best_loss = torch.full_like(self.best_loss, math.inf)

    def _keep(self, w_plus: Tensor, loss: Tensor) -> None:
        self.loss = loss
        better = loss < self.best_loss  # False for a loss that is no number
        self.best = torch.where(better[:, None, None], w_plus, self.best)
        self.best_loss = torch.where(better, loss, self.best_loss)


def _shrunk(img: Tensor, factor: int) -> Tensor:
    return area_reduce(img, img.shape[-1] // factor)


def _learning_rate(progress: float, config: OptimizeConfig) -> float:
    """Rise, hold, and fall by a cosine (Karras et al. 2020, appendix D)."""
    down = min(1.0, (1 - progress) / config.ramp_down)
    up = min(1.0, (progress + 0.01) / config.ramp_up)
    return config.learning_rate * up * (0.5 - 0.5 * math.cos(math.pi * down))
