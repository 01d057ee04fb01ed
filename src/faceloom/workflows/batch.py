"""Likenesses of many people at once: from photos and likeness files, kept as they are found, so that one may resume.

Knows the studio and files; it decides nothing about what the likenesses are for.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceloom.errors import CorruptFile, FaceError, ImageError, LatentError, StoreError
from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio

Callback = Callable[[float, str], None]
SUFFIX = ".likeness"


@dataclass(frozen=True)
class BatchResult:
    """Who was found, by file, and why the others were not."""

    people: Mapping[Path, Likeness]
    failed: Mapping[Path, str]


def batch_encode(
    studio: Studio,
    sources: Sequence[Path],
    cache: Path,
    *,
    config: EncodeConfig | None = None,
    callback: Callback | None = None,
) -> BatchResult:
    """Open likeness files and search for the faces of photos; a file that does not work is told and left out.

    Convention: each photo's likeness is kept in the folder `cache` under the photo's name and content, so that a second
    call finds it there. `callback` gets progress 0...1 and a file's name. Ctrl-C ends it all; what was found is kept.
    """
    people: dict[Path, Likeness] = {}
    failed: dict[Path, str] = {}
    tell = callback or (lambda done, what: None)
    for i, source in enumerate(sources):
        tell(i / len(sources), source.name)
        try:
            people[source] = _open(studio, source, cache, config)
        except (FaceError, ImageError, LatentError, CorruptFile, StoreError) as error:
            failed[source] = error.message
    tell(1.0, "")
    return BatchResult(people, failed)


def files_in(folder: Path) -> list[Path]:
    """List a folder's files, sorted, hidden ones left out. Raises StoreError when it is no folder or holds none."""
    if not folder.is_dir():
        raise StoreError(f"{folder} is no folder", "give a folder of photos or likeness files")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise StoreError(f"{folder} holds no files", "give a folder of photos or likeness files")
    return files


def read_labels(table: Path) -> dict[Path, float]:
    """Read a CSV with the columns `file` (relative to the table) and `value` (a number).

    Raises StoreError when it cannot be read, LatentError for missing columns or a value that is no number.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"cannot read {table}: {error}", "give a CSV with the columns file,value") from error
    if not rows or not {"file", "value"} <= rows[0].keys():
        raise LatentError(f"{table} has no columns file and value", "its first line is: file,value")
    return {table.parent / (row["file"] or ""): _number(row["value"], row["file"], table) for row in rows}


def _number(text: str | None, file: str, table: Path) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise LatentError(f"{table}: '{text}' of {file} is no number", "leave out rows without a value")
    return value


def _open(studio: Studio, source: Path, cache: Path, config: EncodeConfig | None) -> Likeness:
    if source.suffix == SUFFIX:
        return studio.load(source)
    kept = cache / f"{source.stem}-{_digest(source)}{SUFFIX}"
    if kept.exists():
        return studio.load(kept)
    person = studio.encode(source, config=config)
    if person.provenance["interrupted"]:
        raise KeyboardInterrupt
    person.save(kept)
    return person


def _digest(source: Path) -> str:
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise StoreError(f"cannot read {source}: {error.strerror}", "check the name of the file") from error
