"""Optimization in W+ by natural gradient: gradient descent with a curvature that was measured beforehand.

Adam (Kingma and Ba 2015) estimates the second moment of the gradients from scratch in every run. Here it is known from
many faces (`networks.curvature`), so the first step is already scaled well, and ten steps get further than twenty of
Adam's. Takes a generator, target images and a loss. Does not open files or detect faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.invert.inversion import QUALITY_RESOLUTION, check_img
from faceloom.latents import WPlus
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips, distance

L1_WEIGHT, L2_WEIGHT = 0.5, 2.0  # weights of the mean absolute and the mean squared pixel difference, against LPIPS
IDENTITY_WEIGHT = 0.3  # weight of 1 - identity similarity, against LPIPS
STEP_LENGTH, STEP_DECAY = 20.0, 0.9  # length of the first step in the curvature's metric, and the factor per step
MOMENTUM = 0.7


@dataclass(frozen=True, eq=False)
class ImageLoss:
    """The networks that compare a generated image with its target: LPIPS, and the analyzer's identity."""

    alexnet: Lpips
    analyzer: Analyzer

    def for_target(self, img: Tensor) -> Target:
        """Compute the features of the target images `[n, 3, 256, 256]`, -1...1."""
        with torch.no_grad():
            return Target(self, img, self.alexnet.features(img), self.analyzer(img).identity)


@dataclass(frozen=True, eq=False)
class Target:
    """The target images and their features."""

    loss: ImageLoss
    img: Tensor
    features: list[Tensor]
    identity: Tensor

    def lpips(self, generated: Tensor) -> Tensor:
        """Return the LPIPS (AlexNet) of generated images `[n, 3, 256, 256]` to the target: `[n]`."""
        return distance(self.loss.alexnet.features(generated), self.features)

    def pixel_and_identity_loss(self, generated: Tensor) -> Tensor:
        """Return the weighted difference in pixels and in identity: `[n]`."""
        difference = generated - self.img
        similarity: Tensor = (self.loss.analyzer(generated).identity * self.identity).sum(dim=1)
        pixels = L1_WEIGHT * difference.abs().mean(dim=(1, 2, 3)) + L2_WEIGHT * difference.square().mean(dim=(1, 2, 3))
        return pixels + IDENTITY_WEIGHT * (1 - similarity)


class NaturalGradientDescent:
    """The state of one descent: latents, the momentum, and the best result of every image.

    Convention: start `[n, num_ws, w_dim]`, with one latent for each of the target's images `[n, 3, 256, 256]`.
    Raises ShapeError for another size of image.
    """

    def __init__(self, G: Generator, target: Target, start: WPlus, curvature: Curvature) -> None:
        check_img(target.img)
        self.G, self.target, self.curvature = G, target, curvature
        self.w_plus = start.detach().clone().requires_grad_()
        self.best, self.best_img = start, torch.zeros_like(target.img)
        self.loss = self.best_loss = self.best_lpips = torch.full((len(start),), torch.inf)
        self.mean_step, self.steps_done = torch.zeros_like(start), 0
        self.evaluated: tuple[Tensor, Tensor] | None = None  # loss and image of the current latents, once computed

    def evaluate(self) -> Tensor:
        """Generate the images of the current latents, keep the better ones, and return them `[n, 3, 256, 256]`."""
        generated = image_at(self.G, self.w_plus, QUALITY_RESOLUTION)
        lpips = self.target.lpips(generated)
        loss = lpips + self.target.pixel_and_identity_loss(generated)
        self.evaluated, self.loss = (loss, generated.detach()), loss.detach()
        better = self.loss < self.best_loss  # False for a loss that is NaN
        self.best = torch.where(better[:, None, None], self.w_plus.detach(), self.best)
        self.best_img = torch.where(better[:, None, None, None], generated.detach(), self.best_img)
        self.best_loss = torch.where(better, self.loss, self.best_loss)
        self.best_lpips = torch.where(better, lpips.detach(), self.best_lpips)
        return generated.detach()

    def step(self, number: int, progress: float) -> Tensor:
        """Evaluate the current latents unless that is done, then move on. Return the evaluated images."""
        if self.evaluated is None:
            self.evaluate()
        assert self.evaluated is not None
        loss, generated = self.evaluated
        (gradient,) = torch.autograd.grad(loss.sum(), [self.w_plus])
        step = self.curvature(gradient.nan_to_num(0.0, 0.0, 0.0))
        self.mean_step = MOMENTUM * self.mean_step + (1 - MOMENTUM) * step
        length = STEP_LENGTH * STEP_DECAY**self.steps_done / (1 - MOMENTUM ** (self.steps_done + 1))
        self.w_plus = (self.w_plus.detach() + length * self.mean_step).requires_grad_()
        self.steps_done, self.evaluated = self.steps_done + 1, None
        return generated

    def losses(self) -> tuple[float, float]:
        """Return the loss of the last evaluation and the lowest so far, averaged over the images."""
        return self.loss.mean().item(), self.best_loss.mean().item()

    @torch.no_grad()
    def finish(self) -> tuple[WPlus, tuple[float, ...], tuple[float, ...], Tensor]:
        """Evaluate the last step, and return the best latents, their LPIPS, mean squared error and images."""
        w_plus = self.w_plus.detach()
        generated = self.evaluated[1] if self.evaluated else image_at(self.G, w_plus, QUALITY_RESOLUTION)
        generated = generated.clamp(-1, 1)
        lpips = self.target.lpips(generated)
        better = lpips < self.best_lpips  # False for NaN
        if not better.all():
            w_plus = torch.where(better[:, None, None], w_plus, self.best)
            generated = torch.where(better[:, None, None, None], generated, self.best_img.clamp(-1, 1))
            lpips = self.target.lpips(generated)
        mse = (generated - self.target.img).square().mean(dim=(1, 2, 3))
        return w_plus, tuple(lpips.tolist()), tuple(mse.tolist()), generated
