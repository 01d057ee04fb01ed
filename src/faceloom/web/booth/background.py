"""Background work for a person: encoding, then calibration of the sliders, then improvement in slices.

Every result is saved, so that a server that is started again continues from there.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable

from faceloom.errors import FaceloomError
from faceloom.invert.quality import rate_identity
from faceloom.store import Person, Visit
from faceloom.store.models import Failure
from faceloom.web.booth.booth import Booth, ProgressFrame
from faceloom.web.booth.state_machine import Event, next_state
from faceloom.web.booth.views import ProgressView, QueueView
from faceloom.web.sliders import clamp_sliders
from faceloom.web.worker.messages import (
    CalibrateSlider,
    Encode,
    EncodeProgress,
    Improve,
    PersonFacts,
    PersonRef,
    Prerender,
    Priority,
    Reach,
    WorkerError,
)

IMPROVE_SLICE = 25.0  # seconds of improvement after which the page is updated
MIN_IMPROVEMENT = 3.0  # seconds: a shorter remainder is dropped
PRERENDERED_SLIDERS = ("age", "smile", "glasses", "yaw")  # sliders whose positions are drawn in advance
MAX_ATTEMPTS = 2  # attempts to encode a person when the worker is lost

log = logging.getLogger("faceloom.booth")


def person_ref(booth: Booth, visit: Visit, person: Person, base: str = "") -> PersonRef:
    """Return the reference to a base of a person, without coefficients."""
    return PersonRef(str(booth.store.folder_of(visit.id)), person.id, base)


def shown_ref(booth: Booth, visit: Visit, person: Person) -> PersonRef:
    """Return the reference to a person as they are shown now."""
    step = person.step
    return PersonRef(
        str(booth.store.folder_of(visit.id)), person.id, step.base, step.coefficients, tuple(step.controls), step.style
    )


def resume(booth: Booth) -> None:
    """Continue the background work of every visit after a start of the server."""
    for visit in list(booth.visits.values()):
        for person in visit.people:
            if not person.error and (not person.playable or person.better):
                start(booth, visit, person)


def start(booth: Booth, visit: Visit, person: Person) -> None:
    """Start or continue the background work of a person."""
    booth.tasks.spawn(visit.id, _run(booth, visit, person), person.id)


async def _run(booth: Booth, visit: Visit, person: Person) -> None:
    if not person.playable and not await _encode(booth, visit, person):
        return
    await calibrate_sliders(booth, visit, person, "")
    prerender(booth, visit, person)
    await _improve(booth, visit, person)


# -- encoding ---------------------------------------------------------------------------------------------------------


async def _encode(booth: Booth, visit: Visit, person: Person) -> bool:
    """Encode a person, and return whether this succeeded."""
    began = time.monotonic()
    try:
        facts = await _encode_with_retry(booth, visit, person)
    except FaceloomError as error:
        person.error = Failure.from_error(error)
        booth.statistics.add("failed_encodings")
        log.warning("an encoding failed: %s", error.message)
        _leave_encoding(visit)
        booth.publish_later(visit)
        publish_queue(booth)
        return False
    booth.statistics.add("encodings")
    booth.statistics.add("encoding_seconds", time.monotonic() - began)
    person.quality, person.traits, person.sliders = facts.quality, facts.traits, list(facts.sliders)
    person.playable = person.crop = True
    person.better = booth.settings.improve_seconds > 0
    person.version += 1
    booth.progress_frames.pop(person.id, None)
    _leave_encoding(visit)
    booth.publish_later(visit)
    _publish_progress(booth, visit, person, EncodeProgress(identity=person.quality.identity))
    publish_queue(booth)
    return True


async def _encode_with_retry(booth: Booth, visit: Visit, person: Person) -> PersonFacts:
    """Encode a person, again when the worker is lost. Raises FaceloomError."""
    task = Encode(
        folder=str(booth.store.folder_of(visit.id)),
        photo=person.photo or "",
        face=person.face or 0,
        person=person.id,
        seconds=booth.settings.encode_seconds,
    )
    for _ in range(MAX_ATTEMPTS):
        try:
            result = booth.worker.run(
                task,
                priority=Priority.ENCODE,
                visit=visit.id,
                progress=lambda report: _receive_progress(booth, visit, person, report),
            )
            publish_queue(booth)
            return await result
        except WorkerError as error:
            if error.code != "worker_lost":
                raise
    raise FaceloomError("the encoding was interrupted", "take another picture")


def _receive_progress(booth: Booth, visit: Visit, person: Person, report: EncodeProgress) -> None:
    """Send the progress of an encoding to the pages."""
    if visit.id not in booth.visits or person not in visit.people:
        return
    if report.crop:
        person.crop = True
        booth.publish_later(visit)
        publish_queue(booth)
        return
    frame = booth.progress_frames.get(person.id)
    number = frame.number + 1 if frame else 1
    booth.progress_frames[person.id] = ProgressFrame(number, report.jpeg)
    _publish_progress(booth, visit, person, report, number)


def _publish_progress(booth: Booth, visit: Visit, person: Person, report: EncodeProgress, frame: int = 0) -> None:
    """Send progress; `frame` is the number of the picture of the running encoding, or 0 for the result."""
    version = f"{person.version}.{frame}" if frame else str(person.version)
    view = ProgressView(
        person=person.id,
        seconds=round(report.seconds, 1),
        seconds_left=round(report.seconds_left, 1),
        quality=None if report.identity is None else round(max(report.identity, 0.0), 3),
        word=None if report.identity is None else rate_identity(report.identity),
        image=f"{booth.api}/people/{person.id}/image?v={version}",
        playable=person.playable,
    )
    booth.events.send(visit.id, "progress", view)


def _leave_encoding(visit: Visit) -> None:
    """Leave the state `encoding` once every person is encoded or failed."""
    if visit.state == "encoding" and all(person.playable or person.error for person in visit.people):
        state = next_state(visit, Event.ENCODED)
        if state != "wiped":
            visit.state = state


def publish_queue(booth: Booth) -> None:
    """Send its place in the queue of encodings to every visit that waits, where the place has changed."""
    waiting = [
        visit
        for visit in booth.visits.values()
        if visit.state == "encoding" and any(not person.playable and not person.crop for person in visit.people)
    ]
    running = any(
        person.crop and not person.playable and not person.error
        for visit in booth.visits.values()
        for person in visit.people
    )
    for place, visit in enumerate(waiting):
        if visit.place != place:
            visit.place = place
            booth.events.send(visit.id, "queue", QueueView(place=place + int(running)))


# -- after encoding ---------------------------------------------------------------------------------------------------


async def calibrate_sliders(booth: Booth, visit: Visit, person: Person, base: str) -> None:
    """Measure how a base of a person responds to the sliders, one knot at a time."""
    task = CalibrateSlider(person_ref(booth, visit, person, base))
    while person.sliders and person in visit.people:
        try:
            calibrated = await booth.worker.run(task, priority=Priority.CALIBRATE, visit=visit.id)
            limit_sliders(booth, visit, person, base, calibrated.reach)
            if not calibrated.was_missing:
                return
        except WorkerError as error:
            if error.code not in ("stopped", "worker_lost"):
                return


def limit_sliders(booth: Booth, visit: Visit, person: Person, base: str, reach: Reach) -> None:
    """Move the ends of a base's sliders to what this person can reach, and tell the pages about a change."""
    if base:
        history = [
            step.model_copy(update={"sliders": clamp_sliders(step.sliders, reach)})
            if step.base == base and step.sliders
            else step
            for step in person.history
        ]
        changed, person.history = history != person.history, history
    else:
        sliders = clamp_sliders(person.sliders, reach)
        changed, person.sliders = sliders != person.sliders, sliders
    if changed:
        booth.publish_later(visit)


