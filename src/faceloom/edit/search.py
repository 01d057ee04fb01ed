"""Search for generated faces that meet a description: generate many, read them, refine the nearest, and judge them.

Works on latents; the functions that read pictures and latents are arguments. Does not open files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.analyze.ensemble import MAX_SPREAD, Opinions, to_units
from faceloom.edit.description import READ, Bound, penalty
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.edit.generate import generate_latents
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.errors import LatentError
from faceloom.latents import W, WPlus, broadcast, truncate, z_from_seeds
from faceloom.networks.analyzer import Reading
from faceloom.networks.generator import Generator, image_at

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and a short text that says what is being done."""

Judge = Callable[[Tensor], Opinions]
"""Function that takes img `[1, 3, 256, 256]` and returns what several networks read from it."""

LatentGuess = Callable[[W], Tensor]
"""Function that predicts attributes from w `[n, w_dim]`: `[n, 10]` as the analyzer's, NaN where it knows nothing."""

Correction = Callable[[Tensor], Tensor]
"""Function that corrects readings `[n, 10]` of generated faces, which no single network reads without bias."""

SEEDS_PER_SEARCH = 100_000  # candidate k of search seed s has the seed s * SEEDS_PER_SEARCH + k
GENERATION_SHARE = 0.5  # part of the progress that the candidates take; judging and refining take the rest
POOL_BATCH = 1000  # number of latents of the pool that are read at once
GUESS_WEIGHT = 1 / 3  # of the latent's reading among three opinions


@dataclass(frozen=True)
class SearchConfig:
    """Settings of a search."""

    candidates: int = 200  # number of faces that are generated before the nearest are judged and refined
    pool: int = 6000  # number of latents from which the candidates are chosen without a picture, where that is possible
    psi: float = 0.8  # truncation of the candidates
    wide_psi: float = 1.0  # the same for latents of the pool that meet the description only further from the mean face
    wide_cost: float = 0.25  # penalty of wide_psi, whose faces and backgrounds are less clean
    finalists: int = 4  # number of candidates that are judged, for each face that is asked for
    attempts: int = 2  # number of faces that may be refined, for each face that is asked for
    steps: int = 30  # maximum number of refining steps for each face; refining ends when the description is met
    learning_rate: float = 0.06  # of Adam, in standard deviations of w
    margin: float = 0.4  # logits within the bounds that choosing and refining aim at
    like_weight: float = 4.0  # weight of 1 - identity similarity
    prior: float = 0.5  # weight of the mean square of w, in standard deviations, beyond the candidate's own


@dataclass(frozen=True, eq=False)
class SearchResult:
    """A face that a search returns.

    Convention: `w_plus [1, num_ws, w_dim]` has one style for all layers; `attributes` are the mean of all readings, in
    the units of the analyzer; `spread` is their standard deviation in the units of the table of attributes; `missed` is
    `description.penalty`, 0 when every bound is met; `met` is true when every bound is met and the readings agree on
    the described attributes; `similarity` is the identity similarity to the face that was given, -1...1, NaN without
    one; `seed` is that of the candidate that was refined by `steps`.
    """

    w_plus: WPlus
    attributes: dict[str, float]
    missed: float
    similarity: float
    seed: int
    steps: int
    spread: dict[str, float]
    met: bool


