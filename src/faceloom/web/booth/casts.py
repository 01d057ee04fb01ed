"""Casts of the booth: each is a visit of its own, of the kind 'cast', whose people are generated.

A cast expires and is erased as a visit is, and with the visit that began it. Its folder holds everything about it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from faceloom.errors import FaceloomError
from faceloom.store import Visit
from faceloom.store.models import CastPlan, Failure
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.build_views import iso_time
from faceloom.web.booth.job_views import CastCellView, CastIdView, CastOptionsView, CastPersonView, CastState, CastView
from faceloom.web.booth.jobs import Job
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import (
    CastEstimate,
    CastFormat,
    CastPerson,
    CastProgress,
    DrawCastPerson,
    EstimateCast,
    ExportCast,
    MakeCast,
    Priority,
    ReadCastPlan,
    ReplaceCastPeople,
    Task,
    WorkerError,
)

MAX_CASTS = 20  # casts that are stored at once
MAX_RUNNING = 4  # casts that wait or run at once
MAX_PICTURES = 5  # pictures of each person, the first one included
MAX_REPLACED = 12  # people who are replaced at once
MAX_LOSSES = 2  # times that the worker may be lost
BYTES_A_PIXEL = 8  # of the disk that a picture takes at most: as PNG, in an archive, and in one that is written
BYTES_A_PICTURE = 60_000  # of the disk beyond its pixels: rows, latents, marks and signatures
PARQUET_LIBRARY = "pyarrow"

log = logging.getLogger("faceloom.booth")


@dataclass
class Cast:
    """A cast: its visit, its latest job, and the people who are cast already, by number."""

    visit: Visit
    plan: CastPlan
    job: Job
    people: dict[int, CastPerson] = field(default_factory=dict)
    is_finished: bool = False

    @property
    def id(self) -> str:
        """The id of the cast, which is that of its visit."""
        return self.visit.id


class Casts:
    """All casts of a booth, by id."""

    def __init__(self) -> None:
        self.casts: dict[str, Cast] = {}

    def current(self, booth: Booth) -> list[Cast]:
        """Return the casts that were not erased."""
        self.casts = {name: cast for name, cast in self.casts.items() if name in booth.visits}
        return list(self.casts.values())

    def find(self, booth: Booth, cast_id: str) -> Cast:
        """Return a cast, and postpone its expiry. Raises RequestRefused (404)."""
        try:
            visit, cast = booth.find_visit(cast_id, "cast"), self.casts[cast_id]
        except (RequestRefused, KeyError) as error:
            raise RequestRefused(404, "no_cast", "there is no such cast, or it has expired", "cast again") from error
        booth.touch(visit)
        return cast

    def find_finished(self, booth: Booth, cast_id: str) -> Cast:
        """Return a finished cast that no job changes. Raises RequestRefused (404, 409)."""
        cast = self.find(booth, cast_id)
        if not cast.is_finished or cast.job.state == "running":
            raise RequestRefused(409, "not_yet", "this cast is not finished", "wait until its job is done")
        return cast

    def resume(self, booth: Booth) -> None:
        """Go on with every cast after a start of the server; the finished ones are read."""
        for visit in list(booth.visits.values()):
            if visit.kind == "cast" and visit.cast:
                self._start(booth, visit, visit.cast)

    def begin(self, booth: Booth, plan: CastPlan, owner: str) -> Cast:
        """Begin to cast a plan for the visit `owner`, or ''. Raises RequestRefused (422, 429)."""
        check_limits(booth, plan)
        casts = self.current(booth)
        if len(casts) >= MAX_CASTS or sum(cast.job.state == "running" for cast in casts) >= MAX_RUNNING:
            raise RequestRefused(429, "full", "too many casts at once", "erase one, or try again later", retry_after=30)
        space = booth.settings.cast_space * 1_000_000
        if sum(bytes_of(cast.plan) for cast in casts) + bytes_of(plan) > space:
            hint = "erase a cast, ask for fewer or smaller pictures, or wait until a cast expires"
            raise RequestRefused(
                429, "cast_space", "the casts on this server take too much space", hint, retry_after=60
            )
        visit = booth.begin_visit("cast", "encoding")
        visit.cast, visit.owner = plan, owner
        booth.publish(visit)
        return self._start(booth, visit, plan)

    def _start(self, booth: Booth, visit: Visit, plan: CastPlan) -> Cast:
        cast = self.casts[visit.id] = Cast(visit, plan, booth.add_job(visit, "cast"))
        task = MakeCast(folder_of(booth, cast), plan)
        booth.tasks.spawn(visit.id, _run(booth, cast, cast.job, task), cast.job.id)
        return cast

    def replace(self, booth: Booth, cast_id: str, numbers: Sequence[int]) -> Cast:
        """Begin to replace people of a finished cast. Raises RequestRefused (404, 409, 422)."""
        cast = self.find_finished(booth, cast_id)
        if len(numbers) > MAX_REPLACED:
            raise RequestRefused(422, "cast_limit", f"at most {MAX_REPLACED} people are replaced at once", "name fewer")
        if missing := [number for number in numbers if not 1 <= number <= cast.plan.people]:
            hint = f"people have the numbers 1 to {cast.plan.people}"
            raise RequestRefused(422, "no_person", f"there is no person {missing[0]} in this cast", hint)
        cast.job = booth.add_job(cast.visit, "cast")
        task = ReplaceCastPeople(folder_of(booth, cast), tuple(sorted(set(numbers))))
        booth.tasks.spawn(cast.id, _run(booth, cast, cast.job, task), cast.job.id)
        return cast

    async def draw(self, booth: Booth, cast_id: str, number: int, size: int) -> bytes:
        """Draw a person of a cast as JPEG. Raises RequestRefused (404)."""
        cast = self.find(booth, cast_id)
        person = cast.people.get(number)
        if person is None or not person.pictures:
            raise RequestRefused(404, "no_picture", "there is no picture of this person", "wait a moment")
        task = DrawCastPerson(folder_of(booth, cast), number, min(size, cast.plan.size))
        return await booth.worker.run(task, visit=cast.id)

    async def export(self, booth: Booth, cast_id: str, format: CastFormat) -> Path:
        """Return the path of an archive of a finished cast. Raises RequestRefused (404, 409) and PlanError."""
        cast = self.find_finished(booth, cast_id)
        task = ExportCast(folder_of(booth, cast), format)
        name = await booth.worker.run(task, priority=Priority.FILM, visit=cast.id)
        return Path(task.folder) / "exports" / name


async def read_plan(booth: Booth, brief: str, plan: Mapping[str, Any], fields: Mapping[str, Any]) -> CastPlan:
    """Read a brief or a plan. Raises RequestRefused (403, 422) where casts are closed or limited, and WorkerError."""
    if not booth.settings.cast_people:
        raise RequestRefused(403, "casts_closed", "casts are closed on this server", "its operator can open them")
    size = min(512, booth.settings.cast_size)
    defaults = {} if "size" in plan else {"size": size}
    found = await booth.worker.run(ReadCastPlan(brief, plan, {**defaults, **fields}))
    check_limits(booth, found)
    return found


async def estimate(booth: Booth, plan: CastPlan) -> CastEstimate:
    """Draw some people of a plan, and estimate the time and the space of all."""
    return await booth.worker.run(EstimateCast(plan), priority=Priority.FILM)


def check_limits(booth: Booth, plan: CastPlan) -> None:
    """Raise RequestRefused (422) for a plan beyond the limits of the settings."""
    settings = booth.settings
    pictures = plan.pictures // plan.people
    for name, value, limit in (
        ("people", plan.people, settings.cast_people),
        ("pixels a side", plan.size, settings.cast_size),
        ("pictures of each person", pictures, MAX_PICTURES),
    ):
        if value > limit:
            hint = f"ask for at most {limit}; faceloom cast on the command line makes larger ones"
            raise RequestRefused(422, "cast_limit", f"{value:,} {name} are too many for a cast here", hint)


def bytes_of(plan: CastPlan) -> int:
    """Return the bytes that a cast takes at most on the disk, with its archives."""
    return plan.pictures * (BYTES_A_PIXEL * plan.size**2 + BYTES_A_PICTURE)


def folder_of(booth: Booth, cast: Cast) -> str:
    """Return the folder of the cast's visit."""
    return str(booth.store.folder_of(cast.id))


