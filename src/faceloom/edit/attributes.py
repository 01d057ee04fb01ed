"""Editing of attributes: requested values such as '+20 years' are reached by steering along attribute directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from faceloom.analyze.attributes import HELD
from faceloom.analyze.skin import face_color, skin_tone
from faceloom.edit import directions
from faceloom.edit.apply import apply
from faceloom.edit.bounds import Bounds, default_bounds
from faceloom.edit.directions import SUFFIX, Direction
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.edit.regions import RegionalEdit
from faceloom.edit.steer import BEYOND, AttributeReader, SteerConfig, SteeringResult, steer
from faceloom.edit.targets import compute_targets, drop_met, to_units
from faceloom.edit.walk import Look
from faceloom.latents import WPlus
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS
from faceloom.networks.generator import image_at

NEIGHBOR_LENGTH = 2.7  # longest random edit in standard deviations, of the neighbors that tuning keeps intact
CLOSED = -2.0  # logit to which lips are drawn that an edit may close: a serious face has closed lips
CHECKS = SteerConfig(direction_readings=4, length_readings=2, bound_readings=2, tolerance=0.15)
"""Readings of the whole generator's pictures by which an edit is checked that the early exit found."""
CHECKS_OF_LIMITED = replace(CHECKS, direction_readings=2, length_readings=0)
"""The same for an edit that bounds stopped."""
FINE = frozenset({"glasses"})
"""Attributes whose parts the early exit shows less clearly, such as thin frames: the whole generator alone is read."""
SKIN_TONE = "skin_tone"  # measured in the pixels
READABLE = (*ATTRIBUTES, *DETAILS, SKIN_TONE)
"""Every attribute that an edit reads from its picture."""


def load_shipped_basis() -> tuple[Direction, ...]:
    """Load the default generator's directions of attributes that the analyzer reads."""
    return tuple(directions.load_shipped(name) for name in directions.list_shipped() if name in READABLE)