def search(
    G: Generator,
    bounds: Sequence[Bound],
    read: FaceReader,
    *,
    statistics: LatentStatistics,
    judge: Judge | None = None,
    guess: LatentGuess | None = None,
    correct: Correction = lambda values: values,
    count: int = 6,
    seed: int = 0,
    like: Tensor | None = None,
    config: SearchConfig | None = None,
    callback: Callback | None = None,
) -> list[SearchResult]:
    """Search for `count` generated faces that meet the bounds; return them best first.

    The candidates are ranked by `read`. The nearest are judged by `judge`, and those that do not meet the bounds, or
    whose readings disagree, are refined and judged again. Faces that meet the description come first; where there are
    too few, the nearest others follow, with `met` false.

    Convention: `read` takes img `[n, 3, 256, 256]` and is differentiable, as are `guess` and `correct`, which corrects
    the means of all readings `[n, 10]`, or `[n, 20]` with details; without `judge`, `read` alone decides;
    `like [1, 128]` is an identity that the faces should resemble. Candidate k is generated from the seed
    `100,000 * seed + k`.
    Raises LatentError for more faces than candidates, without both bounds and an identity, and for a bound on a detail
    that `read` does not read.
    """
    config, bounds = config or SearchConfig(), tuple(bounds)
    if not 1 <= count <= config.candidates:
        raise LatentError(f"{count} of {config.candidates} candidates", "ask for fewer people")
    if not bounds and like is None:
        raise LatentError("the search has neither a description nor a face", "describe a face, or give a photo")
    report = callback or (lambda progress, text: None)
    searcher = _Searcher(G, bounds, read, judge or _single_judge(read), guess, correct, statistics, like, config)
    candidates = []
    for k, (candidate, w_plus) in enumerate(searcher.choose_latents(seed)):
        report(GENERATION_SHARE * k / config.candidates, "drawing")
        candidates.append(searcher.generate(candidate, w_plus))
    results = searcher.select(sorted(candidates, key=searcher.rank), count, report)
    report(1.0, "done")
    return sorted(results, key=lambda face: (not face.met, searcher.rank(face)))


def _single_judge(read: FaceReader) -> Judge:
    """Return a judge that has one opinion, and therefore no spread."""

    @torch.no_grad()
    def judge(img: Tensor) -> Opinions:
        reading = read(img)
        spread = torch.zeros_like(reading.attributes)
        return Opinions(to_units(reading.attributes), spread, reading, torch.zeros_like(reading.details))

    return judge


def _max_spread(name: str) -> float:
    """Return the largest spread at which the readings of an attribute count as agreeing, in the attribute's unit."""
    row = TABLE[name]
    return MAX_SPREAD.get(row.unit, row.hold or math.inf)


def _join_details(reading: Reading) -> Tensor:
    """Return the attributes of one face with its details where they are read: `[1, 10]` or `[1, 20]`."""
    return torch.cat((reading.attributes, reading.details.reshape(1, -1)), 1)


def _pad(values: Tensor, width: int) -> Tensor:
    """Return values `[n, k]` with NaN for the attributes that are not among them: `[n, width]`."""
    return torch.nn.functional.pad(values, (0, width - values.shape[1]), value=torch.nan)


