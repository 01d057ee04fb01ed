"""Creation of a dataset: crops every picture of a source to one size, finds duplicates and skips broken files.

Only one picture is in memory at a time, besides a hash and a copy of 16 px of each earlier one. The same source gives
the same bytes.
"""

from __future__ import annotations

import itertools
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.datasets.crops import ENLARGE_HINT, Crop, CropMode, Size, make_crop
from faceloom.datasets.duplicates import NEAR, DuplicateFinder
from faceloom.datasets.labels import Labels, LabelType, encode_labels, find_label_faults
from faceloom.datasets.layout import DatasetWriter, unify_colors
from faceloom.datasets.metadata import PictureFacts
from faceloom.datasets.sources import ALSO_HINT, Source, SourceConfig, open_source
from faceloom.errors import FaceError, ImageError, SoundError, StoreError
from faceloom.files import atomic_write
from faceloom.images.channels import COLORS, GRAY, GRAY16, RGB, RGBA, Colors, convert, show_on
from faceloom.images.tensors import Pixels
from faceloom.marks.source_type import Marks, is_ai_source_type
from faceloom.sounds.spectrogram import to_json

RARE_COLOR = (255, 0, 255)
"""RGB color behind transparent pictures that are compared: on white, all white icons would be alike."""

Callback = Callable[[float, str], None]
"""Function that receives the number of pictures read so far and the name of the last one."""


@dataclass(frozen=True)
class MakeConfig:
    """Settings of a new dataset.

    `colors` is 'auto' or a name of `images.channels.COLORS`. 'auto' keeps transparency if at least half of the pictures
    have a transparent pixel, gray if all files are gray, and 16 bits if at least half of these are of 16 bits; all
    other datasets, and those of aligned faces, are RGB.
    """

    size: Size  # (width, height) in pixels
    crop: CropMode = "center"
    source: SourceConfig = field(default_factory=SourceConfig)
    limit: int | None = None  # maximum number of pictures to read
    drop_duplicates: bool = False
    near: float = NEAR  # maximum difference of near-duplicates in levels; 0 finds identical pixels only
    label_type: LabelType = "auto"  # 'auto': vectors of real numbers, classes of whole numbers and names
    enlarge: bool = False  # also take pictures that are enlarged more than twice
    colors: str = "auto"  # or gray, gray16, rgb, rgba
    column_types: Mapping[str, LabelType] = field(default_factory=dict)  # of a label's columns, instead of label_type


@dataclass(frozen=True)
class Duplicate:
    """A duplicate: its name, that of the earlier picture, and their difference in levels (0: identical pixels)."""

    name: str
    of: str
    levels: float


@dataclass
class MakeResult:
    """The result of `make`. `skipped` lists (name, reason); `enlarged` counts enlarged pictures.

    `colors` is the kind of all pictures; `ai_marked` counts pictures whose files say that a model made them; `notes`
    are sentences for the user.
    """

    kind: str
    written: int = 0
    enlarged: int = 0
    left_out: int = 0
    labels: Labels = field(default_factory=Labels)
    colors: Colors = RGB
    skipped: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    ai_marked: int = 0
    notes: list[str] = field(default_factory=list)


def make(path: Path, output: Path, config: MakeConfig, callback: Callback | None = None) -> MakeResult:
    """Make the zip `output` from a source; after an error there is no partial file.

    A picture that cannot be opened or cropped is listed in `skipped`, as is one without a label in a source with
    labels. Raises StoreError when the source is refused or has no usable picture, ImageError for other colors than RGB
    with aligned faces, and everything that `open_source` raises.
    """
    reading = replace(config.source, keeps_channels=_keeps_channels(config))
    crop = make_crop(config.size, config.crop, enlarge=config.enlarge)
    source = open_source(path, reading)
    made = MakeResult(source.kind, left_out=source.left_out, notes=list(source.notes))
    with atomic_write(output) as draft:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            writer = DatasetWriter(archive)
            _write_all(source, crop, config, writer, made, callback)
        made.written = len(writer.rows)
        if not made.written:
            why = f": {made.skipped[0][0]}: {made.skipped[0][1]}" if made.skipped else ""
            raise StoreError(
                f"no picture of {path} can be used{why}", "see docs/how-to/datasets.md for supported sources"
            )
        made.colors = COLORS[config.colors] if config.colors != "auto" else choose_colors(writer.colors)
        if any(colors != made.colors for colors in writer.colors):
            unify_colors(draft, made.colors)
        made.labels = _encode_labels(writer, source, config)
        made.notes += _make_notes(made, config, writer.colors)
        card: dict[str, object] = {"resolution": list(config.size), "crop": config.crop, "source": Path(path).name}
        card |= {"sound": to_json(config.source.sound)} if config.source.sound else {}
        with zipfile.ZipFile(draft, "a", zipfile.ZIP_STORED) as writer.archive:
            writer.finish(made.labels, card | {"colors": made.colors.name})
    return made


