"""Drawing of one person of a cast: a search over latents, edits of the nearest, and readings of every picture.

Each person has seeds of their own, so that people can be drawn in any order, anywhere, and are the same. Latents are
guessed about before anything is drawn. The first that are likely to lie in the person's cell are drawn and labeled;
after them those that need the shortest edits, which `approach` moves into the cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.edit.apply import apply
from faceloom.images import area_resize
from faceloom.latents import W, WPlus, broadcast, truncate, z_from_seeds
from faceloom.likeness import Likeness
from faceloom.networks.fused import fuse
from faceloom.workflows.cast.approach import Approach, miss
from faceloom.workflows.cast.guesses import Guesses, load_guesses
from faceloom.workflows.cast.labels import LabelReader, Labels
from faceloom.workflows.cast.ranges import Range
from faceloom.workflows.studio import Studio

READ_SIDE = 256  # of the pictures that are labeled, in pixels
POOL = 200  # latents that are guessed about at once
POOLS = 15  # of them, for cells that few latents meet
AS_DRAWN = 3  # candidates that are drawn and labeled without an edit
EDITED = 4  # candidates that are edited
LIKELY = 0.6  # probability, a described attribute, from which a candidate counts as likely
WIDE_PSI = 1.0  # truncation of further candidates, for cells that the usual truncation lacks
WIDE_COST = 0.3  # added to the length of the edit of such a candidate, whose faces are less clean


@dataclass(frozen=True, eq=False)
class Drawn:
    """A person who was drawn.

    Convention: `w_plus [1, num_ws, w_dim]`; `img [1, 3, h, h]` with the drawer's `side`; `edits` are steps along
    directions, in their units; `tries` counts the pictures that were drawn. `met` is true when the picture lies in the
    person's cell and the readings agree about it.
    """

    seed: int
    psi: float
    w_plus: WPlus
    img: Tensor
    labels: Labels
    met: bool
    tries: int
    edits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Candidate:
    seed: int
    psi: float
    is_edited: bool


Check = Callable[[], None]
"""Function that is called before each picture; it raises an error to interrupt the work."""


def never_interrupt() -> None:
    """Let the work go on."""


class Drawer:
    """The generator and the networks with which people are drawn, for pictures of `size` px."""

    def __init__(self, studio: Studio, psi: float, size: int = READ_SIDE, check: Check = never_interrupt) -> None:
        self.studio, self.psi, self.check = studio, psi, check
        self.G = fuse(studio.fast_generator.G)
        self.side = drawn_side(size, self.G.img_resolution)
        self.reader = LabelReader(studio)

    @cached_property
    def guesses(self) -> Guesses | None:
        """The guesses from latents; None for a generator that has none."""
        return load_guesses() if self.studio.generator.name == DEFAULT_GENERATOR else None

    @torch.no_grad()
    def draw(self, ranges: Sequence[Range], seeds: Iterator[int]) -> Drawn:
        """Draw a person whose attributes lie in the ranges, or the nearest of the candidates.

        Convention: `seeds` are those of the person alone, in their order.
        """
        best, tries = None, 0
        for candidate in self._candidates(ranges, seeds):
            w = self.map([candidate.seed], candidate.psi)  # alone, so that it is the same to the last bit
            for drawn in self._draw_one(candidate, w, ranges):
                tries += 1
                if best is None or _rank(drawn, ranges) < _rank(best, ranges):
                    best = drawn
                if drawn.met:
                    return replace(drawn, tries=tries)
        assert best is not None
        return replace(best, tries=tries)

    def look(self, w_plus: WPlus, is_edited: bool = False) -> tuple[Tensor, Labels]:
        """Draw a latent and label the picture.

        An edit leaves the latents that the latent reader knows: it would still see who usually looks like this.
        """
        self.check()
        img = self.G.synthesis_at(w_plus, self.side)
        return img, self.reader.read(to_read(img), None if is_edited else w_plus[:, 0])

    def map(self, seeds: Sequence[int], psi: float) -> W:
        """Return the truncated latents of seeds, `[n, w_dim]`."""
        w = self.G.mapping(z_from_seeds(seeds, self.G.z_dim).to(self.G.w_avg))
        return truncate(w[:, None], self.G.w_avg, psi)[:, 0]

    def _draw_one(self, candidate: _Candidate, w: W, ranges: Sequence[Range]) -> Iterator[Drawn]:
        """Yield the pictures of a candidate: as drawn, or along an edit."""
        start = broadcast(w, self.G.num_ws)
        basis = self.studio.basis
        if candidate.is_edited:
            basis = self.studio.basis_near(Likeness(start, self.studio.generator.hash, self.studio.generator.name))
        approach = Approach(basis, ranges)
        for edits in approach.steps() if candidate.is_edited else ({},):
            w_plus = apply(start, basis, edits)
            img, labels = self.look(w_plus, bool(edits))
            approach.take(labels)
            yield Drawn(candidate.seed, candidate.psi, w_plus, img, labels, labels.meet(ranges), 1, dict(edits))

    def _candidates(self, ranges: Sequence[Range], seeds: Iterator[int]) -> Iterator[_Candidate]:
        """Yield candidates: likely ones, then those that need the shortest edits."""
        if self.guesses is None or not ranges:
            for seed in itertools.islice(seeds, AS_DRAWN + EDITED):
                yield _Candidate(seed, self.psi, is_edited=bool(ranges and self.studio.basis))
            return
        likely = 0
        near: list[tuple[float, _Candidate]] = []
        for _ in range(POOLS):
            pool = list(itertools.islice(seeds, POOL))
            w = self.map(pool, self.psi)
            is_likely = self.guesses.log_likelihood(w, ranges) >= len(ranges) * _LOG_LIKELY
            for i in is_likely.nonzero()[: AS_DRAWN - likely, 0].tolist():
                likely += 1
                yield _Candidate(pool[i], self.psi, is_edited=False)
            near += self._nearest(pool, ranges)
            if likely >= AS_DRAWN:
                break
        near.sort(key=lambda pair: pair[0])
        yield from (candidate for _, candidate in near[:EDITED])

    def _nearest(self, pool: Sequence[int], ranges: Sequence[Range]) -> list[tuple[float, _Candidate]]:
        """Return the candidates of a pool that need the shortest edits, with the lengths."""
        assert self.guesses is not None
        result = []
        for psi, cost in ((self.psi, 0.0), (WIDE_PSI, WIDE_COST)):
            lengths = self.guesses.edit_length(self.map(pool, psi), ranges, self.studio.basis) + cost
            values, order = lengths.topk(min(EDITED, len(pool)), largest=False)
            for value, i in zip(values.tolist(), order.tolist(), strict=True):
                result.append((value, _Candidate(pool[i], psi, is_edited=True)))
        return result


_LOG_LIKELY = float(torch.tensor(LIKELY).log())


def drawn_side(size: int, largest: int) -> int:
    """Return the side at which pictures of `size` px are drawn: twice, four times ... READ_SIDE, as far as needed."""
    side = READ_SIDE
    while side < min(size, largest):
        side *= 2
    return min(side, largest)


def to_read(img: Tensor) -> Tensor:
    """Return a picture at the side at which pictures are labeled."""
    return area_resize(img, READ_SIDE).clamp(-1, 1)


def _rank(drawn: Drawn, ranges: Sequence[Range]) -> tuple[bool, float]:
    spread = sum(max(drawn.labels.spread_use(part.attribute) - 1, 0.0) for part in ranges)
    return not drawn.met, miss(drawn.labels, ranges) + spread
