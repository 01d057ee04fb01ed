"""The dataset layout that StyleGAN trainers read: a zip of PNGs and a dataset.json.

Zip members and PNGs are stored without compression. They read faster, and the same pictures give the same bytes on
every machine, which would depend on the compressor's version otherwise. Source: the dataset tool of StyleGAN2-ADA and
its successors.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from faceloom.datasets.labels import Labels
from faceloom.datasets.metadata import (
    CREDENTIALS_COLUMN,
    FACELOOM_KEY,
    SOURCE_TYPE_COLUMN,
    SPLIT_COLUMN,
    Label,
    PictureFacts,
)

TABLE_NAME = "dataset.json"
VERSION = 1
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can store


@dataclass
class DatasetWriter:
    """Writes pictures one by one into a zip; `finish` adds dataset.json."""

    archive: zipfile.ZipFile
    rows: list[dict[str, str]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def add(self, picture: Image.Image, source: str, facts: PictureFacts) -> str:
        """Write a picture under the next free name, and return the name."""
        number = f"{len(self.rows):08d}"
        name = f"{number[:5]}/img{number}.png"
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=0)
        self._write(name, buffer.getvalue())
        row_values = {
            "name": name,
            "from": source,
            "licence": facts.license,
            "origin": facts.origin,
            SPLIT_COLUMN: facts.split,
            SOURCE_TYPE_COLUMN: facts.source_type,
            CREDENTIALS_COLUMN: facts.credentials,
        }
        self.rows.append({key: value for key, value in row_values.items() if value})
        self.labels.append(facts.label)
        return name

    def finish(self, labels: Labels, card: Mapping[str, Any]) -> None:
        """Write dataset.json with NVIDIA's key `labels` and faceloom's own key."""
        named = None
        if labels.values is not None:
            named = [[row["name"], label] for row, label in zip(self.rows, labels.values, strict=True)]
        ours = {"version": VERSION, **card, "classes": list(labels.classes), "images": self.rows}
        text = json.dumps({"labels": named, FACELOOM_KEY: ours}, ensure_ascii=False, separators=(",", ":"))
        self._write(TABLE_NAME, text.encode())

    def _write(self, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name, _DATE)
        info.create_system, info.external_attr = 3, 0o644 << 16
        self.archive.writestr(info, data)


def count_items(items: Iterable[str]) -> dict[str, int]:
    """Count each text, the most frequent first."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
