"""Edits of a person: previews, exact edits, history, mixing, kept steps. Every edit is a step that can be undone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from faceloom.store import Person, Visit
from faceloom.store.models import KeptStep, Step
from faceloom.store.visit_store import make_token
from faceloom.web.booth import background
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.visit_flow import find_playable
from faceloom.web.security import RequestRefused
from faceloom.web.sliders import UNCHANGED
from faceloom.web.worker.messages import (
    AttributeValues,
    Edit,
    Edited,
    Mix,
    PersonFacts,
    PersonRef,
    Preview,
    Priority,
    Render,
)

MAX_STEPS = 200  # steps of a history
MAX_KEPT = 12  # kept steps of a person
MAX_SEED_DIGITS = 9
SURPRISES: Mapping[str, tuple[float, ...]] = {
    "age": (-25.0, -12.0, 18.0, 35.0),
    "smile": (0.05, 0.95),
    "glasses": (0.9,),
    "yaw": (-18.0, 18.0),
    "gender": (0.15, 0.85),
}
"""Values that `surprise` chooses from, by slider."""


async def preview(
    booth: Booth, visit: Visit, person_id: str, values: AttributeValues, *, size: int, sequence: int
) -> bytes:
    """Draw the prediction for slider values, as JPEG; sliders that are not named keep their values.

    A `sequence` above 0 lets a newer preview of the same person replace this one: then WorkerError ('stale') is raised.
    """
    owner, person = find_playable(booth, visit, person_id)
    current = person.slider_values
    task = Preview(background.shown_ref(booth, owner, person), anchor=current, values=current | dict(values), size=size)
    key = person_id if sequence else ""
    return await booth.worker.run(task, priority=Priority.PREVIEW, visit=owner.id, key=key, sequence=sequence)


async def edit(booth: Booth, visit: Visit, person_id: str, values: AttributeValues, *, force: bool = False) -> Person:
    """Edit a person to slider values, as far as the bounds allow; the worker checks and corrects the result.

    The step stores the requested values, and what was reached. `force` lifts the bounds.
    """
    owner, person = find_playable(booth, visit, person_id)
    neutral = person.neutral_values
    requested = {
        slider: value
        for slider, value in (person.slider_values | dict(values)).items()
        if abs(value - neutral.get(slider, 0.0)) > UNCHANGED
    }
    task = Edit(background.person_ref(booth, owner, person, person.step.base), requested, force)
    edited = await booth.worker.run(task, visit=owner.id)
    traits = person.shown_traits | edited.after | _age_after(person, edited) if requested else None
    background.limit_sliders(booth, owner, person, person.step.base, edited.reach)
    changes = {"controls": requested, "coefficients": edited.coefficients, "traits": traits}
    step = person.step.model_copy(update=changes | {"outcome": edited.outcome})
    add_step(booth, visit, person, step, first=[slider for slider in values if slider in requested])
    return person


def _age_after(person: Person, edited: Edited) -> dict[str, float]:
    """Return the age after an edit, as the age of this base and the years that the edit reached.

    The edit reads the age in another picture than the one on the page. Two readings of one face differ by some years.
    """
    age, reached = person.shown_traits.get("age"), edited.outcome.reached.get("age")
    if age is None or reached is None:
        return {}
    return {"age": round(age - person.step.outcome.reached.get("age", 0.0) + reached, 3)}


async def surprise(booth: Booth, visit: Visit, person_id: str) -> Person:
    """Edit two or three random sliders of a person, or mix with a random face when there are no sliders."""
    _, person = find_playable(booth, visit, person_id)
    neutral = {slider.name: slider.me for slider in person.sliders}
    sliders = sorted(SURPRISES.keys() & neutral.keys())
    if not sliders:
        return await mix(booth, visit, person_id, f"seed:{random.randrange(10**6)}", "middle")
    chosen = random.sample(sliders, k=min(random.randint(2, 3), len(sliders)))
    return await edit(
        booth, visit, person_id, neutral | {slider: random.choice(SURPRISES[slider]) for slider in chosen}
    )


async def mix(booth: Booth, visit: Visit, person_id: str, other: str, layers: str) -> Person:
    """Replace some layers of a person with those of `other`: a person's id, 'seed:N' or 'sample:N'."""
    owner, person = find_playable(booth, visit, person_id)
    base, friends = str(person.bases + 1), []
    source: PersonRef | int | None = parse_seed(other)
    if source is None:
        other_owner, friend = find_playable(booth, visit, other, friends=True)
        source = background.shown_ref(booth, other_owner, friend)
        if other_owner is not owner:
            friends = [friend.id]
            person.borrowed.setdefault(other_owner.id, []).append(base)
    person.bases += 1
    task = Mix(background.shown_ref(booth, owner, person), source, layers, base)
    facts = await booth.worker.run(task, visit=owner.id)
    add_base(booth, visit, person, base, facts, friends)
    return person


