"""The natural search: gradient descent that knows beforehand which ways a face's loss is stiff.

Adam (Kingma and Ba 2015) learns that during a search, and has forgotten what was learned on everybody before. Here the
second moment of the gradients is known (`networks.curvature`), so the first step already goes where this face is, and
ten go further than twenty of Adam's. Knows a generator, an image and what compares two; no files, no faces.
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

ABSOLUTE, SQUARED, IDENTITY = 0.5, 2.0, 0.3  # weights of pixels' differences and of identity's, against LPIPS
LENGTH, SHORTER = 20.0, 0.9  # of the first step, in the metric of the curvature, and each one's part of that before
MOMENTUM = 0.7


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a picture is compared by: LPIPS, pixels, and who it is."""

    alexnet: Lpips
    analyzer: Analyzer

    def to(self, img: Tensor) -> Target:
        """Images `[n, 3, 256, 256]`, -1...1, to compare with."""
        with torch.no_grad():
            return Target(self, img, self.alexnet.features(img), self.analyzer(img).identity)


@dataclass(frozen=True, eq=False)
class Target:
    """Images, and what the networks see in them."""

    by: Comparison
    img: Tensor
    features: list[Tensor]
    identity: Tensor

    def lpips(self, drawn: Tensor) -> Tensor:
        """How far pictures `[n, 3, 256, 256]` are from them by AlexNet: `[n]`."""
        return distance(self.by.alexnet.features(drawn), self.features)

    def besides(self, drawn: Tensor) -> Tensor:
        """How far they are in pixels and in who it is: `[n]`."""
        off = drawn - self.img
        alike: Tensor = (self.by.analyzer(drawn).identity * self.identity).sum(dim=1)
        pixels = ABSOLUTE * off.abs().mean(dim=(1, 2, 3)) + SQUARED * off.square().mean(dim=(1, 2, 3))
        return pixels + IDENTITY * (1 - alike)


class NaturalSearch:
    """The state of one search: latents, the mean of the steps so far, and the best of every image.

    Convention: start `[n, num_ws, w_dim]`, of as many people as the target has images `[n, 3, 256, 256]`.
    Raises ShapeError for another size of image.
    """

    def __init__(self, G: Generator, target: Target, start: WPlus, curvature: Curvature) -> None:
        check_img(target.img)
        self.G, self.target, self.curvature = G, target, curvature
        self.w_plus = start.detach().clone().requires_grad_()
        self.best, self.best_img = start, torch.zeros_like(target.img)
        self.loss = self.best_loss = self.best_lpips = torch.full((len(start),), torch.inf)
        self.mean_step, self.taken = torch.zeros_like(start), 0
        self.seen: tuple[Tensor, Tensor] | None = None  # loss and picture of where it is, if it has looked

    def look(self) -> Tensor:
        """Draw where it is, and keep the better. Returns the images `[n, 3, 256, 256]`."""
        drawn = image_at(self.G, self.w_plus, QUALITY_RESOLUTION)
        lpips = self.target.lpips(drawn)
        loss = lpips + self.target.besides(drawn)
        self.seen, self.loss = (loss, drawn.detach()), loss.detach()
        better = self.loss < self.best_loss  # False for a loss that is no number
        self.best = torch.where(better[:, None, None], self.w_plus.detach(), self.best)
        self.best_img = torch.where(better[:, None, None, None], drawn.detach(), self.best_img)
        self.best_loss = torch.where(better, self.loss, self.best_loss)
        self.best_lpips = torch.where(better, lpips.detach(), self.best_lpips)
        return drawn.detach()

    def step(self, number: int, progress: float) -> Tensor:
        """Look, if it has not, and move on. Returns the images that it saw."""
        if self.seen is None:
            self.look()
        assert self.seen is not None
        loss, drawn = self.seen
        (gradient,) = torch.autograd.grad(loss.sum(), [self.w_plus])
        step = self.curvature(gradient.nan_to_num(0.0, 0.0, 0.0))
        self.mean_step = MOMENTUM * self.mean_step + (1 - MOMENTUM) * step
        length = LENGTH * SHORTER**self.taken / (1 - MOMENTUM ** (self.taken + 1))
        self.w_plus = (self.w_plus.detach() + length * self.mean_step).requires_grad_()
        self.taken, self.seen = self.taken + 1, None
        return drawn

    def losses(self) -> tuple[float, float]:
        """The last look's loss and the least so far, means of the images."""
        return self.loss.mean().item(), self.best_loss.mean().item()

    @torch.no_grad()
    def finish(self) -> tuple[WPlus, tuple[float, ...], tuple[float, ...], Tensor]:
        """See if the last step was a good one; the best latents, their LPIPS, squared error and images."""
        w_plus = self.w_plus.detach()
        drawn = (self.seen[1] if self.seen else image_at(self.G, w_plus, QUALITY_RESOLUTION)).clamp(-1, 1)
        lpips = self.target.lpips(drawn)
        nearer = lpips < self.best_lpips  # False for what is no number
        if not nearer.all():
            w_plus = torch.where(nearer[:, None, None], w_plus, self.best)
            drawn = torch.where(nearer[:, None, None, None], drawn, self.best_img.clamp(-1, 1))
            lpips = self.target.lpips(drawn)
        mse = (drawn - self.target.img).square().mean(dim=(1, 2, 3))
        return w_plus, tuple(lpips.tolist()), tuple(mse.tolist()), drawn
