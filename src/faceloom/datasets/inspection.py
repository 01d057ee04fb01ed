"""Look into a dataset: what is in it, whether it is whole, and a sheet of its pictures. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from faceloom.datasets.dataset import Dataset, list_in
from faceloom.datasets.layout import count_of
from faceloom.errors import ImageError
from faceloom.images import contact_sheet

SHEET = 64  # pictures on a sheet
TILE = 128  # px


@dataclass(frozen=True)
class Inspected:
    """What a dataset holds. `labels` counts pictures by class, `licences` and `origins` by what the source said."""

    pictures: int
    resolution: tuple[int, int]
    c_dim: int
    labels: Mapping[str, int]
    crop: str
    source: str
    licences: Mapping[str, int]
    origins: int
    notes: Sequence[str]


@dataclass(frozen=True)
class Checked:
    """Whether a dataset is whole: `faults` are the names of damaged or missing pictures, and why."""

    pictures: int
    resolution: tuple[int, int]
    labelled: bool
    faults: Sequence[tuple[str, str]]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.faults


def inspect(dataset: Dataset) -> Inspected:
    """Say what a dataset holds, by its table; only the first picture is opened."""
    rows = [row for row in list_in(dataset.card, "images") if isinstance(row, dict)]
    licences = count_of(str(row["licence"]) for row in rows if row.get("licence"))
    return Inspected(
        len(dataset),
        dataset.resolution,
        dataset.c_dim,
        _class_counts(dataset),
        str(dataset.card.get("crop", "")),
        str(dataset.card.get("source", "")),
        licences,
        len({row["origin"] for row in rows if isinstance(row.get("origin"), str)}),
        _notes(dataset, sum(licences.values())),
    )


def check(dataset: Dataset, callback: Callable[[float, str], None] | None = None) -> Checked:
    """Open every picture: each must decode and have the size of the first; none that the table tells of may be missing.

    Labels were checked when the dataset was opened.
    """
    faults = [(name, "dataset.json tells of it, and it is not there") for name in dataset.missing]
    for index, name in enumerate(dataset.names):
        try:
            dataset[index]
        except ImageError as error:
            faults.append((name, error.message))
        if callback:
            callback(index + 1, name)
    return Checked(len(dataset), dataset.resolution, dataset.labels is not None, faults)


def sheet(dataset: Dataset, count: int = SHEET) -> Image.Image:
    """Lay out up to `count` pictures, evenly taken from the whole dataset, with their numbers or classes below.

    Raises ImageError when one is damaged.
    """
    indices = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)).tolist()
    labels = [f"{index}{_caption(dataset, index)}" for index in indices]
    columns = max(1, round(len(indices) ** 0.5))
    return contact_sheet([dataset.picture(index) for index in indices], columns, TILE, labels)


def _caption(dataset: Dataset, index: int) -> str:
    label = dataset.labels[index] if dataset.labels is not None else None
    return f": {_class_name(dataset, label)}" if isinstance(label, int) else ""


def _class_name(dataset: Dataset, label: int) -> str:
    return dataset.classes[label] if label < len(dataset.classes) else str(label)


def _class_counts(dataset: Dataset) -> dict[str, int]:
    return count_of(_class_name(dataset, label) for label in dataset.labels or () if isinstance(label, int))


def _notes(dataset: Dataset, licensed: int) -> list[str]:
    width, height = dataset.resolution
    notes = []
    if width != height or width & (width - 1):
        notes.append("not a square power of two: NVIDIA's trainers refuse it, faceloom's does not")
    if 0 < licensed < len(dataset):
        notes.append(f"{len(dataset) - licensed} pictures have no licence stated")
    return notes
