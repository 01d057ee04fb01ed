"""Search for generated faces that meet a description: generate many, read them, refine the nearest.

Works on latents; the function that reads pictures is an argument. Does not open files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.edit.description import Bound, penalty
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.edit.generate import generate_latents
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.errors import LatentError
from faceloom.latents import WPlus, broadcast
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and a short text that says what is being done."""

SEEDS_PER_SEARCH = 100_000  # candidate k of search seed s has the seed s * SEEDS_PER_SEARCH + k
GENERATION_SHARE = 0.6  # part of the progress that the candidates take; refining takes the rest


@dataclass(frozen=True)
class SearchConfig:
    """Settings of a search."""

    candidates: int = 200  # number of faces that are generated before the nearest are refined
    psi: float = 0.8  # truncation of the candidates
    steps: int = 30  # maximum number of refining steps for each face; refining ends when the description is met
    learning_rate: float = 0.06  # of Adam, in standard deviations of w
    margin: float = 0.4  # logits within the bounds that refining aims at
    like_weight: float = 4.0  # weight of 1 - identity similarity
    prior: float = 0.5  # weight of the mean square of w, in standard deviations, beyond the candidate's own


@dataclass(frozen=True, eq=False)
class SearchResult:
    """A face that a search returns.

    Convention: `w_plus [1, num_ws, w_dim]` has one style for all layers; `attributes` are read from the picture, in the
    units of the analyzer; `missed` is `description.penalty`, 0 when every bound is met; `similarity` is the identity
    similarity to the face that was given, -1...1, NaN without one; `seed` is that of the candidate that was refined by
    `steps`.
    """

    w_plus: WPlus
    attributes: dict[str, float]
    missed: float
    similarity: float
    seed: int
    steps: int


def search(
    G: Generator,
    bounds: Sequence[Bound],
    read: FaceReader,
    *,
    statistics: LatentStatistics,
    count: int = 6,
    seed: int = 0,
    like: Tensor | None = None,
    config: SearchConfig | None = None,
    callback: Callback | None = None,
) -> list[SearchResult]:
    """Search for `count` generated faces that meet the bounds; return them best first.

    Convention: `read` takes img `[n, 3, 256, 256]` and is differentiable; `like [1, 128]` is an identity that the faces
    should resemble. Candidate k is generated from the seed `100,000 * seed + k`.
    Raises LatentError for more faces than candidates, and without both bounds and an identity.
    """
    config, bounds = config or SearchConfig(), tuple(bounds)
    if not 1 <= count <= config.candidates:
        raise LatentError(f"{count} of {config.candidates} candidates", "ask for fewer people")
    if not bounds and like is None:
        raise LatentError("the search has neither a description nor a face", "describe a face, or give a photo")
    report = callback or (lambda progress, text: None)
    searcher = _Searcher(G, bounds, read, statistics, like, config)
    candidates = []
    for k in range(config.candidates):
        report(GENERATION_SHARE * k / config.candidates, "drawing")
        candidates.append(searcher.generate(SEEDS_PER_SEARCH * seed + k))
    results = []
    for i, candidate in enumerate(sorted(candidates, key=searcher.rank)[:count]):
        report(GENERATION_SHARE + (1 - GENERATION_SHARE) * i / count, f"refining {i + 1} of {count}")
        results.append(searcher.refine(candidate))
    report(1.0, "done")
    return sorted(results, key=searcher.rank)


class _Searcher:
    """The bounds and the identity of a search, with the functions that generate, rank and refine faces."""

    def __init__(
        self,
        G: Generator,
        bounds: tuple[Bound, ...],
        read: FaceReader,
        statistics: LatentStatistics,
        like: Tensor | None,
        config: SearchConfig,
    ) -> None:
        self.G, self.bounds, self.read, self.like, self.config = G, bounds, read, like, config
        self.mean = statistics.mean.to(G.w_avg)
        deviations = (statistics.variances + statistics.floor).sqrt()
        self.axes = (statistics.axes * deviations).to(G.w_avg)  # from whitened w to w

    @torch.no_grad()
    def generate(self, seed: int) -> SearchResult:
        """Generate and read the face of a seed."""
        w_plus = generate_latents(self.G, [seed], self.config.psi)
        return self.make_result(w_plus, self.read_face(w_plus), seed, 0)

    def read_face(self, w_plus: WPlus) -> Reading:
        """Generate a small picture of a face and read it."""
        return self.read(image_at(self.G, w_plus, READ_SIDE))

    def make_result(self, w_plus: WPlus, reading: Reading, seed: int, steps: int) -> SearchResult:
        """Make the result of a face, without gradients."""
        reading = Reading(reading.attributes.detach(), reading.identity.detach())
        attributes = dict(zip(ATTRIBUTES, reading.attributes[0].tolist(), strict=True))
        missed = float(penalty(reading.attributes, self.bounds)[0])
        return SearchResult(w_plus.detach(), attributes, missed, float(self.similarity(reading)), seed, steps)

    def similarity(self, reading: Reading) -> Tensor:
        """Compute the identity similarity to the face that was given; NaN without one."""
        return torch.tensor(torch.nan) if self.like is None else (reading.identity * self.like).sum(1)[0]

    def rank(self, face: SearchResult) -> float:
        """Return a number that is lowest for the best face."""
        return face.missed + (0.0 if self.like is None else self.config.like_weight * (1 - face.similarity))

    def refine(self, face: SearchResult) -> SearchResult:
        """Refine a face by gradient descent in whitened w until it is finished or the steps are used up.

        Returns the best face on the way.
        """
        if self.is_finished(face):
            return face
        u = torch.linalg.solve(self.axes, face.w_plus[0, 0] - self.mean).requires_grad_()
        start_square = u.detach().square().mean()
        adam, best = torch.optim.Adam([u], lr=self.config.learning_rate), face
        for step in range(self.config.steps):
            w_plus = broadcast((self.mean + self.axes @ u)[None], self.G.num_ws)
            reading = self.read_face(w_plus)
            current = self.make_result(w_plus, reading, face.seed, step)
            best = min(best, current, key=self.rank)
            if self.is_finished(current):
                return current
            (u.grad,) = torch.autograd.grad(self.loss(reading, u, start_square), [u])
            adam.step()
        return best

    def is_finished(self, face: SearchResult) -> bool:
        """Return whether a face needs no more refining; a similarity can always become higher."""
        return face.missed == 0 and self.like is None

    def loss(self, reading: Reading, u: Tensor, start_square: Tensor) -> Tensor:
        """Compute the loss of refining: the penalty with a margin, the dissimilarity, and the rarity of the face."""
        rarity = (u.square().mean() - start_square).clamp_min(0)
        loss = penalty(reading.attributes, self.bounds, self.config.margin)[0] + self.config.prior * rarity
        return loss if self.like is None else loss + self.config.like_weight * (1 - self.similarity(reading))
