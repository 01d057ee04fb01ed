"""Carrying out of a plan: shards, checks that people differ, the formats, and the report."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import filelock
import torch

from faceloom._version import __version__
from faceloom.errors import PlanError, StoreError
from faceloom.files import atomic_write
from faceloom.images.save import encode_picture
from faceloom.marks.origin import Origin
from faceloom.workflows.cast.card import make_sheet, tally, write_card
from faceloom.workflows.cast.cells import Assignment, make_cells
from faceloom.workflows.cast.distinct import alike_limit, find_alike
from faceloom.workflows.cast.exclude import read_excluded
from faceloom.workflows.cast.executors import Executor, run_here
from faceloom.workflows.cast.formats import FORMATS
from faceloom.workflows.cast.formats.entries import Entry
from faceloom.workflows.cast.job import LATENTS, WORK, Job, Made, Shard, read_latents, read_people
from faceloom.workflows.cast.license import license_of
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.studio import Studio

REPORT = "cast.json"
JOB = "job.json"
LATENT_FOLDER = "latents"
SHEET = "sheet.png"
MAX_PROBLEMS = 1000  # of the report
MAX_ROUNDS = 5  # in which people who resemble others are replaced

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and a short text that says what is being done."""


@dataclass(frozen=True)
class CastResult:
    """A finished cast: its folder, and the report that was written there."""

    folder: Path
    report: Mapping[str, Any]

    @property
    def problems(self) -> Sequence[Mapping[str, Any]]:
        """The people who did not turn out as planned, with the reasons."""
        return list(self.report["problems"])


def cast(
    studio: Studio,
    plan: Plan,
    folder: Path | str,
    *,
    formats: Sequence[str] = ("imagefolder",),
    executor: Executor = run_here,
    callback: Callback | None = None,
) -> CastResult:
    """Cast the people of a plan, and write their pictures and labels into a folder.

    The run can be interrupted at any time and continued by the same call. Everything has its final name only when it
    is complete; the report `cast.json` comes last. The same plan gives the same bytes on the same kind of processor.
    Raises PlanError for a plan of another generator and a folder of another plan, StoreError when the disk refuses.
    """
    folder, report = Path(folder), callback or (lambda progress, text: None)
    check_generator(studio, plan)
    check_formats(formats)
    make_cells(plan)
    done = open_finished(folder, plan, formats)
    if done is not None:
        return done
    with _lock(folder):
        job = _open_job(studio, plan, folder, formats)
        repaired = _make_people(studio, job, executor, report)
        report(0.97, "writing")
        return _finish(studio, job, repaired, formats)


def check_generator(studio: Studio, plan: Plan) -> None:
    """Raise PlanError when a plan is for another generator than the studio's."""
    if plan.generator != studio.generator_name:
        raise PlanError(
            f"the plan is for the generator {plan.generator}, the studio has {studio.generator_name}",
            f"use --generator {plan.generator}, or change the plan",
        )


def check_formats(formats: Sequence[str]) -> None:
    """Raise PlanError for an unknown format, and MissingExtra for one whose library is not installed."""
    for name in formats:
        if name not in FORMATS:
            raise PlanError(f"there is no format '{name}'", f"there are {', '.join(FORMATS)}")
        FORMATS[name].check()