def options_view(booth: Booth) -> CastOptionsView:
    """Return the limits and choices of casts on this server."""
    has_parquet = importlib.util.find_spec(PARQUET_LIBRARY) is not None
    formats = [name for name in get_args(CastFormat) if has_parquet or name != "parquet"]
    return CastOptionsView(people=booth.settings.cast_people, size=booth.settings.cast_size, formats=formats)


def cast_view(booth: Booth, cast: Cast) -> CastView:
    """Return the view of a cast."""
    people = [cast.people[number] for number in sorted(cast.people)]
    drawn = Counter(person.cell for person in people if person.pictures)
    met = Counter(person.cell for person in people if person.met)
    return CastView(
        id=cast.id,
        name=cast.plan.name,
        people=cast.plan.people,
        pictures=cast.plan.pictures,
        size=cast.plan.size,
        state=state_of(cast),
        job=cast.job.view(),
        cells=[
            CastCellView(cell=c.cell, share=c.share, people=c.people, drawn=drawn[c.cell], met=met[c.cell])
            for c in cast.plan.cells
        ],
        cast=[_person_view(booth, cast, person) for person in people],
        problems=sum(bool(person.problem) for person in people),
        plan=cast.plan.plan,
        expires=iso_time(cast.visit.expires),
    )


def state_of(cast: Cast) -> CastState:
    """Return the state of a cast. One whose replacement failed is done: it is as it was before."""
    if cast.job.state == "running":
        return "replacing" if cast.is_finished else "casting"
    return "done" if cast.is_finished else "failed"


