"""Editing of people: attributes in their units, steps along directions, mixing by layer, and children.

`Studio` has all of it. Latents, masks and tuned weights change here; photos are not read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypedDict

import torch
import torch.nn.functional as F

from faceloom.analyze.attributes import EDITABLE
from faceloom.analyze.ensemble import read_both
from faceloom.analyze.regions import read_region_features, read_regions
from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.checkpoints.shipped import load_analyzer, load_exit_heads, load_region_head, load_second_analyzer
from faceloom.edit import directions, stylespace
from faceloom.edit.attributes import (
    attribute_reader,
    correct_edit,
    edit_attributes,
    held_only,
    load_basis,
    load_shipped_basis,
)
from faceloom.edit.discover import FaceReader
from faceloom.edit.mix import W_PULL_MIXING, mix
from faceloom.edit.nearby import load_library, localize
from faceloom.edit.regions import BasePicture, FeatureReader, RegionalEdit, RegionReader, join_regions
from faceloom.edit.request import parse_request, resolve_request
from faceloom.edit.steer import SteeringResult
from faceloom.edit.stylespace import StyleDirection
from faceloom.edit.targets import compute_targets, to_units
from faceloom.edit.walk import measure_space
from faceloom.edit.walked_edits import WalkSetting, can_turn, join_results, keeps_bounds, turn, walk_on
from faceloom.errors import LatentError
from faceloom.latents import WPlus, parse_layers
from faceloom.likeness import Likeness, digest, require_generator
from faceloom.networks.early_exit import ExitHead
from faceloom.rendering import Renderer
from faceloom.workflows import family
from faceloom.workflows.words import reword

log = logging.getLogger("faceloom.words")

MAX_BASES = 16  # people whose directions stay in memory
DIRECTIONS = "directions"  # folder of a generator's directions, beside its weights


class Limits(TypedDict):
    """Limits of an edit, as `Editor.edit` takes them."""

    keep_identity: float | None
    force: bool


@dataclass(frozen=True)
class EditResult:
    """A person after an edit, the requested values, and the attributes before and after it, in the table's units."""

    person: Likeness
    steering: SteeringResult
    values: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]

    @property
    def reached(self) -> dict[str, float]:
        """The requested attributes as they were reached: changes of age and pose, probabilities of the others."""
        return {
            name: self.after[name] - self.before[name] if EDITABLE[name].is_change else self.after[name]
            for name in self.values
        }

    @property
    def kept(self) -> bool:
        """True when all requested values were reached without giving anything up."""
        return self.steering.kept

    @property
    def identity(self) -> float:
        """The identity similarity to the person before the edit: 1 is the same face, about 0 a stranger."""
        return self.steering.identity

    @property
    def limited_by(self) -> tuple[str, ...]:
        """The limits that stopped the edit before the requested values; empty when none did.

        They are the attributes whose bounds the edit would break, `identity`, or `generator` when no bound is near.
        """
        return self.steering.limited_by

    @property
    def unreliable(self) -> tuple[str, ...]:
        """The requested attributes that the photo shows badly, so that their values before and after may be wrong."""
        return tuple(name for name in self.values if name in self.person.provenance.get("unreliable", ()))


def _make_result(
    person: Likeness, edit: RegionalEdit, values: Mapping[str, float], result: SteeringResult
) -> EditResult:
    """Return the person after an edit that was found, with a note of it."""
    edits = [*person.provenance.get("edits", ()), {"wishes": dict(values), "coefficients": result.coefficients}]
    edited = replace(edit.move(person, result.coefficients), provenance={**person.provenance, "edits": edits})
    return EditResult(edited, result, values, to_units(result.before), to_units(result.after))


