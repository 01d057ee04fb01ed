"""Pivotal tuning: bend the generator a little until one person's latent draws that person.

After Roich et al. 2021 (PTI), as a low-rank delta of the weights that fits a likeness file, and under a deadline.
Knows a generator, perceptual distances and a target image; no files, no faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.invert.clock import Callback, Clock, Enough, descend
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, check_img, measure
from faceloom.latents import WPlus, broadcast
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips, distance
from faceloom.networks.tuned import LEFT, RIGHT, Delta, Tuned, tunable

Neighbour = Callable[[WPlus, torch.Generator], WPlus]
"""Somebody near `w_plus [1, num_ws, w_dim]`, at random, whose picture is to stay as the generator draws it."""


@dataclass(frozen=True)
class TuneConfig:
    """How to tune. It ends at the deadline or after the steps, whichever comes first."""

    seconds: float | None = 60.0
    steps: int | None = None
    rank: int = (
        64  # of every change; a weight with fewer numbers than its factors changes as a whole; 0: every one does
    )
    learning_rate: float = 4e-3  # Adam's, at its highest, in root mean squares of each weight
    pixel_weight: float = 4.0  # of the mean absolute difference, against LPIPS
    locality: int = 3  # every so many steps one keeps a neighbour's picture as it was; 0: none
    locality_weight: float = 1.0
    seed: int = 0


def invert_tune(
    G: Generator,
    img: Tensor,
    w_plus: WPlus,
    *,
    alexnet: Lpips,
    config: TuneConfig | None = None,
    delta: Delta | None = None,
    neighbour: Neighbour | None = None,
    enough: Enough | None = None,
    callback: Callback | None = None,
) -> Inversion:
    """Change the generator's weights until the latent draws the image; the best so far is kept at any interruption.

    Convention: img float32 `[1, 3, 256, 256]`, an aligned face, -1...1; w_plus `[1, num_ws, w_dim]` stays as it is.
    `delta` is where to go on from; `neighbour` chooses whom tuning leaves alone, by default people on the way to random
    ones: give those whom edits will lead to. `callback` and `enough` as in `invert_optimize`.
    Raises ShapeError for another size of image or more than one.
    """
    check_img(img, one=True)
    config = config or TuneConfig()
    clock = Clock(config.seconds, config.steps)
    tuning = Tuning(G, img, w_plus, alexnet, config, delta, neighbour or somebody(G))
    ended = descend(tuning, clock, enough, callback)
    best = tuning.best
    lpips, mse, drawn = measure(Tuned(G, best), w_plus, img, alexnet)
    return Inversion(w_plus, lpips, mse, drawn, clock.done, clock.elapsed(), ended.interrupted, ended.enough, best)


class Tuning:
    """The state of one tuning: factors of the changes, Adam's moments, and the best so far."""

    def __init__(
        self,
        G: Generator,
        img: Tensor,
        w_plus: WPlus,
        alexnet: Lpips,
        config: TuneConfig,
        delta: Delta | None,
        neighbour: Neighbour,
    ) -> None:
        self.G, self.img, self.w_plus, self.alexnet, self.config = G, img, w_plus, alexnet, config
        self.neighbour = neighbour
        self.random = torch.Generator().manual_seed(config.seed)
        self.weights = tunable(G)
        self.scale = {
            name: float(weight.float().square().mean().sqrt()) + 1e-3 for name, weight in self.weights.items()
        }
        self.parts = {k: v.requires_grad_() for k, v in self._parts(delta or {}).items()}
        self.adam = torch.optim.Adam(self.parts.values(), lr=config.learning_rate, betas=(0.9, 0.98))
        with torch.no_grad():
            self.target = alexnet.features(img)
        self.best, self.best_loss, self.loss = self._delta(), float("inf"), float("inf")

    def step(self, number: int, progress: float) -> Tensor:
        """Measure, keep the better weights, move on. Returns the image measured."""
        self.adam.param_groups[0]["lr"] = self.config.learning_rate * min(
            1.0, (number + 1) / 5, 2.5 * (1.02 - progress)
        )
        tuned = Tuned(self.G, self._delta(detach=False))
        image = image_at(tuned, self.w_plus, QUALITY_RESOLUTION)
        loss = distance(self.alexnet.features(image), self.target)
        loss = loss + self.config.pixel_weight * (image - self.img).abs().mean(dim=(1, 2, 3))
        self._keep(loss.item())
        if self.config.locality and number % self.config.locality == self.config.locality - 1:
            loss = loss + self.config.locality_weight * self._strayed(tuned)
        gradients = torch.autograd.grad(loss.sum(), list(self.parts.values()))
        for part, gradient in zip(self.parts.values(), gradients, strict=True):
            part.grad = gradient.nan_to_num(0.0, 0.0, 0.0)
        self.adam.step()
        return image.detach()

    def losses(self) -> tuple[float, float]:
        """The last step's loss and the least so far."""
        return self.loss, self.best_loss

    def _strayed(self, tuned: Tuned) -> Tensor:
        """How far the picture of a neighbour is from what the generator drew (Roich et al. 2021, eq. 5)."""
        with torch.no_grad():
            near = self.neighbour(self.w_plus, self.random)
            before = image_at(self.G, near, QUALITY_RESOLUTION)
            features = self.alexnet.features(before)
        after = image_at(tuned, near, QUALITY_RESOLUTION)
        return distance(self.alexnet.features(after), features) + (after - before).abs().mean(dim=(1, 2, 3))

    def _parts(self, delta: Delta) -> dict[str, Tensor]:
        """What Adam moves: changes and factors, in root mean squares of the weights."""
        parts = {}
        for name, weight in self.weights.items():
            rows, columns, rank = weight.shape[0], weight[0].numel(), self.config.rank
            if weight.ndim < 2 or not 0 < rank * (rows + columns) < rows * columns:
                known = delta.get(name)
                parts[name] = torch.zeros(weight.shape) if known is None else known.float() / self.scale[name]
            else:
                right = torch.randn(rank, columns, generator=self.random) / rank**0.5
                parts[name + LEFT] = delta.get(name + LEFT, torch.zeros(rows, rank)).float() / self.scale[name]
                parts[name + RIGHT] = delta.get(name + RIGHT, right).float()
        return parts

    def _delta(self, detach: bool = True) -> dict[str, Tensor]:
        delta = {}
        for name, part in self.parts.items():
            if name.endswith(RIGHT):
                delta[name] = part
            else:
                delta[name] = part * self.scale[name.removesuffix(LEFT)]
        return {name: part.detach().clone() for name, part in delta.items()} if detach else delta

    def _keep(self, loss: float) -> None:
        self.loss = loss
        if loss < self.best_loss:
            self.best, self.best_loss = self._delta(), loss


def somebody(G: Generator, share: float = 0.4) -> Neighbour:
    """Neighbours that lie `share` of the way to random people."""
    c = (torch.eye(G.c_dim)[:1],) if G.c_dim else ()

    def near(w_plus: WPlus, random: torch.Generator) -> WPlus:
        other = G.mapping(torch.randn(1, G.z_dim, generator=random), *c)
        return w_plus.lerp(broadcast(other, G.num_ws), share)

    return near
