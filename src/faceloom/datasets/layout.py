"""The layout that the field's trainers read: a zip of PNGs and a dataset.json. Knows names and bytes, not where from.

Members are stored, not compressed, and PNGs are, too: both read faster, and the same pictures give the same bytes on
every machine, which a compressor's version would not. Source: the dataset tool of StyleGAN2-ADA and its successors.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from faceloom.datasets.metadata import OURS, Facts, Label

TABLE = "dataset.json"
VERSION = 1
MAX_CLASSES = 1 << 16
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


@dataclass(frozen=True)
class Labels:
    """Every picture's label as the field writes it: class numbers, or vectors; and the classes' names, if any."""

    values: Sequence[int | Sequence[float]] | None = None
    classes: Sequence[str] = ()


@dataclass
class Writer:
    """Writes pictures one by one; `finish` adds the table."""

    archive: zipfile.ZipFile
    rows: list[dict[str, str]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def add(self, picture: Image.Image, source: str, facts: Facts) -> str:
        """Write a picture under the next name, and give the name."""
        number = f"{len(self.rows):08d}"
        name = f"{number[:5]}/img{number}.png"
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=0)
        self._write(name, buffer.getvalue())
        told = {"name": name, "from": source, "licence": facts.licence, "origin": facts.origin}
        self.rows.append({key: value for key, value in told.items() if value})
        self.labels.append(facts.label)
        return name

    def finish(self, labels: Labels, card: Mapping[str, Any]) -> None:
        """Write dataset.json: the field's `labels`, and ours beside it."""
        named = None
        if labels.values is not None:
            named = [[row["name"], label] for row, label in zip(self.rows, labels.values, strict=True)]
        ours = {"version": VERSION, **card, "classes": list(labels.classes), "images": self.rows}
        text = json.dumps({"labels": named, OURS: ours}, ensure_ascii=False, separators=(",", ":"))
        self._write(TABLE, text.encode())

    def _write(self, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name, _DATE)
        info.create_system, info.external_attr = 3, 0o644 << 16
        self.archive.writestr(info, data)


def encode_labels(labels: Sequence[Label]) -> Labels:
    """Turn labels into the field's form: numbers stay, names become numbers in alphabetical order, vectors stay.

    Raises ValueError when vectors differ in length or stand among others.
    """
    vectors = [label for label in labels if isinstance(label, tuple)]
    if vectors:
        if len(vectors) < len(labels) or len({len(vector) for vector in vectors}) > 1:
            raise ValueError("some labels are vectors and others are not, or of another length")
        return Labels([list(vector) for vector in vectors])
    if all(isinstance(label, int) and 0 <= label < MAX_CLASSES for label in labels):
        return Labels([int(label) for label in labels if isinstance(label, int)])
    classes = sorted({str(label) for label in labels})
    numbers = {name: number for number, name in enumerate(classes)}
    return Labels([numbers[str(label)] for label in labels], classes)


def count_of(items: Iterable[str]) -> dict[str, int]:
    """How often each text occurs, the most frequent first."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
