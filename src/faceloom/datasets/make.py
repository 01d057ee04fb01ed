"""Make a dataset: every picture of a source cut to one size, twins found, broken files told, written as it goes.

One picture is in memory at a time; of those before, a hash and a copy of 16 px. The same source gives the same bytes.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceloom.datasets.crops import Crop, CropMode, Size, crop_to
from faceloom.datasets.duplicates import NEAR, Twins
from faceloom.datasets.layout import Labels, Writer, encode_labels
from faceloom.datasets.sources import Source, SourceConfig, open_source
from faceloom.errors import FaceError, ImageError, StoreError
from faceloom.files import replacing

Callback = Callable[[float, str], None]
"""Gets how many pictures were looked at, and the name of the last."""


@dataclass(frozen=True)
class MakeConfig:
    """What the dataset is to be."""

    size: Size  # (width, height) in pixels
    crop: CropMode = "centre"
    source: SourceConfig = field(default_factory=SourceConfig)
    limit: int | None = None  # pictures at most
    drop_duplicates: bool = False
    near: float = NEAR  # levels that near-duplicates may be apart; 0 finds the same pixels alone


@dataclass(frozen=True)
class Duplicate:
    """A picture that is there twice: its name, that of the earlier one, and how far apart they are; 0: same pixels."""

    name: str
    of: str
    levels: float


@dataclass
class Made:
    """What became of a source's pictures. `skipped` holds names and reasons; `enlarged` counts pictures made larger."""

    kind: str
    written: int = 0
    enlarged: int = 0
    left_out: int = 0
    labels: Labels = field(default_factory=Labels)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)


def make(path: Path, output: Path, config: MakeConfig, callback: Callback | None = None) -> Made:
    """Make the zip `output` from a source; it is whole or absent.

    A picture that cannot be opened or cut is told in `skipped` and left out, as is one without a label where others
    have some. Raises StoreError when the source is refused or nothing of it can be used, and as `open_source`.
    """
    crop = crop_to(config.size, config.crop)
    source = open_source(path, config.source)
    made = Made(source.kind, left_out=source.left_out)
    with replacing(output) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        writer = Writer(archive)
        _write_all(source, crop, config, writer, made, callback)
        made.written = len(writer.rows)
        if not made.written:
            why = f": {made.skipped[0][0]}: {made.skipped[0][1]}" if made.skipped else ""
            raise StoreError(f"no picture of {path} can be used{why}", "see docs/datasets.md for what can")
        made.labels = _labels(writer, source)
        card = {"resolution": list(config.size), "crop": config.crop, "source": Path(path).name}
        writer.finish(made.labels, card)
    return made


def _write_all(
    source: Source, crop: Crop, config: MakeConfig, writer: Writer, made: Made, callback: Callback | None
) -> None:
    twins, names = Twins(config.near), list[str]()
    for number, record in enumerate(itertools.islice(source.records, config.limit), start=1):
        try:
            picture, scale = crop(record.open())
            if source.labelled and record.facts.label is None:
                raise ImageError("it has no label")
        except (ImageError, FaceError) as error:
            made.skipped.append((record.name, error.message))
            continue
        finally:
            if callback:
                callback(number, record.name)
        pixels = np.asarray(picture)
        twin = twins.find(pixels)
        if twin:
            made.duplicates.append(Duplicate(record.name, names[twin.index], round(twin.levels, 2)))
        if twin is None or not config.drop_duplicates:
            twins.add(pixels)
            names.append(record.name)
            made.enlarged += scale > 1
            writer.add(picture, record.name, record.facts)


def _labels(writer: Writer, source: Source) -> Labels:
    if not source.labelled:
        return Labels()
    try:
        return encode_labels(writer.labels)
    except ValueError as error:
        raise StoreError(str(error), "use --labels none, or another table") from error
