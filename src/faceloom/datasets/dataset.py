"""A dataset: pictures of one size, by index, with labels. Reads zips of faceloom and NVIDIA, and folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from faceloom.datasets.archives import READ_ERRORS, FileTree
from faceloom.datasets.labels import count_dimensions, read_labels
from faceloom.datasets.layout import TABLE_NAME
from faceloom.datasets.metadata import FACELOOM_KEY, read_bounded
from faceloom.datasets.sources import open_collection, open_member, picture_names
from faceloom.errors import ImageError, StoreError
from faceloom.images.channels import COLORS, GRAY, GRAY16, RGB, Colors, Levels, colors_of, convert, to_levels
from faceloom.label_columns import LabelColumn, count_entries, from_json
from faceloom.sounds import spectrogram
from faceloom.sounds.spectrogram import Spectrogram

Vector = Float[np.ndarray, " c_dim"]


@dataclass(frozen=True)
class Dataset:
    """Pictures of one size in a zip or a folder, with the interface of torch's datasets: `len(d)`, `d[i]`.

    Convention: `resolution` is (width, height); `colors` is the kind of all pictures, by default that of the first;
    `labels` are those of dataset.json, one per picture, or None; `c_dim`
    is the length of a label's vector, 0 without labels; `card` is the metadata that faceloom wrote beside the labels;
    `missing` are the names of pictures that dataset.json lists and that do not exist; `label_columns` describe the
    parts of labels that are vectors, where they have names.
    It can be pickled and used in forked workers.
    """

    tree: FileTree
    names: Sequence[str]
    resolution: tuple[int, int]
    labels: Sequence[int | Sequence[float]] | None
    classes: Sequence[str]
    c_dim: int
    card: Mapping[str, Any]
    missing: Sequence[str] = ()
    colors: Colors = RGB
    label_columns: Sequence[LabelColumn] = ()

    @staticmethod
    def open(path: Path | str) -> Dataset:
        """Open a dataset; the size is that of its first picture. A common top folder is not part of the names.

        Raises StoreError when it holds no pictures, is refused (see `open_tree`), or its labels do not match its
        pictures.
        """
        tree = open_collection(Path(path))
        names = sorted(picture_names(tree))
        if not names:
            raise StoreError(f"{path} holds no pictures", "make a dataset with: faceloom dataset make")
        table = read_card(tree)
        ours = table.get(FACELOOM_KEY)
        card: Mapping[str, Any] = ours if isinstance(ours, dict) else {}
        found = read_labels(table.get("labels"), names, tree.path.name, tree.top)
        labels = found.values
        classes = get_list(card, "classes") if labels is not None and isinstance(labels[0], int) else []
        c_dim = max(count_dimensions(found), len(classes))
        try:
            first = open_member(tree, names[0], keeps_channels=True).image
        except ImageError as error:
            raise StoreError(f"{names[0]} of {tree.path.name}: {error.message}", "download the file again") from error
        listed = {name.removeprefix(tree.top) for name in _listed_names(table, card)}
        missing = sorted(listed - set(tree.names))
        colors = COLORS.get(str(card.get("colors")), colors_of(first))
        columns = from_json(card.get("label_columns"))
        columns = columns if count_entries(columns) == c_dim else ()
        names_of_classes = list(map(str, classes))
        return Dataset(tree, names, first.size, labels, names_of_classes, c_dim, card, missing, colors, columns)

    @property
    def num_classes(self) -> int:
        """The number of classes; 0 without labels and for labels that are vectors."""
        return self.c_dim if self.labels is not None and isinstance(self.labels[0], int) else 0

    @property
    def sound(self) -> Spectrogram | None:
        """The settings of the spectrograms in a dataset of sounds; None for pictures. Raises SoundError."""
        return spectrogram.from_json(self.card.get("sound"))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Levels, Vector]:
        """Return a picture and its label, float32 `[c_dim]`: one-hot, or the label's vector.

        Convention: uint8 `[h, w, 3]`, or `[h, w, 1]` of a gray dataset (uint16 for 16 bits), `[h, w, 4]` of a
        transparent one, with straight alpha. Raises ImageError when the picture is damaged or has another size than the
        first.
        """
        picture = self.picture(index)
        if picture.size != self.resolution:
            raise ImageError(
                f"{self.names[index]} has {picture.width} x {picture.height} px, "
                f"the first picture {self.resolution[0]} x {self.resolution[1]}",
                "use faceloom dataset make to bring pictures to one size",
            )
        return to_levels(picture), self.label(index)

    def picture(self, index: int) -> Image.Image:
        """Open one picture, of any size and of the dataset's kind of colors.

        Raises ImageError, also for a picture with colors in a gray dataset.
        """
        picture = open_member(self.tree, self.names[index], keeps_channels=self.colors != RGB).image
        if self.colors in (GRAY, GRAY16) and colors_of(picture) not in (GRAY, GRAY16):
            raise ImageError(
                f"{self.names[index]} has colors, the first picture of the dataset is gray",
                "use faceloom dataset make to bring pictures to one kind of colors",
            )
        return convert(picture, self.colors)

    def label(self, index: int) -> Vector:
        """Return one label as a vector `[c_dim]`, without opening its picture."""
        vector = np.zeros(self.c_dim, np.float32)
        if self.labels is not None:
            label = self.labels[index]
            if isinstance(label, int):
                vector[label] = 1
            else:
                vector[:] = label
        return vector


def read_card(tree: FileTree) -> Mapping[str, Any]:
    """Read dataset.json; the result is empty when there is none. Raises StoreError when it is damaged."""
    if TABLE_NAME not in tree.names:
        return {}
    try:
        with tree.open(TABLE_NAME) as stream:
            content = json.loads(read_bounded(stream, TABLE_NAME))
    except (*READ_ERRORS, RecursionError) as error:
        raise StoreError(
            f"{TABLE_NAME} of {tree.path.name} cannot be read: {error}", "make the dataset again"
        ) from error
    if not isinstance(content, dict):
        raise StoreError(f"{TABLE_NAME} of {tree.path.name} is not a table of labels", "make the dataset again")
    return content


def get_list(card: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list from a card, or an empty one when the value is missing or not a list."""
    value = card.get(key)
    return value if isinstance(value, list) else []


def _listed_names(table: Mapping[str, Any], card: Mapping[str, Any]) -> set[str]:
    """Return the names of all pictures that dataset.json lists."""
    rows = [row.get("name") for row in get_list(card, "images") if isinstance(row, dict)]
    return {str(name).replace("\\", "/") for name in (*rows, *dict(table.get("labels") or ())) if name}
