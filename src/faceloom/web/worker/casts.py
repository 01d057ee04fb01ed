"""Handlers of casts: reading of plans, trials, casting in the folder of a visit, replacing, portraits and exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from faceloom.errors import FaceloomError, PlanError
from faceloom.images.photo import open_photo
from faceloom.images.save import encode_picture
from faceloom.marks.origin import Origin
from faceloom.store.models import CastCell, CastPlan
from faceloom.threads import use_threads
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import (
    CastEstimate,
    CastPerson,
    CastProgress,
    DrawCastPerson,
    EstimateCast,
    ExportCast,
    MakeCast,
    ReadCastPlan,
    ReplaceCastPeople,
    TriedCell,
)
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.studio import PREVIEW_QUALITY
from faceloom.workflows.cast.brief import parse_brief
from faceloom.workflows.cast.cells import make_cells
from faceloom.workflows.cast.estimate import estimate
from faceloom.workflows.cast.executors import CAST_THREADS, Report, run_here
from faceloom.workflows.cast.finished import export_cast, find_portrait, iterate_finished, read_report
from faceloom.workflows.cast.job import Job, Shard, ShardMaker, read_people
from faceloom.workflows.cast.labels import LABELED
from faceloom.workflows.cast.plan import make_plan, restore_plan
from faceloom.workflows.cast.recast import finish_exchange, recast
from faceloom.workflows.cast.run import cast, check_generator
from faceloom.workflows.studio import Studio

CAST = "cast"  # folder of the cast inside the folder of its visit
EXPORTS = "exports"  # folder of the archives there


def read_plan(state: WorkerState, task: ReadCastPlan, context: TaskContext) -> CastPlan:
    """Read a plan for the worker's generator. Raises PlanError for one that cannot be cast here."""
    fields = {"generator": state.studio.generator_name, **task.fields}
    if task.brief:
        plan = parse_brief(task.brief, **fields)
    else:
        if task.plan.get("exclude"):
            raise PlanError("a plan of the API has no folders of photos", "use faceloom cast --exclude-near for it")
        plan = make_plan({**{"generator": fields.pop("generator")}, **task.plan, **fields})
    check_generator(state.studio, plan)
    cells = [CastCell(cell=c.name, share=round(c.share, 6), people=c.count) for c in make_cells(plan)]
    return CastPlan(
        plan=plan.to_json(),
        name=plan.name,
        people=plan.people,
        pictures=plan.people * (1 + len(plan.pictures)),
        size=plan.size,
        file_type=plan.file_type,
        cells=cells,
    )


def estimate_cast(state: WorkerState, task: EstimateCast, context: TaskContext) -> CastEstimate:
    """Draw some people of a plan, and estimate the time and the space of all. Raises `Cancelled`."""
    plan = restore_plan(task.plan.plan)
    found = estimate(state.studio, plan, start_seconds=0.0, check=context.check_cancelled)
    return CastEstimate(
        people=found.people,
        pictures=found.pictures,
        trial_people=found.trial,
        seconds=round(found.seconds, 1),
        bytes=found.bytes,
        peak_bytes=found.peak_bytes,
        cells=tuple(TriedCell(**cell) for cell in found.cells),
    )


def make_cast(state: WorkerState, task: MakeCast, context: TaskContext) -> tuple[CastPerson, ...]:
    """Cast the people of a plan, or go on where an interrupted task ended.

    Raises VisitErased, StoreError, and `Cancelled`.
    """
    folder = Path(task.folder) / CAST
    with state.erased.working(task.folder), _without_paths(task.folder):
        finish_exchange(folder)
        if not (folder / "cast.json").exists():
            cast(
                state.studio,
                restore_plan(task.plan.plan),
                folder,
                executor=partial(_make_shards, context),
                callback=partial(_report, context),
            )
        return read_finished(folder)


