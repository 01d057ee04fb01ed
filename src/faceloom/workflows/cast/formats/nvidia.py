"""The layout of StyleGAN trainers: one zip of PNGs for each split, with a dataset.json whose labels are the cells."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from faceloom.datasets.labels import Labels
from faceloom.datasets.layout import DatasetWriter
from faceloom.datasets.metadata import PictureFacts
from faceloom.workflows.cast.formats.entries import Entry

SOURCE_TYPE = "trainedAlgorithmicMedia"


def write(entries: Iterable[Entry], folder: Path, card: dict[str, Any]) -> None:
    """Write nvidia-SPLIT.zip. The class of a picture is the number of its cell among `card["cells"]`."""
    cells = [cell["cell"] for cell in card["cells"]]
    with ExitStack() as stack:
        writers: dict[str, DatasetWriter] = {}
        for entry in entries:
            if entry.split not in writers:
                archive = stack.enter_context(zipfile.ZipFile(folder / f"nvidia-{entry.split}.zip", "w"))
                writers[entry.split] = DatasetWriter(archive)
            facts = PictureFacts(
                label=cells.index(entry.row["cell"]),
                license=card["licence"],
                origin=f"{entry.row['person']} seed {entry.row['seed']}",
                split=entry.split,
                source_type=SOURCE_TYPE,
            )
            with Image.open(entry.picture) as picture:
                writers[entry.split].add(picture.convert("RGB"), entry.picture.name, facts)
        for writer in writers.values():
            numbers = [label for label in writer.labels if isinstance(label, int)]
            writer.finish(Labels(numbers, cells), {"generator": card["generator"], "cast": card["digest"]})