def prerender(booth: Booth, visit: Visit, person: Person, first: Iterable[str] = (), *, refresh: bool = False) -> None:
    """Draw the positions of sliders in advance: those in `first`, which were just used, before the others."""
    present = {slider.name for slider in person.sliders}
    sliders = tuple(name for name in dict.fromkeys((*first, *PRERENDERED_SLIDERS)) if name in present)
    name = f"{person.id} prerender"
    booth.tasks.cancel(visit.id, name)
    if sliders and visit.kind == "booth":
        task = Prerender(shown_ref(booth, visit, person), person.slider_values, sliders, refresh)
        booth.tasks.spawn(visit.id, _prerender(booth, visit, task), name)


async def _prerender(booth: Booth, visit: Visit, task: Prerender) -> None:
    with contextlib.suppress(WorkerError):  # canceled for more urgent work: missing positions are drawn on request
        await booth.worker.run(task, priority=Priority.PRERENDER, visit=visit.id)


async def _improve(booth: Booth, visit: Visit, person: Person) -> None:
    """Improve a likeness in slices until the time of the settings is used."""
    while person.improved < booth.settings.improve_seconds - MIN_IMPROVEMENT and person in visit.people:
        task = Improve(
            folder=str(booth.store.folder_of(visit.id)),
            photo=person.photo or "",
            person=person.id,
            seconds=min(IMPROVE_SLICE, booth.settings.improve_seconds - person.improved),
        )
        try:
            improved = await booth.worker.run(task, priority=Priority.IMPROVE, visit=visit.id)
        except WorkerError as error:
            if error.code == "worker_lost":
                continue
            break
        person.improved += improved.seconds
        if improved.quality != person.quality:
            person.quality = improved.quality
            person.version += 1
        booth.publish_later(visit)
    person.better = False
    booth.publish_later(visit)
    if person in visit.people:
        prerender(booth, visit, person, refresh=True)