def open_finished(folder: Path, plan: Plan, formats: Sequence[str]) -> CastResult | None:
    """Return the cast in a folder, or None when there is none. Raises PlanError when it is of another plan."""
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        same = facts["digest"] == plan.digest and facts["formats"] == list(formats)
        same = same and plan.date in ("", facts["date"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged", "choose another folder with -o") from error
    if not same:
        raise PlanError(f"{folder} holds the cast of another plan", "choose another folder with -o")
    return CastResult(folder, facts)


def _lock(folder: Path) -> Any:
    """Return a lock on a folder. Raises StoreError when another cast is being written there."""
    work = folder / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(work / "lock", timeout=0)
        lock.acquire()
    except OSError as error:
        if isinstance(error, filelock.Timeout):
            raise StoreError(f"another process is casting into {folder}", "wait until it ends") from error
        raise StoreError(f"cannot write {folder}: {error.strerror or error}", "choose another place with -o") from error
    return lock


def _open_job(studio: Studio, plan: Plan, folder: Path, formats: Sequence[str]) -> Job:
    """Open the job in a folder, or begin it. Raises PlanError when it is of another plan."""
    facts: dict[str, Any] = {"digest": plan.digest, "generator": studio.generator.hash, "precision": studio.precision}
    path = folder / WORK / JOB
    if path.exists():
        begun = json.loads(path.read_text(encoding="utf-8"))
        day = date.fromisoformat(begun.pop("date"))
        if begun != facts or plan.date not in ("", day.isoformat()):
            raise PlanError(
                f"{folder} holds an unfinished cast of another plan or generator", f"delete {folder / WORK} to begin"
            )
    else:
        others = sorted(item.name for item in folder.iterdir() if item.name != WORK)
        if others:
            raise PlanError(f"{folder} is not empty: it holds {others[0][:60]}", "choose an empty folder with -o")
        day = date.fromisoformat(plan.date) if plan.date else datetime.now(UTC).date()
        with atomic_write(path) as draft:
            draft.write_text(json.dumps({**facts, "date": day.isoformat()}), encoding="utf-8")
    for unfinished in (folder / WORK / "shards").glob(".draft-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    return Job(plan, folder, read_excluded(studio, plan.exclude), day)


def _make_people(studio: Studio, job: Job, executor: Executor, report: Callback) -> dict[int, Shard]:
    """Make all shards, and replace people who resemble others; return the shard of each of them, by index."""
    shards = list(job.shards())
    executor(studio, job, shards, lambda part, text: report(0.9 * part, text))
    repaired: dict[int, Shard] = {}
    for number in range(1, MAX_ROUNDS + 1):
        alike = find_alike(_identities(job, repaired), alike_limit(job.plan.people))
        if not alike:
            break
        people = [(index, job.plan.replaced.get(index + 1, 0) + 1000 * number) for index in alike]
        again = list(job.divide(f"again{number}-", people))
        executor(studio, job, again, lambda part, text: report(0.9 + 0.05 * part, "replacing doubles"))
        repaired |= {index: shard for shard in again for index, _ in shard.people}
    return repaired


def _identities(job: Job, repaired: Mapping[int, Shard]) -> torch.Tensor:
    """Return the identities of all people, `[people, 128]`."""
    parts = [read_latents(job.folder_of(shard))[1] for shard in job.shards()]
    identities = torch.cat(parts)
    for shard in {shard.name: shard for shard in repaired.values()}.values():
        _, renewed = read_latents(job.folder_of(shard))
        for place, (index, _) in enumerate(shard.people):
            if repaired[index] is shard:
                identities[index] = renewed[place]
    return identities


def iterate_people(job: Job, repaired: Mapping[int, Shard]) -> Iterator[Made]:
    """Yield the people of a job in their order, with those who replace others in their place."""
    for shard in job.shards():
        for made in read_people(job, shard):
            other = repaired.get(made.index)
            yield made if other is None else next(m for m in read_people(job, other) if m.index == made.index)


def iterate_entries(job: Job, people: Iterable[Made]) -> Iterator[Entry]:
    """Yield the pictures of people, with the file and the number of each latent in their rows."""
    for made in people:
        folder = job.folder_of(made.shard)
        for row in made.rows:
            picture = folder / row["file_name"]
            mask = folder / f"{picture.name.partition('.')[0]}.mask.png"
            latent = {"latent_file": f"{LATENT_FOLDER}/{made.shard.name}.npz", "latent_index": made.place}
            yield Entry({**row, **latent}, picture, mask if mask.exists() else None)


def _finish(studio: Studio, job: Job, repaired: Mapping[int, Shard], formats: Sequence[str]) -> CastResult:
    """Write the formats, the latents and the report, and remove the unfinished work."""
    staging = job.work / "final"
    shutil.rmtree(staging, ignore_errors=True)
    card = make_report(studio, job, repaired, formats)
    staging.mkdir(parents=True)
    for name in formats:
        FORMATS[name].write(iterate_entries(job, iterate_people(job, repaired)), staging, card)
    shards = {shard.name: shard for shard in (*job.shards(), *repaired.values())}
    counts = tally(iterate_entries(job, iterate_people(job, repaired)))
    write_card(counts, card, staging)
    if counts.thumbnails:
        origin = Origin(studio.generator.hash, studio.generator.name, day=job.day)
        content = encode_picture(
            make_sheet(counts), SHEET, ai_generated=True, origin=origin, signed=job.plan.credentials
        )
        (staging / SHEET).write_bytes(content)
    (staging / LATENT_FOLDER).mkdir()
    for shard in shards.values():
        shutil.copyfile(job.folder_of(shard) / LATENTS, staging / LATENT_FOLDER / f"{shard.name}.npz")
    _publish(staging, job.folder)
    with atomic_write(job.folder / REPORT) as draft:
        draft.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(job.work, ignore_errors=True)
    return CastResult(job.folder, card)


def _publish(staging: Path, folder: Path) -> None:
    """Move everything in `staging` to its final place, replacing what an interrupted run left there."""
    try:
        for item in sorted(staging.iterdir()):
            target = folder / item.name
            if target.is_dir():
                shutil.rmtree(target)
            item.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror or error}", "run the command again") from error


def make_report(studio: Studio, job: Job, repaired: Mapping[int, Shard], formats: Sequence[str]) -> dict[str, Any]:
    """Return the report of a cast: the plan, the cells as asked and as drawn, and every problem."""
    assignment: Assignment = job.assignment
    met: Counter[int] = Counter()
    drawn: Counter[int] = Counter()
    pictures, problems = 0, []
    for made in iterate_people(job, repaired):
        cell = int(assignment.cell_of[made.index])
        pictures += len(made.rows)
        drawn[cell] += bool(made.rows)
        met[cell] += bool(made.rows and made.rows[0]["met"])
        problems += [{"person": made.index + 1, "problem": text} for text in made.problems]
    cells = [
        {**cell.facts(), "drawn": drawn[number], "met": met[number]} for number, cell in enumerate(assignment.cells)
    ]
    return {
        "digest": job.plan.digest,
        "plan": job.plan.to_json(),
        "faceloom": __version__,
        "generator": {"name": studio.generator.name, "sha256": studio.generator.hash},
        "licence": license_of(studio.generator_name),
        "precision": studio.precision,
        "date": job.day.isoformat(),
        "formats": list(formats),
        "pictures": pictures,
        "cast_anew": sorted(index + 1 for index in repaired),
        "cells": cells,
        "problems": problems[:MAX_PROBLEMS],
        "problem_count": len(problems),
    }
