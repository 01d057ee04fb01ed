"""Likenesses of many photos and likeness files, with a cache so that an interrupted run can be continued."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceloom.errors import Cancelled, CorruptFile, FaceError, ImageError, LatentError, StoreError
from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and the name of a file."""

SUFFIX = ".likeness"


@dataclass(frozen=True)
class BatchResult:
    """The likenesses by file, and the error messages of the files without one."""

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
    """Load likeness files and encode photos; a file that fails is reported and left out.

    Convention: each photo's likeness is saved in the folder `cache` under the photo's name and content, and a second
    call loads it from there. Ctrl-C and `Cancelled` end the whole batch; finished likenesses stay in the cache.
    """
    people: dict[Path, Likeness] = {}
    failed: dict[Path, str] = {}
    report = callback or (lambda progress, name: None)
    for i, source in enumerate(sources):
        report(i / len(sources), source.name)
        try:
            people[source] = _load_or_encode(studio, source, cache, config)
        except (FaceError, ImageError, LatentError, CorruptFile, StoreError) as error:
            failed[source] = error.message
    report(1.0, "")
    return BatchResult(people, failed)


def list_files(folder: Path) -> list[Path]:
    """List the files of a folder, sorted, without hidden ones.

    Raises StoreError when it is not a folder or holds no files.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder", "give a folder of photos or likeness files")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise StoreError(f"{folder} holds no files", "give a folder of photos or likeness files")
    return files


def read_labels(table: Path) -> dict[Path, float]:
    """Read a CSV with the columns `file` (relative to the table) and `value` (a number).

    Raises StoreError when it cannot be read, LatentError for missing columns or a value that is not a number.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"cannot read {table}: {error}", "give a CSV with the columns file,value") from error
    if not rows or not {"file", "value"} <= rows[0].keys():
        raise LatentError(f"{table} has no columns file and value", "its first line must be: file,value")
    return {table.parent / (row["file"] or ""): _parse_number(row["value"], row["file"], table) for row in rows}


def _parse_number(text: str | None, file: str, table: Path) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise LatentError(f"{table}: '{text}' of {file} is not a number", "leave out rows without a value")
    return value


def _load_or_encode(studio: Studio, source: Path, cache: Path, config: EncodeConfig | None) -> Likeness:
    if source.suffix == SUFFIX:
        return studio.load(source)
    path = cache / f"{source.stem}-{_digest(source)}{SUFFIX}"
    if path.exists():
        return studio.load(path)
    person = studio.encode(source, config=config)
    if person.provenance["interrupted"]:
        raise Cancelled(f"the encoding of {source.name} was interrupted", "run the command again to continue")
    person.save(path)
    return person


def _digest(source: Path) -> str:
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise StoreError(f"cannot read {source}: {error.strerror}", "check the name of the file") from error
