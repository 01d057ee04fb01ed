"""Editing of attributes: requested values such as '+20 years' are reached by steering along attribute directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from faceloom.analyze.skin import skin_tone
from faceloom.edit import directions
from faceloom.edit.bounds import Bounds, default_bounds
from faceloom.edit.directions import SUFFIX, Direction
from faceloom.edit.discover import READ_SIDE
from faceloom.edit.steer import AttributeReader, SteerConfig, SteeringResult, apply, steer
from faceloom.edit.targets import compute_targets, drop_met, to_units
from faceloom.latents import WPlus
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer
from faceloom.networks.generator import Generator, image_at

HELD_ONLY = ("skin_tone",)  # attributes that are read and held, but have no direction


def load_shipped_basis() -> tuple[Direction, ...]:
    """Load the default generator's directions of attributes that the analyzer reads."""
    return tuple(directions.load_shipped(name) for name in directions.list_shipped() if name in ATTRIBUTES)


def load_basis(folder: Path) -> tuple[Direction, ...]:
    """Load the attribute directions of a folder; the result is empty when there are none.

    `faceloom direction attributes` writes such a folder beside a generator.
    """
    basis = (directions.load(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return tuple(direction for direction in basis if direction.name in ATTRIBUTES)


def attribute_reader(
    G: Generator, analyzer: Analyzer, basis: Sequence[Direction], *, with_held: bool = False
) -> AttributeReader:
    """Return a function that generates a small picture and reads its attributes, in the order of the basis.

    Convention: `with_held` appends the attributes of HELD_ONLY.
    """
    order = [ATTRIBUTES.index(direction.name) for direction in basis]

    @torch.no_grad()
    def read(w_plus: WPlus) -> tuple[Tensor, Tensor]:
        img = image_at(G, w_plus, READ_SIDE)
        reading = analyzer(img)
        attributes = reading.attributes[0, order]
        return torch.cat((attributes, skin_tone(img))) if with_held else attributes, reading.identity[0]

    return read


def edit_attributes(
    G: Generator,
    analyzer: Analyzer,
    w_plus: WPlus,
    values: Mapping[str, float],
    *,
    basis: Sequence[Direction],
    keep_identity: float | None = None,
    hold: bool = False,
    config: SteerConfig | None = None,
) -> SteeringResult:
    """Change attributes of a face to requested values and leave the others near their values.

    Convention: w_plus `[1, num_ws, w_dim]`; `values` as in `edit.targets`: changes in years and degrees, probabilities
    0...1 of the rest; `keep_identity` is the least identity similarity (cosine) to the face before. `hold` keeps every
    other attribute within its bound in the table of attributes, and the identity similarity above one that depends on
    the edit: where a value cannot be reached so, the edit goes as far as the bounds allow, and `limited_by` names them;
    values that the face meets already change nothing.
    Raises LatentError for an attribute that cannot be edited, or a value out of range.
    """
    read = attribute_reader(G, analyzer, basis, with_held=hold)
    attributes, _ = read(w_plus)
    before = dict(zip((direction.name for direction in basis), attributes[: len(basis)].tolist(), strict=True))
    targets = compute_targets(values, before)
    if not hold:
        bounds = Bounds(min_identity=-1.0 if keep_identity is None else keep_identity)
        return steer(read, w_plus, basis, targets, bounds=bounds, config=config)
    missing = drop_met(values, to_units(before))
    bounds = default_bounds(missing, keep_identity)
    return steer(
        read, w_plus, basis, {name: targets[name] for name in missing}, bounds=bounds, held=HELD_ONLY, config=config
    )


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
