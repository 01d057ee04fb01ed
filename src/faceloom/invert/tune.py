"""Pivotal tuning: change the generator's weights a little until one person's latent generates that person.

Source: Roich et al. 2021 (PTI). Here the change is a low-rank delta of the weights, small enough for a likeness file,
and the tuning has a deadline. Takes a generator, LPIPS networks and a target image. Does not open files or detect
faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.invert.clock import Callback, Clock, StopCondition, run_steps
from faceloom.invert.delta_parameters import DeltaParameters
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, check_img, measure
from faceloom.latents import WPlus, broadcast
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips, distance
from faceloom.networks.tuned import Delta, Tuned, tunable_weights

NeighborSampler = Callable[[WPlus, torch.Generator], WPlus]
"""Function that draws a random neighbor of `w_plus [1, num_ws, w_dim]`, whose image tuning must not change."""


@dataclass(frozen=True)
class TuneConfig:
    """Settings of the tuning. It ends at the deadline or after the steps, whichever comes first."""

    seconds: float | None = 60.0
    steps: int | None = None
    rank: int = (
        64  # of each weight's delta; a weight smaller than its two factors changes as a whole; 0: all weights do
    )
    learning_rate: float = 4e-3  # Adam's, at its highest, in root mean squares of each weight
    pixel_weight: float = 4.0  # of the mean absolute difference, against LPIPS
    locality: int = 3  # steps from one use of the locality loss (a neighbor keeps its image) to the next; 0: never
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
    neighbor: NeighborSampler | None = None,
    stop_when: StopCondition | None = None,
    callback: Callback | None = None,
) -> Inversion:
    """Change the generator's weights until the latent generates the image; keep the best so far when interrupted.

    Convention: img float32 `[1, 3, 256, 256]`, an aligned face, -1...1; w_plus `[1, num_ws, w_dim]` stays as it is.
    `delta` is the result of an earlier tuning to continue from. `neighbor` draws the latents whose images tuning leaves
    alone, by default latents on the way to random faces; pass one that draws the latents that edits will lead to.
    `callback` and `stop_when` as in `invert_optimize`.
    Raises ShapeError for another size of image or more than one.
    """
    check_img(img, one=True)
    config = config or TuneConfig()
    clock = Clock(config.seconds, config.steps)
    tuning = PivotalTuning(G, img, w_plus, alexnet, config, delta, neighbor or sample_neighbors(G))
    stopped = run_steps(tuning, clock, stop_when, callback)
    best = tuning.best
    lpips, mse, generated = measure(Tuned(G, best), w_plus, img, alexnet)
    seconds = clock.elapsed()
    return Inversion(
        w_plus, lpips, mse, generated, clock.steps_done, seconds, stopped.interrupted, stopped.good_enough, best
    )


class PivotalTuning:
    """The state of one tuning: the factors of the weights' changes, Adam's moments, and the best delta so far."""

    def __init__(
        self,
        G: Generator,
        img: Tensor,
        w_plus: WPlus,
        alexnet: Lpips,
        config: TuneConfig,
        delta: Delta | None,
        neighbor: NeighborSampler,
    ) -> None:
        self.G, self.img, self.w_plus, self.alexnet, self.config = G, img, w_plus, alexnet, config
        self.neighbor = neighbor
        self.random = torch.Generator().manual_seed(config.seed)
        self.parameters = DeltaParameters(tunable_weights(G), config.rank, self.random, delta)
        self.adam = torch.optim.Adam(self.parameters.values(), lr=config.learning_rate, betas=(0.9, 0.98))
        with torch.no_grad():
            self.target = alexnet.features(img)
        self.best, self.best_loss, self.loss = self.parameters.copy_delta(), float("inf"), float("inf")

    def step(self, number: int, progress: float) -> Tensor:
        """Evaluate the weights, keep the better ones, and move on. Return the evaluated image."""
        self.adam.param_groups[0]["lr"] = self.config.learning_rate * min(
            1.0, (number + 1) / 5, 2.5 * (1.02 - progress)
        )
        tuned = Tuned(self.G, self.parameters.delta())
        generated = image_at(tuned, self.w_plus, QUALITY_RESOLUTION)
        loss = distance(self.alexnet.features(generated), self.target)
        loss = loss + self.config.pixel_weight * (generated - self.img).abs().mean(dim=(1, 2, 3))
        self._keep_best(loss.item())
        if self.config.locality and number % self.config.locality == self.config.locality - 1:
            loss = loss + self.config.locality_weight * self._locality_loss(tuned)
        self.parameters.set_gradients(loss.sum())
        self.adam.step()
        return generated.detach()

    def losses(self) -> tuple[float, float]:
        """Return the loss of the last step and the lowest so far."""
        return self.loss, self.best_loss

    def _locality_loss(self, tuned: Tuned) -> Tensor:
        """Return the difference of a neighbor's image before and after tuning (Roich et al. 2021, eq. 5)."""
        with torch.no_grad():
            neighbor = self.neighbor(self.w_plus, self.random)
            before = image_at(self.G, neighbor, QUALITY_RESOLUTION)
            features = self.alexnet.features(before)
        after = image_at(tuned, neighbor, QUALITY_RESOLUTION)
        return distance(self.alexnet.features(after), features) + (after - before).abs().mean(dim=(1, 2, 3))

    def _keep_best(self, loss: float) -> None:
        self.loss = loss
        if loss < self.best_loss:
            self.best, self.best_loss = self.parameters.copy_delta(), loss


def sample_neighbors(G: Generator, share: float = 0.4) -> NeighborSampler:
    """Return a sampler of latents that lie `share` of the way to a random generated face."""
    c = (torch.eye(G.c_dim)[:1],) if G.c_dim else ()

    def draw_neighbor(w_plus: WPlus, random: torch.Generator) -> WPlus:
        other = G.mapping(torch.randn(1, G.z_dim, generator=random), *c)
        return w_plus.lerp(broadcast(other, G.num_ws), share)

    return draw_neighbor