def load_basis(folder: Path) -> tuple[Direction, ...]:
    """Load the attribute directions of a folder; the result is empty when there are none.

    `faceloom direction attributes` writes such a folder beside a generator.
    """
    basis = (directions.load(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return tuple(direction for direction in basis if direction.name in READABLE)


def attribute_reader(edit: RegionalEdit, read_face: FaceReader) -> AttributeReader:
    """Return a function that draws an edit as a small picture and reads its attributes by `read_face`.

    They are those of the basis, in its order, and then those that `held_only` names. No picture is read twice.
    """
    order = [READABLE.index(direction.name) for direction in edit.basis]
    others = held_only(edit.basis)
    known: dict[frozenset[tuple[str, float]], tuple[Tensor, Tensor]] = {}

    def read(coefficients: Mapping[str, float]) -> tuple[Tensor, Tensor]:
        key = frozenset((name, step) for name, step in coefficients.items() if step)
        if key not in known:
            known[key] = read_picture(coefficients)
        return known[key]

    @torch.no_grad()
    def read_picture(coefficients: Mapping[str, float]) -> tuple[Tensor, Tensor]:
        look = look_at(edit, coefficients, read_face)
        held = to_units({name: float(look.values[READABLE.index(name)]) for name in others})
        return torch.cat((look.values[order], torch.tensor([held[name] for name in others]))), look.identity

    return read


def look_at(edit: RegionalEdit, coefficients: Mapping[str, float], read_face: FaceReader) -> Look:
    """Draw an edit with these coefficients as a small picture and read it, in the order of READABLE. Differentiable."""
    img = image_at(*edit.draw_with(coefficients), READ_SIDE)
    reading = read_face(img)
    details = reading.details[0] if reading.details.numel() else torch.zeros(len(DETAILS))
    values = torch.cat((reading.attributes[0], details, skin_tone(img)))
    return Look(values, reading.identity[0], face_color(img)[0])


def held_only(basis: Sequence[Direction]) -> tuple[str, ...]:
    """Return the attributes that an edit reads and holds, but that have no direction."""
    movable = {direction.name for direction in basis}
    return tuple(name for name in READABLE if name in HELD and name not in movable)


def edit_attributes(
    edit: RegionalEdit,
    read_face: FaceReader,
    values: Mapping[str, float],
    *,
    keep_identity: float | None = None,
    force: bool = False,
    since: RegionalEdit | None = None,
    config: SteerConfig | None = None,
) -> SteeringResult:
    """Change attributes of a face to requested values and hold the others.

    Every other attribute stays within its bound in the table of attributes, and the identity similarity above one that
    depends on the edit. Where a value cannot be reached so, the edit goes as far as the bounds allow, and `limited_by`
    names them. Values that the face meets already change nothing. Where the generator can end early, the edit is found
    by pictures of the early exit; the result is then read from the whole generator's picture, and corrected. The whole
    generator alone finds fine parts, and faces that the early exit does not show.

    Convention: `values` as in `edit.targets`: changes in years and degrees, probabilities 0...1 of the rest;
    `keep_identity` replaces the least identity similarity (cosine) to the face before; `force` lifts all other bounds;
    `since` draws the face before earlier edits, and all changes and bounds then count from there.
    Raises LatentError for an attribute that cannot be edited, or a value out of range.
    """
    goal = partial(_steer, read_face=read_face, values=values, keep_identity=keep_identity, force=force, since=since)
    config = config or SteerConfig()
    small = edit.of_side(READ_SIDE)
    if small is edit or FINE.intersection(values):
        return goal(edit, config=config)
    first = goal(small, config=config, since=since and since.of_side(READ_SIDE))
    if first.limited_by == (BEYOND,):  # perhaps the early exit alone shows no such face
        return goal(edit, config=config)
    return first if not any(first.coefficients.values()) else _correct(edit, first, goal)


def correct_edit(
    edit: RegionalEdit,
    read_face: FaceReader,
    values: Mapping[str, float],
    found: SteeringResult,
    *,
    keep_identity: float | None = None,
    force: bool = False,
    since: RegionalEdit | None = None,
) -> SteeringResult:
    """Read an edit that was found under other conditions again, and correct it; the arguments as `edit_attributes`."""
    goal = partial(_steer, read_face=read_face, values=values, keep_identity=keep_identity, force=force, since=since)
    return _correct(edit, found, goal)


def _correct(edit: RegionalEdit, found: SteeringResult, goal: Callable[..., SteeringResult]) -> SteeringResult:
    """Steer from an edit that was found, with few readings."""
    result = goal(edit, config=CHECKS if found.kept else CHECKS_OF_LIMITED, start=found.coefficients)
    limited_by = found.limited_by if result.limited_by == (BEYOND,) and found.limited_by else result.limited_by
    return replace(result, limited_by=limited_by, readings=found.readings + result.readings)


def _steer(
    edit: RegionalEdit,
    read_face: FaceReader,
    values: Mapping[str, float],
    *,
    keep_identity: float | None,
    force: bool,
    config: SteerConfig,
    since: RegionalEdit | None = None,
    start: Mapping[str, float] | None = None,
) -> SteeringResult:
    """Steer by the pictures that an edit draws, from the coefficients `start` on."""
    read = attribute_reader(edit, read_face)
    reading = None if since is None else attribute_reader(since, read_face)({})
    attributes, _ = reading or read({})
    names = [direction.name for direction in edit.basis]
    before = dict(zip(names, attributes[: len(names)].tolist(), strict=True))
    targets = compute_targets(values, before)
    missing = drop_met(values, to_units(before))
    if force:
        bounds = Bounds(min_identity=-1.0 if keep_identity is None else keep_identity)
    else:
        bounds = default_bounds(missing, keep_identity, edit.changing_regions)
    wanted = {name: targets[name] for name in missing}
    held = held_only(edit.basis)
    watched = {*DETAILS, *bounds.free_signs}
    hints = {name: min(before[name], CLOSED) for name, sign in bounds.free_signs.items() if sign < 0 and name in before}
    return steer(
        read,
        edit.basis,
        wanted,
        bounds=bounds,
        held=held,
        watched=watched,
        hints=hints,
        start=start,
        since=reading,
        config=config,
    )


def random_edits(
    basis: Sequence[Direction], max_length: float = NEIGHBOR_LENGTH, sideways: float = 0.5
) -> Callable[[WPlus, torch.Generator], WPlus]:
    """Return a function that edits a face at random, as steering does, for the neighbors that tuning keeps intact.

    Convention: each edit goes up to `max_length` standard deviations in either direction of one attribute, more often
    far than near, and about `sideways` standard deviations in the others. In more than half of the edits the attribute
    is age, in which edits go furthest. Only the directions of the analyzer's ATTRIBUTES are used.
    """
    basis = [direction for direction in basis if direction.name in ATTRIBUTES]
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
