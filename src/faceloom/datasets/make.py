"""Creation of a dataset: crops every picture of a source to one size, finds duplicates and skips broken files.

Only one picture is in memory at a time, besides a hash and a copy of 16 px of each earlier one. The same source gives
the same bytes.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceloom.datasets.crops import Crop, CropMode, Size, make_crop
from faceloom.datasets.duplicates import NEAR, DuplicateFinder
from faceloom.datasets.layout import DatasetWriter, Labels, encode_labels
from faceloom.datasets.sources import Source, SourceConfig, open_source
from faceloom.errors import FaceError, ImageError, StoreError
from faceloom.files import atomic_write

Callback = Callable[[float, str], None]
"""Function that receives the number of pictures read so far and the name of the last one."""


@dataclass(frozen=True)
class MakeConfig:
    """Settings of a new dataset."""

    size: Size  # (width, height) in pixels
    crop: CropMode = "center"
    source: SourceConfig = field(default_factory=SourceConfig)
    limit: int | None = None  # maximum number of pictures to read
    drop_duplicates: bool = False
    near: float = NEAR  # maximum difference of near-duplicates in gray levels; 0 finds identical pixels only


@dataclass(frozen=True)
class Duplicate:
    """A duplicate: its name, that of the earlier picture, and their difference in gray levels (0: identical pixels)."""

    name: str
    of: str
    levels: float


@dataclass
class MakeResult:
    """The result of `make`. `skipped` lists (name, reason); `enlarged` counts enlarged pictures."""

    kind: str
    written: int = 0
    enlarged: int = 0
    left_out: int = 0
    labels: Labels = field(default_factory=Labels)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)


def make(path: Path, output: Path, config: MakeConfig, callback: Callback | None = None) -> MakeResult:
    """Make the zip `output` from a source; after an error there is no partial file.

    A picture that cannot be opened or cropped is listed in `skipped`, as is one without a label in a source with
    labels. Raises StoreError when the source is refused or has no usable picture, and everything that `open_source`
    raises.
    """
    crop = make_crop(config.size, config.crop)
    source = open_source(path, config.source)
    made = MakeResult(source.kind, left_out=source.left_out)
    with atomic_write(output) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        writer = DatasetWriter(archive)
        _write_all(source, crop, config, writer, made, callback)
        made.written = len(writer.rows)
        if not made.written:
            why = f": {made.skipped[0][0]}: {made.skipped[0][1]}" if made.skipped else ""
            raise StoreError(
                f"no picture of {path} can be used{why}", "see docs/how-to/datasets.md for supported sources"
            )
        made.labels = _labels(writer, source)
        card = {"resolution": list(config.size), "crop": config.crop, "source": Path(path).name}
        writer.finish(made.labels, card)
    return made


def _write_all(
    source: Source, crop: Crop, config: MakeConfig, writer: DatasetWriter, made: MakeResult, callback: Callback | None
) -> None:
    finder, names = DuplicateFinder(config.near), list[str]()
    for number, record in enumerate(itertools.islice(source.records, config.limit), start=1):
        try:
            picture, scale = crop(record.open())
            if source.has_labels and record.facts.label is None:
                raise ImageError("it has no label")
        except (ImageError, FaceError) as error:
            made.skipped.append((record.name, error.message))
            continue
        finally:
            if callback:
                callback(number, record.name)
        pixels = np.asarray(picture)
        duplicate = finder.find(pixels)
        if duplicate:
            made.duplicates.append(Duplicate(record.name, names[duplicate.index], round(duplicate.levels, 2)))
        if duplicate is None or not config.drop_duplicates:
            finder.add(pixels)
            names.append(record.name)
            made.enlarged += scale > 1
            writer.add(picture, record.name, record.facts)


def _labels(writer: DatasetWriter, source: Source) -> Labels:
    if not source.has_labels:
        return Labels()
    try:
        return encode_labels(writer.labels)
    except ValueError as error:
        raise StoreError(str(error), "use --labels none, or another table") from error
