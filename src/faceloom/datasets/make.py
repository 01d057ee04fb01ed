"""Creation of a dataset: crops every picture of a source to one size, finds duplicates and skips broken files.

Only one picture is in memory at a time, besides a hash and a copy of 16 px of each earlier one. The same source gives
the same bytes.
"""

from __future__ import annotations

import itertools
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from faceloom.datasets.crops import ENLARGE_HINT, Crop, CropMode, Size, make_crop
from faceloom.datasets.duplicates import NEAR, DuplicateFinder
from faceloom.datasets.labels import Labels, LabelType, encode_labels, find_label_faults
from faceloom.datasets.layout import DatasetWriter
from faceloom.datasets.metadata import PictureFacts
from faceloom.datasets.sources import ALSO_HINT, Source, SourceConfig, open_source
from faceloom.errors import FaceError, ImageError, StoreError
from faceloom.files import atomic_write
from faceloom.marks.source_type import Marks, is_ai_source_type

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
    near: float = NEAR  # maximum difference of near-duplicates in levels; 0 finds identical pixels only
    label_type: LabelType = "auto"  # 'auto': vectors of real numbers, classes of whole numbers and names
    enlarge: bool = False  # also take pictures that are enlarged more than twice


@dataclass(frozen=True)
class Duplicate:
    """A duplicate: its name, that of the earlier picture, and their difference in levels (0: identical pixels)."""

    name: str
    of: str
    levels: float


@dataclass
class MakeResult:
    """The result of `make`. `skipped` lists (name, reason); `enlarged` counts enlarged pictures.

    `ai_marked` counts pictures whose files say that a model made them; `notes` are sentences for the user.
    """

    kind: str
    written: int = 0
    enlarged: int = 0
    left_out: int = 0
    labels: Labels = field(default_factory=Labels)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    ai_marked: int = 0
    notes: list[str] = field(default_factory=list)


def make(path: Path, output: Path, config: MakeConfig, callback: Callback | None = None) -> MakeResult:
    """Make the zip `output` from a source; after an error there is no partial file.

    A picture that cannot be opened or cropped is listed in `skipped`, as is one without a label in a source with
    labels. Raises StoreError when the source is refused or has no usable picture, and everything that `open_source`
    raises.
    """
    crop = make_crop(config.size, config.crop, enlarge=config.enlarge)
    source = open_source(path, config.source)
    made = MakeResult(source.kind, left_out=source.left_out, notes=list(source.notes))
    with atomic_write(output) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        writer = DatasetWriter(archive)
        _write_all(source, crop, config, writer, made, callback)
        made.written = len(writer.rows)
        if not made.written:
            why = f": {made.skipped[0][0]}: {made.skipped[0][1]}" if made.skipped else ""
            raise StoreError(
                f"no picture of {path} can be used{why}", "see docs/how-to/datasets.md for supported sources"
            )
        made.labels = _encode_labels(writer, source, config.label_type)
        made.notes += _make_notes(made, config)
        card = {"resolution": list(config.size), "crop": config.crop, "source": Path(path).name}
        writer.finish(made.labels, card)
    return made


def _write_all(
    source: Source, crop: Crop, config: MakeConfig, writer: DatasetWriter, made: MakeResult, callback: Callback | None
) -> None:
    finder, names, hints = DuplicateFinder(config.near), list[str](), Counter[str]()
    for number, record in enumerate(itertools.islice(source.records, config.limit), start=1):
        try:
            photo = record.read()
            picture, scale = crop(photo.image)
            if source.has_labels and record.facts.label is None:
                raise ImageError("it has no label")
        except (ImageError, FaceError) as error:
            made.skipped.append((record.name, error.message))
            hints[error.hint] += 1
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
            facts = _add_marks(record.facts, photo.marks)
            made.enlarged += scale > 1
            made.ai_marked += is_ai_source_type(facts.source_type)
            writer.add(picture, record.name, facts)
    made.notes += [f"{hints[hint]} pictures are left out: {hint}" for hint in (ALSO_HINT, ENLARGE_HINT) if hints[hint]]


def _add_marks(facts: PictureFacts, marks: Marks) -> PictureFacts:
    """Return the facts with the marks of the picture's file; a mark of AI in either of them stays."""
    keeps_type = not marks.source_type or is_ai_source_type(facts.source_type)
    return replace(
        facts,
        source_type=facts.source_type if keeps_type else marks.source_type,
        credentials="C2PA" if marks.has_credentials else facts.credentials,
    )


def _encode_labels(writer: DatasetWriter, source: Source, label_type: LabelType) -> Labels:
    if not source.has_labels:
        return Labels()
    try:
        return encode_labels(writer.labels, label_type)
    except ValueError as error:
        raise StoreError(str(error), "use --label-type, --labels none, or another table") from error


def _make_notes(made: MakeResult, config: MakeConfig) -> list[str]:
    numbers = [label for label in made.labels.values or () if isinstance(label, int)]
    notes = find_label_faults(Counter(map(str, numbers)), made.written) if numbers else []
    if made.ai_marked:
        notes.append(f"{made.ai_marked} of {made.written} pictures are marked as made by AI")
    if made.labels.values is None and config.label_type != "auto":
        notes.append(f"--label-type {config.label_type} had no effect: the source has no labels")
    return notes