class _Searcher:
    """The bounds and the identity of a search, with the functions that generate, rank, judge and refine faces."""

    def __init__(
        self,
        G: Generator,
        bounds: tuple[Bound, ...],
        read: FaceReader,
        judge: Judge,
        guess: LatentGuess | None,
        correct: Correction,
        statistics: LatentStatistics,
        like: Tensor | None,
        config: SearchConfig,
    ) -> None:
        self.G, self.bounds, self.read, self.judge, self.guess = G, bounds, read, judge, guess
        self.correct, self.like, self.config = correct, like, config
        self.mean = statistics.mean.to(G.w_avg)
        deviations = (statistics.variances + statistics.floor).sqrt()
        self.axes = (statistics.axes * deviations).to(G.w_avg)  # from whitened w to w

    @torch.no_grad()
    def choose_latents(self, seed: int) -> list[tuple[int, WPlus]]:
        """Return seeds and latents of the candidates: the first ones, or those of the pool that seem nearest."""
        count, first = self.config.candidates, SEEDS_PER_SEARCH * seed
        if self.guess is None or not self.bounds:
            seeds = range(first, first + count)
            return [(seed, generate_latents(self.G, [seed], self.config.psi)) for seed in seeds]
        seeds = range(first, first + max(self.config.pool, count))
        psis = (self.config.psi, self.config.wide_psi)
        missed = torch.cat(
            [self.miss_by_seeds(seeds[i : i + POOL_BATCH], psis) for i in range(0, len(seeds), POOL_BATCH)]
        )
        nearest, widths = (missed + torch.tensor([0.0, self.config.wide_cost])).min(1)
        order = nearest.argsort(stable=True)[:count].tolist()
        return [(seeds[i], generate_latents(self.G, [seeds[i]], psis[int(widths[i])])) for i in order]

    def miss_by_seeds(self, seeds: Sequence[int], psis: tuple[float, float]) -> Tensor:
        """Return how far the latents of seeds lie outside the bounds, by their own readings: `[n, 2]`, one per psi.

        The seeds are mapped together, which changes the last bits of w and nothing else.
        """
        w = self.G.mapping(z_from_seeds(seeds, self.G.z_dim).to(self.G.w_avg))
        pools = (truncate(w[:, None], self.G.w_avg, psi)[:, 0] for psi in psis)
        return torch.stack([self.miss_by_guess(pool, self.config.margin) for pool in pools], 1)

    @torch.no_grad()
    def generate(self, seed: int, w_plus: WPlus) -> SearchResult:
        """Generate and read the face of a latent."""
        return self.make_result(w_plus, self.read_face(w_plus), seed, 0)

    def read_face(self, w_plus: WPlus) -> Reading:
        """Generate a small picture of a face and read it, together with its latent."""
        reading = self.read(image_at(self.G, w_plus, READ_SIDE))
        return Reading(self.combine(_join_details(reading), w_plus[:, 0]), reading.identity)

    def combine(self, values: Tensor, w: W) -> Tensor:
        """Return the corrected mean of the readings of pictures and, where they tell, of their latents: `[n, 20]`."""
        if self.guess is None:
            return self.correct(values)
        guessed = _pad(self.guess(w), values.shape[1])
        return self.correct(torch.where(guessed.isnan(), values, values.lerp(guessed.nan_to_num(), GUESS_WEIGHT)))

    def miss_by_guess(self, w: W, margin: float = 0.0) -> Tensor:
        """Return how far the latent's readings lie outside the bounds: `[n]`."""
        assert self.guess is not None
        guessed = self.correct(self.guess(w))
        guessed = _pad(guessed, len(READ))
        known = ~guessed[0].isnan()
        bounds = tuple(bound for bound in self.bounds if known[READ.index(bound.attribute)])
        return penalty(guessed, bounds, margin)

    def make_result(self, w_plus: WPlus, reading: Reading, seed: int, steps: int) -> SearchResult:
        """Make the result of a face that was not judged yet, without gradients."""
        reading = Reading(reading.attributes.detach(), reading.identity.detach())
        attributes = dict(zip(READ, reading.attributes[0].tolist(), strict=False))
        missed = float(penalty(reading.attributes, self.bounds)[0])
        similarity = float(self.similarity(reading))
        return SearchResult(w_plus.detach(), attributes, missed, similarity, seed, steps, {}, False)

    @torch.no_grad()
    def give_verdict(self, face: SearchResult) -> SearchResult:
        """Judge a face: replace its readings by the means of all opinions, and say whether it meets the bounds."""
        opinions = self.judge(image_at(self.G, face.w_plus, READ_SIDE))
        w = face.w_plus[:, 0]
        values = self.combine(_join_details(opinions.reading), w)
        spread = torch.cat((opinions.spread, opinions.details_spread.reshape(1, -1)), 1)
        if self.guess is not None:
            # the sample variance of three opinions, two of which have the mean and the spread that were read
            apart = _pad(to_units(self.guess(w)) - opinions.mean, spread.shape[1])
            spread = torch.where(apart.isnan(), spread, (spread.square() / 2 + apart.square() / 3).sqrt())
        judged = self.make_result(face.w_plus, Reading(values, opinions.reading.identity), face.seed, face.steps)
        spreads = dict(zip(READ, spread[0].tolist(), strict=False))
        return replace(judged, spread=spreads, met=judged.missed == 0 and self.readings_agree(spreads))

    def readings_agree(self, spreads: dict[str, float]) -> bool:
        """Return whether the readings agree on all attributes that are described."""
        return all(spreads[name] <= _max_spread(name) for name in {b.attribute for b in self.bounds})

    def select(self, ranked: list[SearchResult], count: int, report: Callback) -> list[SearchResult]:
        """Return the faces of a search: those that meet the description as they are, then refined ones, then others."""
        judged = []
        for i, face in enumerate(ranked[: count * self.config.finalists]):
            report(GENERATION_SHARE + 0.1 * i / (count * self.config.finalists), "judging")
            judged.append(self.give_verdict(face))
        judged.sort(key=self.rank)
        chosen = [face for face in judged if face.met and self.like is None][:count]
        others = [face for face in judged if face not in chosen]
        rest = others[count - len(chosen) :]
        for i, face in enumerate(others[: count * self.config.attempts]):
            if sum(face.met for face in chosen) >= count:
                break
            share = i / (count * self.config.attempts)
            report(GENERATION_SHARE + 0.1 + (0.9 - GENERATION_SHARE) * share, f"refining {len(chosen) + 1} of {count}")
            refined = self.give_verdict(self.refine(face))
            chosen.append(min(face, refined, key=lambda one: (not one.met, self.rank(one))))
        chosen.sort(key=lambda face: (not face.met, self.rank(face)))
        return (chosen + rest)[:count]

    def similarity(self, reading: Reading) -> Tensor:
        """Compute the identity similarity to the face that was given; NaN without one."""
        return torch.tensor(torch.nan) if self.like is None else (reading.identity * self.like).sum(1)[0]

    def rank(self, face: SearchResult) -> float:
        """Return a number that is lowest for the best face: what it misses, its disagreement and its dissimilarity."""
        values = torch.tensor([[*face.attributes.values()]])  # in the order of READ
        rank = face.missed + float(penalty(values, self.bounds, self.config.margin)[0])
        for bound in self.bounds if face.spread else ():
            rank += (face.spread[bound.attribute] / _max_spread(bound.attribute)) ** 2
        return rank + (0.0 if self.like is None else self.config.like_weight * (1 - face.similarity))

    def refine(self, face: SearchResult) -> SearchResult:
        """Refine a face by gradient descent in whitened w until it is finished or the steps are used up.

        Returns the best face on the way.
        """
        u = torch.linalg.solve(self.axes, face.w_plus[0, 0] - self.mean).requires_grad_()
        start_square = u.detach().square().mean()
        adam, best = torch.optim.Adam([u], lr=self.config.learning_rate), face
        for step in range(1, self.config.steps + 1):
            w_plus = broadcast((self.mean + self.axes @ u)[None], self.G.num_ws)
            reading = self.read_face(w_plus)
            loss = self.loss(reading, w_plus[:, 0], u, start_square)
            current = self.make_result(w_plus, reading, face.seed, step)
            best = min(best, current, key=self.rank)
            if self.is_finished(current, w_plus[:, 0]):
                return current
            (u.grad,) = torch.autograd.grad(loss, [u])
            adam.step()
        return best

    @torch.no_grad()
    def is_finished(self, face: SearchResult, w: W) -> bool:
        """Return whether a face needs no more refining; a similarity can always become higher."""
        values = torch.tensor([[*face.attributes.values()]])  # in the order of READ
        met = float(penalty(values, self.bounds, self.config.margin / 2)[0]) == 0
        guessed = self.guess is None or float(self.miss_by_guess(w)[0]) < 1
        return met and guessed and self.like is None

    def loss(self, reading: Reading, w: W, u: Tensor, start_square: Tensor) -> Tensor:
        """Compute the loss of refining: the penalty with a margin, the dissimilarity, and the rarity of the face."""
        rarity = (u.square().mean() - start_square).clamp_min(0)
        loss = penalty(reading.attributes, self.bounds, self.config.margin)[0] + self.config.prior * rarity
        if self.guess is not None:
            loss = loss + GUESS_WEIGHT * self.miss_by_guess(w)[0]
        return loss if self.like is None else loss + self.config.like_weight * (1 - self.similarity(reading))