def set_style(booth: Booth, visit: Visit, person_id: str, style: str) -> Person:
    """Draw a person in a style from now on, '' for none. Raises RequestRefused (404) for an unknown style."""
    _, person = find_playable(booth, visit, person_id)
    if style and style not in booth.styles:
        raise RequestRefused(404, "no_style", "there is no such style", f"choose one of {', '.join(booth.styles)}")
    if style != person.step.style:
        add_step(booth, visit, person, person.step.model_copy(update={"style": style}))
    return person


def parse_seed(name: str) -> int | None:
    """Return the seed in 'seed:N' or 'sample:N', or None for another name."""
    kind, _, number = name.partition(":")
    if kind in ("seed", "sample") and number.isdecimal() and len(number) <= MAX_SEED_DIGITS:
        return int(number)
    return None


# -- history ----------------------------------------------------------------------------------------------------------


def add_base(
    booth: Booth, visit: Visit, person: Person, base: str, facts: PersonFacts, friends: Iterable[str] = ()
) -> None:
    """Add a step that shows a new base, and calibrate its sliders. `friends` are the people whose layers it holds."""
    step = Step(
        base=base,
        traits=facts.traits,
        sliders=list(facts.sliders),
        of=[*person.step.of, *friends],
        style=person.step.style,
    )
    add_step(booth, visit, person, step)
    booth.tasks.spawn(visit.id, background.calibrate_sliders(booth, visit, person, base), person.id)


def add_step(booth: Booth, visit: Visit, person: Person, step: Step, first: Iterable[str] = ()) -> None:
    """Add a step to the history in place of the undone ones. `first` are the sliders that were just used."""
    person.history = [*person.history[: person.at + 1], step][-MAX_STEPS:]
    person.at = len(person.history) - 1
    person.version += 1
    booth.publish(visit)
    background.prerender(booth, visit, person, first)


def move_in_history(booth: Booth, visit: Visit, person_id: str, by: int) -> Person:
    """Undo (-1) or redo (+1) a step. Raises RequestRefused (409) at the end of the history."""
    _, person = find_playable(booth, visit, person_id)
    if not 0 <= person.at + by < len(person.history):
        raise RequestRefused(409, "no_step", "there is no step that way")
    person.at += by
    person.version += 1
    booth.publish(visit)
    background.prerender(booth, visit, person)
    return person


def reset(booth: Booth, visit: Visit, person_id: str) -> Person:
    """Go back to the person as encoded. This is a new step, which can be undone."""
    _, person = find_playable(booth, visit, person_id)
    if person.at > 0:
        add_step(booth, visit, person, person.history[0])
    return person


def keep(booth: Booth, visit: Visit, person_id: str) -> Person:
    """Keep the current step. Raises RequestRefused (409) when there are too many."""
    _, person = find_playable(booth, visit, person_id)
    if len(person.kept) >= MAX_KEPT:
        raise RequestRefused(
            409, "enough_kept", f"at most {MAX_KEPT} pictures can be kept", "continue with one of them"
        )
    person.kept.append(KeptStep(**person.step.model_dump(), id=make_token()[:8]))
    booth.publish(visit)
    return person


def restore(booth: Booth, visit: Visit, person_id: str, kept_id: str) -> Person:
    """Go to a kept step. This is a new step, which can be undone."""
    _, person = find_playable(booth, visit, person_id)
    add_step(booth, visit, person, find_kept_step(person, kept_id))
    return person


def find_kept_step(person: Person, kept_id: str) -> Step:
    """Return a kept step. Raises RequestRefused (404)."""
    for entry in person.kept:
        if entry.id == kept_id:
            return entry.step
    raise RequestRefused(404, "no_picture", "there is no kept picture with this id")


# -- pictures ---------------------------------------------------------------------------------------------------------


async def render(
    booth: Booth, visit: Visit, person_id: str, *, size: int | None, step: Step | None = None, marked: bool = True
) -> bytes:
    """Draw a person at the current step, or at another, as JPEG. `size` None is the generator's own size."""
    owner, person = find_playable(booth, visit, person_id, friends=True)
    step = step or person.step
    edit = repr((sorted(step.coefficients.items()), sorted(step.controls)))
    key = (person.id, str(person.quality.lpips), step.base, edit, step.style, str(size), str(marked))
    if key in booth.pictures:
        return booth.pictures[key]
    picture = await booth.worker.run(
        Render(ref_at(booth, owner, person, step), size, marked),
        priority=Priority.PREVIEW,
        visit=owner.id,
        client=visit.id,
    )
    return booth.cache_picture(key, picture) if owner.id in booth.visits else picture


def ref_at(booth: Booth, owner: Visit, person: Person, step: Step) -> PersonRef:
    """Return the reference to a person at a step of the history."""
    return PersonRef(
        str(booth.store.folder_of(owner.id)), person.id, step.base, step.coefficients, tuple(step.controls), step.style
    )
