"""Casting some people of a finished cast anew; the others stay as they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceloom.errors import PlanError, StoreError
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.cast.run import REPORT, Callback, CastResult, cast
from faceloom.workflows.studio import Studio


def recast(
    studio: Studio,
    plan: Plan,
    folder: Path | str,
    numbers: Sequence[int],
    *,
    formats: Sequence[str] = ("imagefolder",),
    callback: Callback | None = None,
) -> CastResult:
    """Replace people of a finished cast, by their number from 1, by others of the same cells.

    `plan` is the plan of the cast; replacements of earlier calls stay. The result is the cast of the plan with
    `replaced`, to the byte, which is made beside the old one and takes its place when it is complete.
    Raises PlanError for a folder without a finished cast of the plan, and for a number that nobody has.
    """
    folder = Path(folder)
    before = _read_replaced(folder, plan)
    counts = {**before, **{number: before.get(number, 0) + 1 for number in numbers}}
    renewed = replace(plan, replaced=counts)
    beside = folder.with_name(f".{folder.name}-recast")
    result = cast(studio, renewed, beside, formats=formats, callback=callback)
    old = folder.with_name(f".{folder.name}-before")
    try:
        folder.rename(old)
        beside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"cannot replace {folder}: {error.strerror or error}", f"the new cast is in {beside}"
        ) from error
    return CastResult(folder, result.report)


def _read_replaced(folder: Path, plan: Plan) -> dict[int, int]:
    """Return how often people were replaced before. Raises PlanError unless the folder holds this plan's cast."""
    try:
        facts: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        replaced = {int(number): int(count) for number, count in facts["plan"]["replaced"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{folder} holds no finished cast", "cast the plan first") from error
    if replace(plan, replaced=replaced).digest != facts["digest"]:
        raise PlanError(f"{folder} holds the cast of another plan", "give the plan that it was cast from")
    return {**replaced}