class Editor(Renderer):
    """A renderer that edits people. The arguments are those of `Renderer`."""

    @cached_property
    def basis(self) -> tuple[directions.Direction, ...]:
        """The attribute directions of this generator, in the analyzer's units; empty when there are none."""
        folder = self.generator.folder
        basis = load_basis(folder / DIRECTIONS) if folder else load_shipped_basis()
        return tuple(direction for direction in basis if direction.generator_hash == self.generator.hash)

    def basis_near(self, person: Likeness) -> tuple[directions.Direction, ...]:
        """Return the directions of the default generator fitted near a person, or the basis of another generator.

        They depend on the person before all edits. Those of the last few people stay in memory.
        """
        if self.generator.name != DEFAULT_GENERATOR:
            return self.basis
        key = digest(person.unedited)
        if key not in self._bases:
            self._bases[key] = localize(self.basis, person.unedited.w_plus, load_library())
            while len(self._bases) > MAX_BASES:
                self._bases.pop(next(iter(self._bases)))
        return self._bases[key]

    @cached_property
    def _bases(self) -> dict[str, tuple[directions.Direction, ...]]:
        return {}

    def edit(
        self,
        person: Likeness,
        values: Mapping[str, float],
        *,
        keep_identity: float | None = None,
        force: bool = False,
    ) -> EditResult:
        """Change attributes of a person to requested values and hold the others, checking the result at every step.

        Each other attribute stays within the bound that the table of attributes states for it. Where a value cannot be
        reached so, the edit goes as far as the bounds allow, and `limited_by` names them. In the default generator only
        the regions that the table names for the edited attributes change: a smile leaves the hair and the background.
        A turn of the head comes before the other requested changes; where it draws another person at the edge of the
        picture, that person is removed.

        Convention: `values` by attribute: `age`, `yaw` and `pitch` are changes in years and degrees; `smile`,
        `gender`, `glasses`, `mouth_open` and `eyes_open` are probabilities, 0...1. `keep_identity` replaces the least
        identity similarity to the person before the edit, which otherwise depends on the edit; `force` lifts the
        bounds.
        Raises LatentError for other attributes, values out of range, and a generator without directions.
        """
        self._require_directions(person)
        compute_targets(values, {})  # raises before the first step
        edit = self.regional_edit(person, values)
        limits: Limits = {"keep_identity": keep_identity, "force": force}
        turns = {name: value for name, value in values.items() if name in edit.moving}
        if not can_turn(edit, turns):
            edit, result = self._steer(edit, values, limits)
        elif len(turns) == len(values):
            edit, result = turn(edit, self.walk_setting, values, **limits)
        else:
            return self._turn_then_edit(person, turns, values, limits)
        return _make_result(person, edit, values, result)

    def _turn_then_edit(
        self, person: Likeness, turns: Mapping[str, float], values: Mapping[str, float], limits: Limits
    ) -> EditResult:
        """Turn the head, then change the other attributes of the turned person; return both as one edit.

        Where both together break a bound, the other attributes change as far as the bounds since before the turn allow.
        """
        first = self.edit(person, turns, **limits)
        second = self.edit(first.person, {name: values[name] for name in values if name not in turns}, **limits)
        identity = self._similarity(person, second.person)
        result = join_results(first.steering, second.steering, turns, identity)
        if keeps_bounds(result, values, **limits):
            return EditResult(second.person, result, values, first.before, second.after)
        since = self.regional_edit(person, values)
        edit, result = self._steer(since.moved_by(first.person.w_plus - person.w_plus), values, limits, since)
        return _make_result(person, edit, values, replace(result, readings=result.readings + first.steering.readings))

    def _similarity(self, a: Likeness, b: Likeness) -> float:
        """Return the identity similarity (cosine) of two people."""
        first, second = (attribute_reader(self.regional_edit(each, ()), self.read_face)({})[1] for each in (a, b))
        return float(F.cosine_similarity(first, second, dim=0))

    def _steer(
        self, edit: RegionalEdit, values: Mapping[str, float], limits: Limits, since: RegionalEdit | None = None
    ) -> tuple[RegionalEdit, SteeringResult]:
        """Return a steered edit without other people beside the person, and its result."""
        result = edit_attributes(edit, self.read_face, values, since=since, **limits)
        cleared = edit.without_bystanders(result.coefficients, self.read_region_features)
        if cleared is not edit:
            result = correct_edit(cleared, self.read_face, values, result, since=since, **limits)
            return cleared, result
        if limits["force"] or since is not None:
            return edit, result
        return walk_on(edit, self.walk_setting, values, result, keep_identity=limits["keep_identity"])

    @cached_property
    def walk_setting(self) -> WalkSetting:
        """The readers and the space of walks of this generator."""
        return WalkSetting(self.read_face, measure_space(self.generator.G), self.read_region_features)

    def values_from_words(self, person: Likeness, text: str) -> dict[str, float]:
        """Return the values for `edit` that a request in words asks for, as 'ten years older, no glasses'.

            studio.edit(me, studio.values_from_words(me, "age 60, a faint smile, longer hair"))

        A clause in other words is replaced as `workflows.words.reword` does, and logged as a warning.
        Raises LatentError as `workflows.words.reword`, `edit.request.parse_request` and `edit.request.resolve_request`.
        """
        reworded = reword(text, is_request=True)
        for rewording in reworded.rewordings:
            log.warning("%s", rewording)
        return resolve_request(parse_request(reworded.text), self.measure(person))

    def measure(self, person: Likeness) -> dict[str, float]:
        """Read the attributes of a person as an edit does before its first step, in the units of the table.

        They are those that this generator has directions for, and those that edits hold.
        Raises LatentError for a generator without directions.
        """
        self._require_directions(person)
        edit = self.regional_edit(person, ())
        values, _ = attribute_reader(edit, self.read_face)({})
        count = len(edit.basis)
        shown = dict(zip((direction.name for direction in edit.basis), values[:count].tolist(), strict=True))
        return to_units(shown) | dict(zip(held_only(edit.basis), values[count:].tolist(), strict=True))

    def _require_directions(self, person: Likeness) -> None:
        """Raise LatentError when this generator cannot edit a person."""
        require_generator(person, self.generator)
        if not self.basis:
            hint = f"faceloom direction attributes --generator {self.generator_name} fits them"
            raise LatentError(f"{self.generator_name} has no directions", hint)

    def regional_edit(self, person: Likeness, edited: Collection[str]) -> RegionalEdit:
        """Return the edit of some attributes of a person, which changes only the regions that the table names."""
        base = BasePicture(self.tuned_generator(person), self.read_regions, person.outside, self.exit_heads)
        return RegionalEdit(base, person.w_plus, edited, basis=self.basis_near(person), regions=person.regions)

    @cached_property
    def read_face(self) -> FaceReader:
        """The function by which edits are measured: two networks read aligned faces `[n, 3, h, h]`."""
        return partial(read_both, load_analyzer(), load_second_analyzer())

    @cached_property
    def read_regions(self) -> RegionReader | None:
        """The reader of the default generator's regions; None for other generators, whose edits change all regions."""
        if self.generator.name != DEFAULT_GENERATOR:
            return None
        head = load_region_head()
        return lambda G, w_plus: read_regions(G, head, w_plus)

    @cached_property
    def read_region_features(self) -> FeatureReader | None:
        """The function by which other people beside a turned head are removed; None for other generators."""
        if self.generator.name != DEFAULT_GENERATOR:
            return None
        head = load_region_head()
        return lambda G, w_plus: read_region_features(G, head, w_plus)

    @cached_property
    def exit_heads(self) -> Mapping[int, ExitHead]:
        """The heads by which the default generator ends early, by the side of their pictures; none for other ones."""
        return load_exit_heads() if self.generator.name == DEFAULT_GENERATOR else {}

    def step(self, person: Likeness, strengths: Mapping[str, float], layers: str | None = None) -> Likeness:
        """Move a person along directions; `strengths` by the name or the file of a direction, in its units.

        A direction of StyleSpace changes the person's `delta`, one of W the `w_plus`; `unedited` undoes both.
        Raises LatentError for an unknown direction and for one of another generator.
        """
        require_generator(person, self.generator)
        indices = parse_layers(layers, self.generator.G.layer_resolutions) if layers else None
        moved = person.with_w_plus(person.w_plus, person.base, person.mask, person.regions)
        for name, strength in strengths.items():
            direction = self.direction(name)
            if isinstance(direction, StyleDirection):
                moved = stylespace.step(self.generator.G, moved, direction, strength, indices)
            else:
                step = partial(directions.step, direction=direction, strength=strength, layers=indices)
                moved = self.move(moved, step)
        return moved

    def move(self, person: Likeness, step: Callable[[WPlus], WPlus]) -> Likeness:
        """Move a person as a whole: the latent, and that of what earlier edits left unchanged, by the same function.

        What the earlier edits changed stays changed, in the regions as they are after the move.
        """
        return self.redraw(person, step(person.w_plus), step(person.outside), person.regions)

    def redraw(self, person: Likeness, w_plus: WPlus, outside: WPlus, regions: Mapping[str, float]) -> Likeness:
        """Return a person with another latent, and another one outside the mask, which follows from their regions.

        `regions` are those that edits changed, with their strengths. Without any, `w_plus` draws the whole picture.
        """
        if torch.equal(w_plus, outside):
            return person.with_w_plus(w_plus)
        base = BasePicture(self.tuned_generator(person), self.read_regions, outside)
        return RegionalEdit(base, w_plus, (), basis=(), regions=regions).move(person, {})

    def direction(self, name: str) -> directions.Direction | StyleDirection:
        """Open a direction of W or of StyleSpace: one of this generator, a shipped or imported one, or a file."""
        attributes = {direction.name: direction for direction in self.basis}
        direction = attributes.get(name) or stylespace.load_named(name)
        require_generator(direction, self.generator)
        return direction

    def mix(self, a: Likeness, b: Likeness, layers: str = "coarse", *, pull: float = W_PULL_MIXING) -> Likeness:
        """Give person `a` the layers of person `b`: 'coarse', 'middle', 'fine', or numbers; `pull` as in `edit.mix`.

        The unedited people are mixed in the same way as the edited ones. What edits of either person changed is drawn
        from the mix of the edited people, all else from the mix of the unedited ones.
        """
        indices = parse_layers(layers, self.generator.G.layer_resolutions)
        w_plus, outside = mix(a.w_plus, b.w_plus, indices, pull), mix(a.outside, b.outside, indices, pull)
        return self.redraw(a, w_plus, outside, join_regions(a.regions, b.regions))

    def child(
        self,
        a: Likeness,
        b: Likeness,
        number: int = 0,
        *,
        seed: int = 0,
        variation: float = 0.3,
        pull: float = W_PULL_MIXING,
        balance: float = 0.5,
        age: float | None = None,
    ) -> Likeness:
        """Make child `number` of two people, with a random `variation` in standard deviations; `pull` as in `mix`.

        `balance` is 0 for a child that takes after `a`, 1 for one that takes after `b`. `age` is in years, 2 to 30;
        without it, the child is a mix of two adults. Raises LatentError for a parent of another generator, for an age
        with another generator than the default one, and for numbers out of range.
        """
        child = family.make_child(self, a, b, number, seed=seed, variation=variation, pull=pull, balance=balance)
        return child if age is None else family.grow_up(self, child, age, self.measure)
