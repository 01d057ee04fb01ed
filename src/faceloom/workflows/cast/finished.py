"""Finished casts: their pictures read back from the image folder, portraits, and exports in another format."""

from __future__ import annotations

import heapq
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceloom.errors import PlanError, StoreError
from faceloom.files import atomic_write
from faceloom.workflows.cast.draw import Check, never_interrupt
from faceloom.workflows.cast.formats import FORMATS
from faceloom.workflows.cast.formats.entries import PEOPLE_A_FOLDER, Entry, place
from faceloom.workflows.cast.formats.imagefolder import TABLE
from faceloom.workflows.cast.job import WORK
from faceloom.workflows.cast.run import LATENT_FOLDER, REPORT, SHEET, check_formats

CARD = "README.md"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # of every file in an archive, so that the same cast gives the same bytes
TEXTS = (".json", ".jsonl", ".md")  # files that an archive compresses; pictures and archives are compressed already


def read_report(folder: Path) -> dict[str, Any]:
    """Read the report of a finished cast. Raises PlanError for a folder without one."""
    try:
        facts: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        facts["plan"]["replaced"], facts["digest"], facts["date"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{folder} holds no finished cast", "cast the plan first") from error
    return facts


def iterate_finished(folder: Path) -> Iterator[Entry]:
    """Yield the pictures of a cast that was written as an image folder, in the order of its people.

    Raises StoreError for a damaged table.
    """
    tables = [_iterate_split(table) for table in sorted(folder.glob(f"*/{TABLE}"))]
    yield from heapq.merge(*tables, key=lambda entry: (entry.row["person"], entry.row["picture"]))


def _iterate_split(table: Path) -> Iterator[Entry]:
    try:
        for line in table.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            mask = row.pop("mask_file_name", None)
            picture = table.parent / row["file_name"]
            yield Entry({**row, "file_name": picture.name}, picture, table.parent / mask if mask else None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{table} is damaged", "cast the plan again into another folder") from error


def find_portrait(folder: Path, number: int) -> Path:
    """Return the first picture of a person, by the number from 1, in a cast that is finished or still being made.

    Raises StoreError while there is none.
    """
    stem = f"{number:07d}-0"
    finished = folder.glob(f"*/{number // PEOPLE_A_FOLDER:04d}/{stem}.*")
    unfinished = (folder / WORK / "shards").glob(f"[!.]*/{stem}.*")  # the names of drafts begin with a dot
    found = [path for path in (*sorted(unfinished), *finished) if not path.name.endswith(".mask.png")]
    if not found:
        raise StoreError(f"there is no picture of person {number}", "wait until the person is cast")
    return found[-1]  # a person who replaces another one comes later


def export_cast(folder: Path, format: str, archive: Path, check: Check = never_interrupt) -> Path:
    """Write a zip of a finished image folder in one of the FORMATS, with its data card, sheet, report and latents.

    The files are collected in a hidden folder beside the archive, which is removed at the end. `check` is called before
    each picture, and may interrupt the export.
    Raises PlanError for an unknown format, MissingExtra for one whose library is missing, StoreError when the disk
    refuses.
    """
    check_formats([format])
    report = {**read_report(folder), "formats": [format]}
    staging = Path(tempfile.mkdtemp(prefix=".export-", dir=archive.parent))
    try:
        FORMATS[format].write(_checked(iterate_finished(folder), check), staging, report)
        for name in (CARD, SHEET):
            if (folder / name).is_file():
                place(folder / name, staging / name)
        for latents in (folder / LATENT_FOLDER).glob("*.npz"):
            place(latents, staging / LATENT_FOLDER / latents.name)
        (staging / REPORT).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        with atomic_write(archive) as draft:
            _write_zip(staging, draft, check)
    except OSError as error:
        raise StoreError(
            f"cannot write {archive.name}: {error.strerror or error}", "check that the disk has space"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return archive


def _checked(entries: Iterator[Entry], check: Check) -> Iterator[Entry]:
    for entry in entries:
        check()
        yield entry


def _write_zip(folder: Path, path: Path, check: Check) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            check()
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED if file.suffix in TEXTS else zipfile.ZIP_STORED
            info.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)
