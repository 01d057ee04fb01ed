"""Find a person whom nobody described to the generator: draw many, read them, refine the nearest.

Knows the generator protocol and latents; what the pictures show is for an injected reader to say. No files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.edit.description import Bound, penalty
from faceloom.edit.discover import READ_SIDE, Read
from faceloom.edit.generate import generate_latents
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.errors import LatentError
from faceloom.latents import WPlus, broadcast
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

Callback = Callable[[float, str], None]


@dataclass(frozen=True)
class SearchConfig:
    """How to look for people."""

    candidates: int = 200  # people drawn before any is refined
    psi: float = 0.8  # of their truncation
    steps: int = 30  # of refining, at most, a person; none once everything wanted is met
    learning_rate: float = 0.06  # Adam's, in standard deviations of w
    margin: float = 0.4  # how far within the bounds refining aims, in logits
    like_weight: float = 4.0  # of 1 - identity similarity
    prior: float = 0.5  # of the mean square of w in standard deviations, beyond the candidates' own


@dataclass(frozen=True, eq=False)
class SearchResult:
    """A person who was found.

    Convention: `w_plus [1, num_ws, w_dim]` has one style for all layers; `traits` are read from the picture, in the
    units of TRAITS; `missed` is `wanted.penalty`, 0 when everything wanted is met; `similarity` to the face that was
    given, -1...1, NaN when none was; `seed` is of the candidate that was refined by `steps`.
    """

    w_plus: WPlus
    traits: dict[str, float]
    missed: float
    similarity: float
    seed: int
    steps: int


def search(
    G: Generator,
    wanted: Sequence[Bound],
    read: Read,
    *,
    people: LatentStatistics,
    count: int = 6,
    seed: int = 0,
    like: Tensor | None = None,
    config: SearchConfig | None = None,
    callback: Callback | None = None,
) -> list[SearchResult]:
    """Find `count` people who show what is wanted, the best first.

    Convention: `read` takes img `[n, 3, 256, 256]` and is differentiable; `like [1, 128]` is an identity that they
    should resemble. Candidate k is the person of seed `100,000 * seed + k`. `callback` gets progress 0...1 and a word.
    Raises LatentError for more people than candidates, or when neither anything is wanted nor anybody given.
    """
    config, wanted = config or SearchConfig(), tuple(wanted)
    if not 1 <= count <= config.candidates:
        raise LatentError(f"{count} of {config.candidates} candidates", "ask for fewer people")
    if not wanted and like is None:
        raise LatentError("find does not know whom to look for", "say what the face should show, or give a photo")
    tell = callback or (lambda done, what: None)
    search = _Search(G, wanted, read, people, like, config)
    seeds = [100_000 * seed + k for k in range(config.candidates)]
    drawn = [search.candidate(one, lambda k=k: tell(0.6 * k / len(seeds), "drawing")) for k, one in enumerate(seeds)]  # type: ignore[misc]
    nearest = sorted(drawn, key=search.rank)[:count]
    found = []
    for i, person in enumerate(nearest):
        tell(0.6 + 0.4 * i / count, f"refining {i + 1} of {count}")
        found.append(search.refined(person))
    tell(1.0, "done")
    return sorted(found, key=search.rank)


class _Search:
    """What is wanted, and how it is measured and approached."""

    def __init__(
        self,
        G: Generator,
        wanted: tuple[Bound, ...],
        read: Read,
        people: LatentStatistics,
        like: Tensor | None,
        config: SearchConfig,
    ) -> None:
        self.G, self.wanted, self.read, self.like, self.config = G, wanted, read, like, config
        self.mean = people.mean.to(G.w_avg)
        self.axes = (people.axes * (people.variances + people.floor).sqrt()).to(G.w_avg)  # u -> w

    @torch.no_grad()
    def candidate(self, seed: int, tell: Callable[[], None]) -> SearchResult:
        """Draw and read the person of a seed."""
        tell()
        w_plus = generate_latents(self.G, [seed], self.config.psi)
        return self.found(w_plus, self.look(w_plus), seed, 0)

    def look(self, w_plus: WPlus) -> Reading:
        """Read a person's picture."""
        return self.read(image_at(self.G, w_plus, READ_SIDE))

    def found(self, w_plus: WPlus, reading: Reading, seed: int, steps: int) -> SearchResult:
        """State a person in plain numbers."""
        reading = Reading(reading.traits.detach(), reading.identity.detach())
        traits = dict(zip(ATTRIBUTES, reading.traits[0].tolist(), strict=True))
        missed = float(penalty(reading.traits, self.wanted)[0])
        return SearchResult(w_plus.detach(), traits, missed, float(self.similarity(reading)), seed, steps)

    def similarity(self, reading: Reading) -> Tensor:
        """The cosine to the identity that was given, NaN for none."""
        return torch.tensor(torch.nan) if self.like is None else (reading.identity * self.like).sum(1)[0]

    def rank(self, person: SearchResult) -> float:
        """What is least for the best."""
        return person.missed + (0.0 if self.like is None else self.config.like_weight * (1 - person.similarity))

    def refined(self, person: SearchResult) -> SearchResult:
        """Move a person by gradient descent in whitened w until all is met or the steps are used up; keep the best."""
        if self.met(person):
            return person
        u = torch.linalg.solve(self.axes, person.w_plus[0, 0] - self.mean).requires_grad_()
        home = u.detach().square().mean()
        adam, best = torch.optim.Adam([u], lr=self.config.learning_rate), person
        for step in range(self.config.steps):
            w_plus = broadcast((self.mean + self.axes @ u)[None], self.G.num_ws)
            reading = self.look(w_plus)
            here = self.found(w_plus, reading, person.seed, step)
            best = min(best, here, key=self.rank)
            if self.met(here):
                return here
            (u.grad,) = torch.autograd.grad(self.loss(reading, u, home), [u])
            adam.step()
        return best

    def met(self, person: SearchResult) -> bool:
        """Whether nothing is left to do: a likeness can always be nearer."""
        return person.missed == 0 and self.like is None

    def loss(self, reading: Reading, u: Tensor, home: Tensor) -> Tensor:
        """What refining lessens: what is missed, with a margin; unlikeness; how rare the face is."""
        rare = (u.square().mean() - home).clamp_min(0)
        loss = penalty(reading.traits, self.wanted, self.config.margin)[0] + self.config.prior * rare
        return loss if self.like is None else loss + self.config.like_weight * (1 - self.similarity(reading))
