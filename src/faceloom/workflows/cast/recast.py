"""Replacing of some people of a finished cast; the others stay as they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

from faceloom.errors import PlanError, StoreError
from faceloom.workflows.cast.executors import Executor, run_here
from faceloom.workflows.cast.finished import read_report
from faceloom.workflows.cast.formats.entries import place
from faceloom.workflows.cast.formats.imagefolder import TABLE
from faceloom.workflows.cast.job import LATENTS, ROWS, Job, Shard, whole_folder
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.cast.run import LATENT_FOLDER, REPORT, Callback, CastResult, cast
from faceloom.workflows.studio import Studio

ADDED = ("latent_file", "latent_index", "mask_file_name")
"""Columns that the image folder adds to the rows of a shard."""


def recast(
    studio: Studio,
    plan: Plan,
    folder: Path | str,
    numbers: Sequence[int],
    *,
    formats: Sequence[str] = ("imagefolder",),
    executor: Executor = run_here,
    callback: Callback | None = None,
) -> CastResult:
    """Replace people of a finished cast, by their number from 1, by others of the same cells.

    `plan` is the plan of the cast; replacements of earlier calls stay. The result is the cast of the plan with
    `replaced`, to the byte. It is made beside the old one, of whose image folder it takes what stays, and takes its
    place when it is complete.
    Raises PlanError for a folder without a finished cast of the plan, and for a number that no person has.
    """
    folder = Path(folder)
    report = read_report(folder)
    before = {int(number): int(count) for number, count in report["plan"]["replaced"].items()}
    if replace(plan, replaced=before).digest != report["digest"]:
        raise PlanError(f"{folder} holds the cast of another plan", "give the plan that it was cast from")
    counts = {**before, **{number: before.get(number, 0) + 1 for number in numbers}}
    renewed = replace(plan, replaced=counts, date=report["date"])
    beside = _beside(folder)
    shutil.rmtree(beside, ignore_errors=True)
    try:
        job = Job(renewed, beside, torch.zeros(0, 128), date.fromisoformat(report["date"]))
        _take_over(report, folder, job, numbers)
        result = cast(studio, renewed, beside, formats=formats, executor=executor, callback=callback)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _exchange(beside, folder)
    return CastResult(folder, result.report)


def _take_over(report: dict[str, Any], folder: Path, job: Job, numbers: Sequence[int]) -> None:
    """Make the shards of a finished image folder again, without drawing, in which no person is replaced."""
    if "imagefolder" not in report["formats"] or report["problem_count"]:
        return
    rows: dict[int, list[dict[str, Any]]] = {}
    for table in sorted(folder.glob(f"*/{TABLE}")):
        for line in table.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows.setdefault(int(row["person"][1:]) - 1, []).append(row | {"root": str(table.parent)})
    renewed = {number - 1 for number in (*numbers, *report["cast_anew"])}
    for shard in job.shards():
        if not renewed & {index for index, _ in shard.people}:
            with whole_folder(job.folder_of(shard)) as draft:
                _fill(draft, shard, rows, folder)


def _fill(draft: Path, shard: Shard, rows: dict[int, list[dict[str, Any]]], folder: Path) -> None:
    with (draft / ROWS).open("w", encoding="utf-8") as table:
        for index, _ in shard.people:
            own = []
            for row in rows[index]:
                root, picture = Path(row.pop("root")), Path(row["file_name"])
                place(root / picture, draft / picture.name)
                if mask := row.get("mask_file_name"):
                    place(root / mask, draft / f"{picture.name.partition('.')[0]}.mask.png")
                own.append({**{k: v for k, v in row.items() if k not in ADDED}, "file_name": picture.name})
            facts = {"index": index, "rows": own, "problems": []}
            table.write(json.dumps(facts, ensure_ascii=False) + "\n")
    place(folder / LATENT_FOLDER / f"{shard.name}.npz", draft / LATENTS)


def finish_exchange(folder: Path) -> None:
    """Put a new cast in its place if the process ended between the two steps of that."""
    if not folder.exists() and (_beside(folder) / REPORT).is_file():
        _beside(folder).rename(folder)


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}-recast")


def _exchange(beside: Path, folder: Path) -> None:
    """Put the new cast in the place of the old one, which is removed."""
    old = folder.with_name(f".{folder.name}-before")
    try:
        folder.rename(old)
        beside.rename(folder)
    except OSError as error:
        raise StoreError(
            f"cannot replace {folder}: {error.strerror or error}", f"the new one is in {beside}"
        ) from error
    shutil.rmtree(old, ignore_errors=True)
