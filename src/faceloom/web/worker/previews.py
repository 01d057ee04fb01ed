"""Handlers that draw pictures: people, predicted previews of slider values, morphs between people, and seeds."""

from __future__ import annotations

from dataclasses import replace

from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.morph import between
from faceloom.web.sliders import UNCHANGED, changed_values, slider_positions, snap_to_position
from faceloom.web.worker.cache import PreviewKey
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import (
    AttributeValues,
    PersonRef,
    Prerender,
    Preview,
    Render,
    RenderBetween,
    RenderSeed,
)
from faceloom.web.worker.state import PREVIEW_SIZE, WorkerState
from faceloom.web.worker.steering import curves_of, neutral_values
from faceloom.web.worker.studio import PREVIEW_QUALITY, to_jpeg, to_unmarked_jpeg


def preview(state: WorkerState, task: Preview, context: TaskContext) -> bytes:
    """Predict and draw the face at slider values, as JPEG.

    When a single slider moved, the picture is the one of its nearest position, which may be cached.
    """
    anchor = task.anchor
    moved = {name: value for name, value in task.values.items() if abs(value - anchor.get(name, value)) > UNCHANGED}
    if len(moved) == 1:
        ((name, value),) = moved.items()
        return _draw_position(state, task.person, anchor, name, snap_to_position(name, value), task.size)
    return _draw_predicted(state, task.person, anchor, task.values, task.size)


def prerender(state: WorkerState, task: Prerender, context: TaskContext) -> None:
    """Draw the positions of some sliders into the preview cache, those nearest to the slider's value first."""
    if task.refresh:
        state.previews.drop(task.person)
    neutral = neutral_values(curves_of(state, task.person))
    anchor = {**neutral, **task.anchor}
    for name in task.sliders:
        for value in slider_positions(name, task.anchor.get(name, neutral.get(name, 0.0))):
            context.check_cancelled()
            _draw_position(state, task.person, anchor, name, value, PREVIEW_SIZE)


def render(state: WorkerState, task: Render, context: TaskContext) -> bytes:
    """Draw a person as JPEG."""
    picture = state.draw(task.person, task.size or state.studio.fast_generator.G.img_resolution)
    return to_jpeg(picture, origin=state.load_drawn(task.person).made_by) if task.marked else to_unmarked_jpeg(picture)


def render_between(state: WorkerState, task: RenderBetween, context: TaskContext) -> bytes:
    """Draw the face between two people as JPEG."""
    person = between(state.load_drawn(task.a), state.load_drawn(task.b), task.t, W_PULL_MIXING)
    return to_jpeg(state.studio.draw(person, task.size), PREVIEW_QUALITY, person.made_by)


def render_seed(state: WorkerState, task: RenderSeed, context: TaskContext) -> bytes:
    """Draw the generated face of a seed as JPEG."""
    person = state.studio.generate(task.seed, task.psi)
    return to_jpeg(state.studio.draw(person, task.size), PREVIEW_QUALITY, person.made_by)


def _draw_position(
    state: WorkerState, person: PersonRef, anchor: AttributeValues, name: str, value: float, size: int
) -> bytes:
    """Return the preview of one position of one slider, from the cache if it is there."""
    key = PreviewKey.of(person, name, value, size)
    jpeg = state.previews.get(key)
    if jpeg is None:
        jpeg = _draw_predicted(state, person, anchor, {**anchor, name: value}, size)
        state.previews.add(key, jpeg)
    return jpeg


def _draw_predicted(
    state: WorkerState, person: PersonRef, anchor: AttributeValues, values: AttributeValues, size: int
) -> bytes:
    return to_jpeg(state.draw_preview(predict_person(state, person, anchor, values), size), PREVIEW_QUALITY)


def predict_person(
    state: WorkerState, person: PersonRef, anchor: AttributeValues, values: AttributeValues
) -> PersonRef:
    """Return the person as the slider curves predict them at `values`; `person` was edited to the values `anchor`."""
    edited = tuple(changed_values(values, neutral_values(curves_of(state, person))))
    return replace(person, coefficients=_predict(state, person, anchor, values), edited=edited)


def _predict(
    state: WorkerState, person: PersonRef, anchor: AttributeValues, values: AttributeValues
) -> dict[str, float]:
    """Return the coefficients that slider values lead to by the slider curves.

    Adds to the person's coefficients the difference of the curves between `values` and `anchor`.
    """
    curves = curves_of(state, person)
    neutral = neutral_values(curves)
    after, before = (curves.predict(changed_values(position, neutral)) for position in (values, anchor))
    return {
        name: person.coefficients.get(name, 0.0) + after.get(name, 0.0) - before.get(name, 0.0)
        for name in {*person.coefficients, *after, *before}
    }
