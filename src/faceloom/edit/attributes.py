"""Editing of attributes: requested values such as '+20 years' are reached by steering along attribute directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from faceloom.edit import directions
from faceloom.edit.directions import SUFFIX, Direction
from faceloom.edit.steer import AttributeReader, SteerConfig, SteeringResult, apply, steer
from faceloom.edit.targets import compute_targets
from faceloom.latents import WPlus
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer
from faceloom.networks.generator import Generator, image_at

READING_RESOLUTION = 256  # side in pixels of the pictures whose attributes are read


def load_shipped_basis() -> tuple[Direction, ...]:
    """Load the default generator's directions of attributes that the analyzer reads."""
    return tuple(directions.load_shipped(name) for name in directions.list_shipped() if name in ATTRIBUTES)


def load_basis(folder: Path) -> tuple[Direction, ...]:
    """Load the attribute directions of a folder; the result is empty when there are none.

    `faceloom direction attributes` writes such a folder beside a generator.
    """
    basis = (directions.load(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return tuple(direction for direction in basis if direction.name in ATTRIBUTES)


def attribute_reader(G: Generator, analyzer: Analyzer, basis: Sequence[Direction]) -> AttributeReader:
    """Return a function that generates a small picture and reads its attributes, in the order of the basis."""
    order = [ATTRIBUTES.index(direction.name) for direction in basis]

    @torch.no_grad()
    def read(w_plus: WPlus) -> tuple[Tensor, Tensor]:
        reading = analyzer(image_at(G, w_plus, READING_RESOLUTION))
        return reading.attributes[0, order], reading.identity[0]

    return read


def edit_attributes(
    G: Generator,
    analyzer: Analyzer,
    w_plus: WPlus,
    values: Mapping[str, float],
    *,
    basis: Sequence[Direction],
    keep_identity: float | None = None,
    config: SteerConfig | None = None,
) -> SteeringResult:
    """Change attributes of a face to requested values and hold the others.

    Convention: w_plus `[1, num_ws, w_dim]`; `values` as in `edit.targets`: changes in years and degrees, probabilities
    0...1 of the rest; `keep_identity` is the least identity similarity (cosine) to the face before.
    Raises LatentError for an attribute that cannot be edited, or a value out of range.
    """
    read = attribute_reader(G, analyzer, basis)
    attributes, _ = read(w_plus)
    before = dict(zip((direction.name for direction in basis), attributes.tolist(), strict=True))
    return steer(read, w_plus, basis, compute_targets(values, before), keep_identity=keep_identity, config=config)


def random_edits(
    basis: Sequence[Direction], max_length: float = SteerConfig.max_length, sideways: float = 0.5
) -> Callable[[WPlus, torch.Generator], WPlus]:
    """Return a function that edits a face at random, as steering does, for the neighbors that tuning keeps intact.

    Convention: each edit goes up to `max_length` standard deviations in either direction of one attribute, more often
    far than near, and about `sideways` standard deviations in the others. In more than half of the edits the attribute
    is age, in which edits go furthest.
    """
    ages = [i for i, direction in enumerate(basis) if direction.name == "age"]

    def edit(w_plus: WPlus, random: torch.Generator) -> WPlus:
        lengths = sideways * torch.randn(len(basis), generator=random)
        candidates = ages if ages and torch.rand((), generator=random) < 0.5 else range(len(basis))
        main = candidates[int(torch.randint(len(candidates), (), generator=random))]
        signed = 2 * torch.rand((), generator=random) - 1
        lengths[main] = max_length * signed.sign() * signed.abs().sqrt()
        coefficients = {d.name: float(length) * d.sigma for d, length in zip(basis, lengths, strict=True)}
        return apply(w_plus, basis, coefficients)

    return edit
