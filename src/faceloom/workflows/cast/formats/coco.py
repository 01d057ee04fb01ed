"""COCO annotations: a box, five key points and the image folder's pictures, one JSON file for each split.

Source: COCO, "Data format", keypoint detection. The points are the eyes, the tip of the nose and the corners of the
mouth; left is the viewer's left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from faceloom.workflows.cast.formats.entries import Entry, place

FOLDER = "annotations"
POINTS = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")
CATEGORY = {"id": 1, "name": "face", "supercategory": "person", "keypoints": list(POINTS), "skeleton": [[4, 5]]}
VISIBLE = 2  # COCO's flag of a point that is labeled and visible


@dataclass
class _Split:
    """The open files of a split: images and annotations are written at the same time, and joined at the end."""

    images: TextIO
    annotations: TextIO
    image_count: int = 0
    annotation_count: int = field(default=0)


def write(entries: Iterable[Entry], folder: Path, card: dict[str, Any]) -> None:
    """Write annotations/faces_SPLIT.json, and the pictures where the image folder has them. Raises StoreError."""
    root = folder / FOLDER
    root.mkdir()
    splits: dict[str, _Split] = {}
    for entry in entries:
        if entry.split not in splits:
            images, boxes = (root / f".{entry.split}.{part}" for part in ("images", "boxes"))
            splits[entry.split] = _Split(images.open("w+", encoding="utf-8"), boxes.open("w+", encoding="utf-8"))
        name = f"{entry.split}/{entry.folder}/{entry.picture.name}"
        if not (folder / name).exists():
            place(entry.picture, folder / name)
        _add(splits[entry.split], entry.row, name)
    for name, split in splits.items():
        _join(split, root / f"faces_{name}.json", card)
    for part in root.glob(".*"):
        part.unlink()


def _add(split: _Split, row: dict[str, Any], name: str) -> None:
    number = split.image_count = split.image_count + 1
    image = {"id": number, "file_name": name, "width": row["width"], "height": row["height"], "license": 1}
    _write(split.images, image, number)
    if not row["box"]:
        return
    split.annotation_count += 1
    x, y, width, height = row["box"]
    points = zip(row["landmarks"][::2], row["landmarks"][1::2], strict=True)
    annotation = {
        "id": split.annotation_count,
        "image_id": number,
        "category_id": 1,
        "bbox": [x, y, width, height],
        "area": round(width * height, 1),
        "iscrowd": 0,
        "keypoints": [value for a, b in points for value in (a, b, VISIBLE)],
        "num_keypoints": len(POINTS),
    }
    _write(split.annotations, annotation, split.annotation_count)


def _write(file: TextIO, item: dict[str, Any], number: int) -> None:
    file.write((",\n" if number > 1 else "") + json.dumps(item))


def _join(split: _Split, path: Path, card: dict[str, Any]) -> None:
    """Write the JSON of a split from its two parts."""
    licenses = [{"id": 1, "name": card["licence"], "url": ""}]
    head = {"info": {"description": card["plan"]["name"], "version": card["digest"][:12]}, "licenses": licenses}
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + f', "categories": {json.dumps([CATEGORY])}, "images": [\n')
        for part, end in ((split.images, '\n], "annotations": [\n'), (split.annotations, "\n]}\n")):
            part.seek(0)
            while block := part.read(1 << 20):
                file.write(block)
            file.write(end)
            part.close()
