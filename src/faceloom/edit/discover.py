"""Directions that nobody labelled: SeFa and the principal axes of W, and what an analyzer sees them do.

Knows the generator protocol and latents: no files. What the pictures show is for an injected reader to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from faceloom.edit.directions import Direction, step
from faceloom.edit.fit_few import from_values
from faceloom.edit.latent_statistics import LatentStatistics, sample_w, signed
from faceloom.errors import LatentError
from faceloom.latents import WPlus, broadcast
from faceloom.likeness import NamedGenerator
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

Method = Literal["sefa", "pca"]
Read = Callable[[Tensor], Reading]

READ_SIDE = 256
LEAST = {"age": 4.0, "yaw": 3.0, "pitch": 3.0, "roll": 1.0, "sharpness": 0.3}
"""The least standard deviation that a trait is taken to have, in its units: generated faces are all upright."""
LEAST_LOGIT = 0.7


@dataclass(frozen=True, eq=False)
class Component:
    """A direction as a method found it.

    Convention: `vector [w_dim]`, unit length; `sigma` is one standard deviation of w along it; `explained` is the part
    that it has of the variance of w (PCA) or of the squared lengths that the styles answer with (SeFa), 0...1;
    `layers` are those that it was found for, None for all; `number` counts from 1.
    """

    vector: Tensor
    sigma: float
    explained: float
    layers: tuple[int, ...] | None
    method: Method
    number: int

    def direction(self, generator: NamedGenerator, name: str | None = None, notes: str = "") -> Direction:
        """Make a direction of it: a strength of 1 is one standard deviation of w."""
        return Direction(
            name=name or f"{self.method}-{self.number}",
            vector=self.vector.float(),
            per_unit=self.sigma,
            unit="sigma",
            sigma=1.0,
            generator_hash=generator.hash,
            generator_name=generator.name,
            layers=self.layers,
            notes=notes,
        )


def pca(people: LatentStatistics, count: int, layers: Sequence[int] | None = None) -> list[Component]:
    """Take the principal axes of w, the widest first.

    Raises LatentError for a count that w_dim does not hold. Source: Haerkoenen et al. 2020 (GANSpace), section 2.1.
    """
    return _components(people.axes, people.variances, count, people, layers, "pca")


@torch.no_grad()
def sefa(G: Generator, people: LatentStatistics, count: int, layers: Sequence[int] | None = None) -> list[Component]:
    """Take what moves the styles of the chosen layers most: the eigenvectors of A^T A, A their affine weights.

    Every row of A is first brought to unit length, so that no channel counts for more than another.
    Raises LatentError for a count that w_dim does not hold, or a layer that is not there.
    Source: Shen and Zhou 2021, eq. 6.
    """
    weights = torch.cat([style_weights(G, layer) for layer in (range(G.num_ws) if layers is None else layers)])
    rows = weights.double() / weights.double().norm(dim=1, keepdim=True).clamp_min(1e-12)  # [c w_dim]
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    return _components(signed(vectors.flip(1)), values.flip(0).clamp_min(0), count, people, layers, "sefa")


def style_weights(G: Generator, layer: int) -> Tensor:
    """The matrix that takes w to all scales of one layer: `[c, w_dim]`. Raises LatentError for a layer not there."""
    if not 0 <= layer < G.num_ws:
        raise LatentError(f"there is no layer {layer}", f"layers go from 0 to {G.num_ws - 1}")
    basis = torch.cat([torch.eye(G.w_dim), torch.zeros(1, G.w_dim)]).to(G.w_avg)
    answers = torch.cat([affine(basis) for affine in G.affines(layer)], dim=1)  # [w_dim+1 c]
    return (answers[:-1] - answers[-1]).T


def _components(
    vectors: Tensor, values: Tensor, count: int, people: LatentStatistics, layers: Sequence[int] | None, method: Method
) -> list[Component]:
    if not 1 <= count <= len(values):
        raise LatentError(f"{count} directions", f"ask for 1 to {len(values)}")
    chosen = None if layers is None else tuple(layers)
    parts = values / values.sum()
    return [
        Component(vectors[:, i].float(), people.sigma(vectors[:, i]), float(parts[i]), chosen, method, i + 1)
        for i in range(count)
    ]


@torch.no_grad()
def read_people(G: Generator, w_plus: WPlus, read: Read) -> Tensor:
    """Read the traits of people's pictures, one by one: `[n, num_ws, w_dim]` -> `[n, 10]` in TRAITS' units."""
    return torch.cat([read(image_at(G, person, READ_SIDE)).traits for person in w_plus.split(1)])


def trait_sigmas(readings: Tensor) -> Tensor:
    """One standard deviation of each trait among `readings [n, 10]`, not less than what is seen as a change."""
    least = torch.tensor([LEAST.get(name, LEAST_LOGIT) for name in ATTRIBUTES])
    return torch.maximum(readings.std(0).cpu(), least)


def shifts(
    G: Generator, direction: Direction, people: WPlus, read: Read, sigmas: Tensor, strength: float = 2.0
) -> dict[str, float]:
    """Measure what a direction does to people: each trait's mean change by one unit, in standard deviations.

    Convention: people `[n, num_ws, w_dim]`; each is drawn at plus and minus `strength`; `sigmas [10]` as
    `trait_sigmas` gives them.
    """
    ends = [read_people(G, step(people, direction, sign * strength), read).cpu() for sign in (1, -1)]
    change = (ends[0] - ends[1]).mean(0) / (2 * strength * sigmas)
    return dict(zip(ATTRIBUTES, change.tolist(), strict=True))


def name_direction(moved: Mapping[str, float], at_least: float = 0.25, most: int = 3) -> str:
    """Name a direction by what moves most, as in 'age +, glasses +'.

    Convention: `moved` is what `shifts` gives; traits that move by less than `at_least` standard deviations, or by less
    than a third of the first, are not named. With none: 'nothing the analyzer knows'.
    """
    ranked = sorted(moved.items(), key=lambda item: -abs(item[1]))
    enough = max(at_least, abs(ranked[0][1]) / 3) if ranked else at_least
    named = [f"{trait.replace('_', ' ')} {'+' if by > 0 else '-'}" for trait, by in ranked if abs(by) >= enough]
    return ", ".join(named[:most]) or "nothing the analyzer knows"


def plain_directions(
    G: Generator,
    traits: Sequence[str],
    read: Read,
    *,
    people: LatentStatistics,
    generator: NamedGenerator,
    count: int = 200,
) -> list[Direction]:
    """Fit how each trait of TRAITS goes with w, other traits not held: what a fit can be told to hold.

    Reads `count` invented people, of a random class each where the generator takes labels.
    """
    w_plus = broadcast(sample_w(G, count, seed=1), G.num_ws)
    readings = read_people(G, w_plus, read)
    fits = [(name, readings[:, ATTRIBUTES.index(name)]) for name in traits]
    return [
        from_values(name, w_plus, values, unit="units", people=people, generator=generator).direction
        for name, values in fits
    ]
