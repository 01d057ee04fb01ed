"""Handlers that edit a person to attribute values, and measure the slider curves that previews are predicted from."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.edit.attributes import held_only
from faceloom.edit.bounds import Bounds, default_bounds
from faceloom.edit.steer import SteerConfig, SteeringResult, steer
from faceloom.edit.targets import compute_targets, to_units
from faceloom.edit.walked_edits import can_turn, join_results, keeps_bounds
from faceloom.errors import LatentError
from faceloom.files import atomic_write
from faceloom.networks.analyzer import DETAILS
from faceloom.store.models import EditOutcome
from faceloom.web.sliders import SliderCurves, changed_values, neutral_slider_values
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import AttributeValues, Calibrated, CalibrateSlider, Edit, Edited, PersonRef
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.turns import is_turn

CURVES_SUFFIX = ".rails"  # of the file beside a base's likeness in which its slider curves are stored
CALIBRATION = SteerConfig(direction_readings=7, length_readings=3, bound_readings=4)
"""Settings of the edits that measure curves. They are less exact than an edit, because curves interpolate."""


def edit(state: WorkerState, task: Edit, context: TaskContext) -> Edited:
    """Edit a person's base to attribute values within the bounds. Raises LatentError, `Cancelled`."""
    curves = curves_of(state, task.person)
    values = changed_values(task.values, neutral_values(curves))
    if not values:
        return Edited({}, to_units(curves.before), 1.0, EditOutcome())
    steered = _edit(state, task.person, values, context, force=task.force)
    if len(values) == 1 and not task.force:
        ((name, value),) = values.items()
        _add_knot(state, task.person, name, value, steered)
    return Edited(
        coefficients=dict(steered.coefficients),
        after={name: round(value, 3) for name, value in to_units(steered.after).items()},
        identity=round(steered.identity, 3),
        outcome=_make_outcome(values, steered),
        reach=curves_of(state, task.person).reach(),
    )


def calibrate_slider(state: WorkerState, task: CalibrateSlider, context: TaskContext) -> Calibrated:
    """Measure the next missing knot of the slider curves, if one is missing, and return the reach of the sliders."""
    curves = curves_of(state, task.person)
    name, value = next(curves.missing_knots(), ("", 0.0))
    if not name:
        return Calibrated(False, curves.reach())
    steered = _edit(state, task.person, {name: value}, context, CALIBRATION)
    _add_knot(state, task.person, name, value, steered)
    return Calibrated(True, curves_of(state, task.person).reach())


def curves_of(state: WorkerState, person: PersonRef) -> SliderCurves:
    """Return the slider curves of a person's base: cached, from the file, or new ones without knots."""
    path = person.path.with_suffix(CURVES_SUFFIX)
    with state.likenesses.lock:
        cached = state.likenesses.curves.get(path)
    if cached is not None:
        return cached
    try:
        curves = SliderCurves.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        curves = SliderCurves(_attributes_before(state, person))
    with state.likenesses.lock:
        return state.likenesses.curves.setdefault(path, curves)


def neutral_values(curves: SliderCurves) -> dict[str, float]:
    """Return the slider values at which a base is unchanged."""
    return neutral_slider_values(to_units(curves.before))


def _attributes_before(state: WorkerState, person: PersonRef) -> dict[str, float]:
    """Read the attributes of a base in the directions' units, as steering does before its first step."""
    values, _ = state.studio.attribute_reader(state.regional_edit(person))({})
    return dict(zip((direction.name for direction in state.studio.basis), values.tolist(), strict=False))


def _make_outcome(values: AttributeValues, steered: SteeringResult) -> EditOutcome:
    """Return what an edit reached, in the units of the requested values, and what limited it."""
    before, after = to_units(steered.before), to_units(steered.after)
    reached = {name: after[name] - before[name] if TABLE[name].is_change else after[name] for name in values}
    return EditOutcome(
        reached={name: round(value, 3) for name, value in reached.items()},
        limited_by=list(steered.limited_by),
        kept=steered.kept,
    )


