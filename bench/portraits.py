"""The portraits of all benchmarks: a fixed random choice of a split."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def val_portraits(data: Path, count: int, split: str = "val") -> Iterator[tuple[str, Image.Image]]:
    """Yield a fixed random choice of `count` portraits of the val split (or another): file name and 256 px RGB picture.

    `data` is a folder with `faces.csv` and `faces.zip` (aligned portraits). Another count may select other portraits.
    """
    with (data / "faces.csv").open(newline="") as table, zipfile.ZipFile(data / "faces.zip") as pictures:
        files = sorted(row["file"] for row in csv.DictReader(table) if row["split"] == split)
        for file in random.Random(0).sample(files, min(count, len(files))):
            yield file, Image.open(io.BytesIO(pictures.read(file))).convert("RGB")


def person_ids(data: Path) -> dict[str, str]:
    """Return the person of every portrait, by the file's name without its suffix."""
    with (data / "faces.csv").open(newline="") as table:
        return {Path(row["file"]).stem: row["person"] for row in csv.DictReader(table)}


def stated_smiles(data: Path, smile: float, split: str = "val") -> list[NDArray[np.uint8]]:
    """Return all portraits of a split whose source states a smile (1) or a serious face (0): `[256, 256, 3]`."""
    with (data / "faces.csv").open(newline="") as table, zipfile.ZipFile(data / "faces.zip") as pictures:
        rows = [row for row in csv.DictReader(table) if row["split"] == split and row["smile"]]
        files = [row["file"] for row in rows if float(row["smile"]) == smile]
        return [np.asarray(Image.open(io.BytesIO(pictures.read(file))).convert("RGB")) for file in files]