def replace_people(state: WorkerState, task: ReplaceCastPeople, context: TaskContext) -> tuple[CastPerson, ...]:
    """Replace people of a finished cast, and drop the archives of the cast as it was.

    Raises PlanError for a number that no person has, VisitErased, StoreError, and `Cancelled`.
    """
    folder = Path(task.folder) / CAST
    with state.erased.working(task.folder), _without_paths(task.folder):
        finish_exchange(folder)
        plan = restore_plan(read_report(folder)["plan"])
        executor = partial(run_here, check=context.check_cancelled)
        recast(state.studio, plan, folder, task.numbers, executor=executor, callback=partial(_report, context))
        for archive in (Path(task.folder) / EXPORTS).glob("*"):
            archive.unlink()
        return read_finished(folder)


def draw_person(state: WorkerState, task: DrawCastPerson, context: TaskContext) -> bytes:
    """Draw a person's first picture as JPEG with all marks but a signature. Raises StoreError when there is none."""
    with _without_paths(task.folder):
        picture = open_photo(find_portrait(Path(task.folder) / CAST, task.number)).image
    small = picture.convert("RGB").resize((task.size, task.size), Image.Resampling.LANCZOS)
    origin = Origin(state.studio.generator.hash, state.studio.generator.name)
    return encode_picture(small, "person.jpg", ai_generated=True, origin=origin, quality=PREVIEW_QUALITY, signed=False)


def export(state: WorkerState, task: ExportCast, context: TaskContext) -> str:
    """Write a finished cast as a zip of a format, unless it is there, and return the name of the file.

    Raises PlanError, MissingExtra, VisitErased, StoreError, and `Cancelled`.
    """
    with state.erased.working(task.folder), _without_paths(task.folder):
        archive = Path(task.folder) / EXPORTS / f"{task.format}.zip"
        if not archive.exists():
            archive.parent.mkdir(exist_ok=True)
            for other in archive.parent.iterdir():
                other.unlink()  # one archive at a time, for the space
            export_cast(Path(task.folder) / CAST, task.format, archive, context.check_cancelled)
        return archive.name


def read_finished(folder: Path) -> tuple[CastPerson, ...]:
    """Return the people of a finished cast in their order, also those without any picture."""
    report = read_report(folder)
    problems: defaultdict[int, list[str]] = defaultdict(list)
    for fact in report["problems"]:
        problems[fact["person"]].append(fact["problem"])
    rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in iterate_finished(folder):
        rows[int(entry.row["person"][1:])].append(entry.row)
    people = report["plan"]["people"]
    return tuple(_person(number, rows[number], problems[number]) for number in range(1, people + 1))


def _person(number: int, rows: list[dict[str, Any]], problems: list[str]) -> CastPerson:
    first = rows[0] if rows else {}
    return CastPerson(
        number=number,
        cell=first.get("cell", ""),
        met=bool(first.get("met")),
        problem="; ".join(problems),
        traits={name: first[name] for name in LABELED if name in first},
        pictures=len(rows),
        times_cast=first.get("times_cast", 1),
    )


def _make_shards(context: TaskContext, studio: Studio, job: Job, shards: Sequence[Shard], report: Report) -> None:
    """Make the shards that are missing, one after the other, and report the people of each that is complete."""
    maker = ShardMaker(studio, job, context.check_cancelled)
    with use_threads(CAST_THREADS):
        for number, shard in enumerate(shards, start=1):
            maker.make(shard)
            people = tuple(_person(m.index + 1, list(m.rows), list(m.problems)) for m in read_people(job, shard))
            context.report(CastProgress(people=people))
            report(number / len(shards), "")


def _report(context: TaskContext, progress: float, text: str) -> None:
    context.report(CastProgress(progress))
    context.check_cancelled()


@contextmanager
def _without_paths(folder: str) -> Iterator[None]:
    """Leave the path of a visit's folder out of the messages of errors: programs elsewhere have no use for it."""
    try:
        yield
    except FaceloomError as error:
        error.message = error.message.replace(f"{folder}/{CAST}", "the cast").replace(folder, "the cast")
        raise
