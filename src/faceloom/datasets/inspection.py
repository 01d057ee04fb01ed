"""Inspection of a dataset: its contents, a check of every picture, and a contact sheet. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from faceloom.datasets.dataset import Dataset, get_list
from faceloom.datasets.labels import find_label_faults
from faceloom.datasets.layout import count_items
from faceloom.datasets.metadata import CREDENTIALS_COLUMN, SOURCE_TYPE_COLUMN, SPLIT_COLUMN
from faceloom.errors import ImageError
from faceloom.images import make_contact_sheet
from faceloom.marks.source_type import is_ai_source_type

SHEET = 64  # default number of pictures on a sheet
TILE = 128  # side of a picture on a sheet in pixels


@dataclass(frozen=True)
class Inspection:
    """The contents of a dataset.

    `labels` counts pictures by class, `licences` by stated license, `splits` by split. `ai_marked` counts pictures
    whose source files said that a model made them, `credentials` those that had content credentials (C2PA); both are
    None when dataset.json does not record pictures. `colors` is the kind of the pictures, by name; `label_columns`
    names the parts of labels that are vectors, each with its number of classes, 0 for a number.
    """

    pictures: int
    resolution: tuple[int, int]
    c_dim: int
    labels: Mapping[str, int]
    crop: str
    source: str
    licences: Mapping[str, int]
    origins: int
    notes: Sequence[str]
    splits: Mapping[str, int]
    ai_marked: int | None
    credentials: int | None
    colors: str = "rgb"
    label_columns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResult:
    """The result of a check. `faults` lists damaged or missing pictures as (name, reason)."""

    pictures: int
    resolution: tuple[int, int]
    labelled: bool
    faults: Sequence[tuple[str, str]]

    @property
    def is_whole(self) -> bool:
        """Return whether the dataset has no faults."""
        return not self.faults


def inspect(dataset: Dataset) -> Inspection:
    """Describe a dataset from its table; only the first picture is opened."""
    rows = [row for row in get_list(dataset.card, "images") if isinstance(row, dict)]
    licences = count_items(str(row["licence"]) for row in rows if row.get("licence"))
    classes = _class_counts(dataset)
    return Inspection(
        len(dataset),
        dataset.resolution,
        dataset.c_dim,
        classes,
        str(dataset.card.get("crop", "")),
        str(dataset.card.get("source", "")),
        licences,
        len({row["origin"] for row in rows if isinstance(row.get("origin"), str)}),
        _notes(dataset, sum(licences.values())) + find_label_faults(classes, len(dataset)),
        count_items(str(row[SPLIT_COLUMN]) for row in rows if row.get(SPLIT_COLUMN)),
        sum(is_ai_source_type(str(row.get(SOURCE_TYPE_COLUMN, ""))) for row in rows) if rows else None,
        sum(bool(row.get(CREDENTIALS_COLUMN)) for row in rows) if rows else None,
        dataset.colors.name,
        {column.name: len(column.classes) for column in dataset.label_columns},
    )


def check(dataset: Dataset, callback: Callable[[float, str], None] | None = None) -> CheckResult:
    """Open every picture, and report those that are damaged, of another size than the first, or missing.

    Labels were already checked when the dataset was opened. `callback` gets the number of pictures checked so far
    and the name of the last.
    """
    faults = [(name, "dataset.json lists it, and it does not exist") for name in dataset.missing]
    for index, name in enumerate(dataset.names):
        try:
            dataset[index]
        except ImageError as error:
            faults.append((name, error.message))
        if callback:
            callback(index + 1, name)
    return CheckResult(len(dataset), dataset.resolution, dataset.labels is not None, faults)


def sheet(dataset: Dataset, count: int = SHEET) -> Image.Image:
    """Make a contact sheet of up to `count` pictures, evenly spread over the dataset, with their index and class.

    Raises ImageError when one is damaged.
    """
    indices = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)).tolist()
    labels = [f"{index}{_caption(dataset, index)}" for index in indices]
    columns = max(1, round(len(indices) ** 0.5))
    return make_contact_sheet([dataset.picture(index) for index in indices], columns, TILE, labels)


def _caption(dataset: Dataset, index: int) -> str:
    label = dataset.labels[index] if dataset.labels is not None else None
    return f": {_class_name(dataset, label)}" if isinstance(label, int) else ""


def _class_name(dataset: Dataset, label: int) -> str:
    return dataset.classes[label] if label < len(dataset.classes) else str(label)


def _class_counts(dataset: Dataset) -> dict[str, int]:
    return count_items(_class_name(dataset, label) for label in dataset.labels or () if isinstance(label, int))


def _notes(dataset: Dataset, licensed: int) -> list[str]:
    width, height = dataset.resolution
    notes = []
    if width != height or width & (width - 1):
        notes.append("the size is not a square power of two: NVIDIA's trainers reject it, faceloom accepts it")
    if 0 < licensed < len(dataset):
        notes.append(f"{len(dataset) - licensed} pictures have no stated license")
    return notes