def _edit(
    state: WorkerState,
    person: PersonRef,
    values: AttributeValues,
    context: TaskContext,
    config: SteerConfig | None = None,
    *,
    force: bool = False,
) -> SteeringResult:
    """Edit a person's base within the bounds of the table of attributes; `force` lifts them.

    A turn of the head comes first. Where it breaks a bound together with the rest, the rest goes less far.
    Raises LatentError for an unknown attribute or a generator without directions.
    """
    if not state.studio.basis:
        raise LatentError("this generator has no sliders", "use the default generator")
    person = replace(person, edited=tuple(values))
    whole = state.regional_edit(person)
    turns = {name: value for name, value in values.items() if name in whole.moving}
    steered = partial(_steer, state, context=context, config=config, force=force)
    if not can_turn(whole, turns):
        return steered(person, values)
    turned = _turn(state, person, turns, context, force=force)
    rest = {name: value for name, value in values.items() if name not in turns}
    if not rest:
        return turned
    moved = replace(person, coefficients=turned.coefficients)
    edited = steered(moved, rest)
    similarity = _similarity(state, person, {**turned.coefficients, **edited.coefficients})
    result = join_results(turned, edited, turns, similarity)
    if keeps_bounds(result, values, force=force):
        return result
    result = steered(moved, values, since=person)
    return replace(result, coefficients={**turned.coefficients, **result.coefficients})


def _turn(
    state: WorkerState, person: PersonRef, turns: AttributeValues, context: TaskContext, *, force: bool
) -> SteeringResult:
    """Turn the head of a person's base: as the curves predict it, or else by a new walk, which is stored."""
    person = replace(person, edited=tuple(turns))
    predicted = curves_of(state, person).predict(turns)
    is_known = all(is_turn(name) for name in predicted)
    guess = state.regional_edit(replace(person, coefficients=predicted)) if is_known else None
    edit = state.regional_edit(person)
    moved, result = state.studio.turn(edit, turns, guess, check_cancelled=context.check_cancelled, force=force)
    if moved is guess:
        return replace(result, coefficients=predicted)
    if moved is edit:
        return result
    return replace(result, coefficients={state.likenesses.add_turn(person, turns, moved.w_plus - edit.w_plus): 1.0})


def _similarity(state: WorkerState, person: PersonRef, coefficients: AttributeValues) -> float:
    """Return the identity similarity (cosine) of an edited person to the person's base."""
    edited = state.regional_edit(replace(person, coefficients=coefficients))
    first = state.studio.attribute_reader(state.regional_edit(person))({})[1]
    return float(F.cosine_similarity(first, state.studio.attribute_reader(edited)(coefficients)[1], dim=0))


def _steer(
    state: WorkerState,
    person: PersonRef,
    values: AttributeValues,
    *,
    context: TaskContext,
    config: SteerConfig | None = None,
    force: bool = False,
    since: PersonRef | None = None,
) -> SteeringResult:
    """Steer a person along directions; changes and bounds count from the person, or from `since`."""
    regional = state.regional_edit(person)
    reader = state.studio.attribute_reader(regional)

    def read_unless_cancelled(coefficients: AttributeValues) -> tuple[Tensor, Tensor]:
        context.check_cancelled()
        return reader(coefficients)

    reading = None if since is None else state.studio.attribute_reader(state.regional_edit(since))({})
    basis = state.studio.basis
    shown, _ = reading or reader({})
    before = dict(zip((direction.name for direction in basis), shown.tolist(), strict=False))
    bounds = Bounds() if force else default_bounds(values, regions=regional.changing_regions)
    return steer(
        read_unless_cancelled,
        basis,
        compute_targets(values, before),
        bounds=bounds,
        held=held_only(basis),
        watched={*DETAILS, *bounds.free_signs},
        since=reading,
        config=config,
    )


def _add_knot(state: WorkerState, person: PersonRef, name: str, value: float, steered: SteeringResult) -> None:
    """Add a measured edit of one slider to the curves, write them, and drop the slider's previews."""
    curves = curves_of(state, person)
    with state.erased.writing(person.folder, person.path.stem):
        if steered.kept:
            curves.add_knot(name, value, steered.coefficients)
        else:
            reached = steered.after[name] - steered.before[name]
            curves.add_limit(name, value, reached, steered.coefficients)
        state.previews.drop(person, name)
        with atomic_write(person.path.with_suffix(CURVES_SUFFIX)) as draft:
            draft.write_text(json.dumps(curves.to_json()), encoding="utf-8")
