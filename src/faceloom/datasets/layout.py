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
from pathlib import Path
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
from faceloom.images.channels import Colors, colors_of, convert
from faceloom.label_columns import to_json

TABLE_NAME = "dataset.json"
VERSION = 1
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can store


@dataclass
class DatasetWriter:
    """Writes pictures one by one into a zip; `finish` adds dataset.json. `colors` are the kinds of the pictures."""

    archive: zipfile.ZipFile
    rows: list[dict[str, str]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    colors: list[Colors] = field(default_factory=list)

    def add(self, picture: Image.Image, source: str, facts: PictureFacts) -> str:
        """Write a picture under the next free name, and return the name."""
        number = f"{len(self.rows):08d}"
        name = f"{number[:5]}/img{number}.png"
        write_member(self.archive, name, encode_png(picture))
        self.colors.append(colors_of(picture))
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
        ours = {"version": VERSION, **card, "classes": list(labels.classes)}
        ours |= {"label_columns": to_json(labels.columns)} if labels.columns else {}
        ours["images"] = self.rows
        text = json.dumps({"labels": named, FACELOOM_KEY: ours}, ensure_ascii=False, separators=(",", ":"))
        write_member(self.archive, TABLE_NAME, text.encode())


def encode_png(picture: Image.Image) -> bytes:
    """Return a picture as a PNG without compression."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def write_member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Write a member into a zip, with a fixed date."""
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system, info.external_attr = 3, 0o644 << 16
    archive.writestr(info, data)


def unify_colors(path: Path, colors: Colors) -> None:
    """Rewrite a zip of pictures so that all of them are of one kind of colors."""
    draft = path.with_name(f"{path.name}.colors")
    try:
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as unified:
            for name in archive.namelist():
                picture = Image.open(io.BytesIO(archive.read(name)), formats=["PNG"])
                write_member(unified, name, encode_png(convert(picture, colors)))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def count_items(items: Iterable[str]) -> dict[str, int]:
    """Count each text, the most frequent first."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
