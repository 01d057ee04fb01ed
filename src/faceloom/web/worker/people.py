"""Handlers that make new bases and people without a photo: by mixing layers, as a child, or from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.invert.quality import rate_quality
from faceloom.likeness import Likeness
from faceloom.store.models import Quality
from faceloom.web.sliders import make_sliders
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import Child, Generate, MakeChild, Mix, PersonFacts, PersonRef
from faceloom.web.worker.state import WorkerState
from faceloom.workflows import family

VARIATION = 0.45  # standard deviations by which siblings differ beyond what they inherit


def mix(state: WorkerState, task: Mix, context: TaskContext) -> PersonFacts:
    """Replace some layers of a person with those of another person or of a seed, and store the result as a new base."""
    person = state.load(task.person)
    other = state.studio.generate(task.other) if isinstance(task.other, int) else state.load(task.other)
    return store_base(state, task.person, task.base, state.studio.mix(person, other, task.layers))


def make_child(state: WorkerState, task: MakeChild, context: TaskContext) -> Child:
    """Make a child of two people and store it as a person. Its age holds for the default generator only."""
    parents = (state.load(task.a), state.load(task.b))
    child = family.make_child(
        state.studio, *parents, task.number, seed=task.seed, variation=VARIATION, balance=task.balance
    )
    if state.studio.generator.name == DEFAULT_GENERATOR:
        child = family.grow_up(state.studio, child, task.age, state.studio.read_attributes)
    context.check_cancelled()
    state.likenesses.save(PersonRef(task.folder, task.person), child)
    return Child(dict(child.provenance["inherited"]), person_facts(state, child))


def generate(state: WorkerState, task: Generate, context: TaskContext) -> PersonFacts:
    """Generate a face from a seed and store it as a person."""
    person = state.studio.generate(task.seed, task.psi)
    state.likenesses.save(PersonRef(task.folder, task.person), person)
    return person_facts(state, person)


def store_base(state: WorkerState, person: PersonRef, base: str, changed: Likeness) -> PersonFacts:
    """Store a changed likeness as the base `base` of a person, and return the facts about it."""
    state.likenesses.save(replace(person, base=base, coefficients={}), changed)
    return person_facts(state, changed)


def person_facts(state: WorkerState, person: Likeness) -> PersonFacts:
    """Return the facts that the booth stores about a new base."""
    attributes = state.studio.read_attributes(person)
    movable = [direction.name for direction in state.studio.basis]
    return PersonFacts(
        quality=rounded_quality(person.quality),
        traits=attributes,
        sliders=tuple(make_sliders(attributes, movable)),
        seconds=person.provenance.get("seconds", 0.0),
    )


def rounded_quality(quality: Mapping[str, float]) -> Quality:
    """Return the quality of a likeness, rounded, with its word; all fields are None for a generated face."""
    if "lpips" not in quality:
        return Quality(identity=None)
    rounded = {name: round(value, 4) for name, value in quality.items()}
    return Quality(
        lpips=rounded["lpips"],
        mse=rounded.get("mse"),
        identity=rounded.get("identity"),
        word=rate_quality(quality),
    )