def _person_view(booth: Booth, cast: Cast, person: CastPerson) -> CastPersonView:
    image = f"{booth.api}/casts/{cast.id}/people/{person.number}/image?v={person.times_cast}"
    return CastPersonView(
        number=person.number,
        cell=person.cell,
        met=person.met,
        problem=person.problem,
        traits=dict(person.traits),
        pictures=person.pictures,
        image=image if person.pictures else None,
    )


async def _run(booth: Booth, cast: Cast, job: Job, task: Task[tuple[CastPerson, ...]]) -> None:
    """Run a job of a cast to its end, also when more urgent work interrupts it, or when the worker is lost."""

    def report(progress: CastProgress) -> None:
        cast.people |= {person.number: person for person in progress.people}
        if progress.progress is not None:
            job.progress = round(progress.progress, 3)
        if cast.id in booth.visits:
            booth.touch(cast.visit)
            booth.publish_job(job)

    try:
        people = await _run_again_when_interrupted(booth, cast, task, report)
        cast.people, cast.is_finished = {person.number: person for person in people}, True
        cast.visit.state = "play"
        booth.publish_later(cast.visit)
        booth.statistics.add("casts")
        job.finish(CastIdView(cast=cast.id))
    except asyncio.CancelledError:
        job.fail(Failure(code="stopped", message="the task was canceled"))
        raise
    except FaceloomError as error:
        log.warning("a cast failed: %s", error.message)
        job.fail(Failure.from_error(error))
    booth.publish_job(job)


async def _run_again_when_interrupted(
    booth: Booth, cast: Cast, task: Task[tuple[CastPerson, ...]], report: Callable[[CastProgress], None]
) -> tuple[CastPerson, ...]:
    losses, priority = 0, Priority.CAST if isinstance(task, MakeCast) else Priority.FILM  # a short one is not resumable
    while True:
        try:
            return await booth.worker.run(task, priority=priority, visit=cast.id, progress=report)
        except WorkerError as error:
            losses += error.code == "worker_lost"
            if cast.id not in booth.visits or error.code not in ("stopped", "worker_lost") or losses > MAX_LOSSES:
                raise