def _keeps_channels(config: MakeConfig) -> bool:
    """Return whether pictures are read with their own channels. Raises ImageError for colors that do not fit."""
    if config.colors not in ("auto", *COLORS):
        raise ImageError(f"'{config.colors}' is no kind of colors", f"choose auto, {', '.join(COLORS)}")
    if config.crop == "face" and config.colors not in ("auto", RGB.name):
        raise ImageError(f"faces are aligned in RGB, not in {config.colors}", "crop from the center, or omit --colors")
    return config.crop != "face" and config.colors != RGB.name


def choose_colors(pictures: Sequence[Colors]) -> Colors:
    """Choose the colors of a dataset by those of its pictures, as MakeConfig states."""
    counts = Counter(pictures)
    if 2 * counts[RGBA] >= len(pictures):
        return RGBA
    if counts[RGBA] or counts[RGB]:
        return RGB
    return GRAY16 if 2 * counts[GRAY16] >= len(pictures) else GRAY


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
        except (ImageError, SoundError, FaceError) as error:
            made.skipped.append((record.name, error.message))
            hints[error.hint] += 1
            continue
        finally:
            if callback:
                callback(number, record.name)
        pixels = _comparable(picture)
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


def _comparable(picture: Image.Image) -> Pixels:
    """Return the pixels by which duplicates are found: RGB, of a transparent picture on RARE_COLOR.

    16-bit gray is compared in 8 bits.
    """
    if picture.mode == RGBA.mode:
        picture = show_on(picture, Image.new("RGB", picture.size, RARE_COLOR))
    return np.asarray(convert(picture, RGB))


def _add_marks(facts: PictureFacts, marks: Marks) -> PictureFacts:
    """Return the facts with the marks of the picture's file; a mark of AI in either of them stays."""
    keeps_type = not marks.source_type or is_ai_source_type(facts.source_type)
    return replace(
        facts,
        source_type=facts.source_type if keeps_type else marks.source_type,
        credentials="C2PA" if marks.has_credentials else facts.credentials,
    )


def _encode_labels(writer: DatasetWriter, source: Source, config: MakeConfig) -> Labels:
    if not source.has_labels:
        return Labels()
    try:
        types = config.column_types
        columns: dict[str, LabelType] = {
            column.name: "class" if column.classes else "vector" for column in source.columns
        }
        columns |= {name: types.get(name, "auto") for name in config.source.reading.label_columns}
        return encode_labels(writer.labels, config.label_type, columns)
    except ValueError as error:
        raise StoreError(str(error), "use --label-type, --labels none, or another table") from error


def _make_notes(made: MakeResult, config: MakeConfig, pictures: Sequence[Colors]) -> list[str]:
    numbers = [label for label in made.labels.values or () if isinstance(label, int)]
    notes = find_label_faults(Counter(map(str, numbers)), made.written) if numbers else []
    if made.ai_marked:
        notes.append(f"{made.ai_marked} of {made.written} pictures are marked as made by AI")
    transparent = sum(colors == RGBA for colors in pictures)
    if config.colors == "auto" and transparent and made.colors != RGBA:
        notes.append(f"{transparent} transparent pictures are shown on white; --colors rgba keeps transparency")
    if made.labels.values is None and config.label_type != "auto":
        notes.append(f"--label-type {config.label_type} had no effect: the source has no labels")
    return notes
