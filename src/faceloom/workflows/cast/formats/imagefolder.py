"""Folders of pictures with a metadata.jsonl in each split, as `datasets.load_dataset("imagefolder")` reads them.

Source: Hugging Face Datasets, "ImageFolder with metadata"; a column NAME_file_name holds a second picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from faceloom.workflows.cast.formats.entries import Entry, place

TABLE = "metadata.jsonl"


def write(entries: Iterable[Entry], folder: Path, card: dict[str, Any]) -> None:
    """Write SPLIT/NNNN/*.png with masks beside them, and SPLIT/metadata.jsonl. Raises StoreError."""
    with ExitStack() as stack:
        tables: dict[str, TextIO] = {}
        for entry in entries:
            root = folder / entry.split
            if entry.split not in tables:
                root.mkdir(parents=True, exist_ok=True)
                tables[entry.split] = stack.enter_context((root / TABLE).open("w", encoding="utf-8"))
            row = {**entry.row, "file_name": f"{entry.folder}/{entry.picture.name}"}
            if not (root / row["file_name"]).exists():
                place(entry.picture, root / row["file_name"])
            if entry.mask is not None:
                row["mask_file_name"] = f"masks/{entry.folder}/{entry.stem}.png"
                place(entry.mask, root / row["mask_file_name"])
            tables[entry.split].write(json.dumps(row, ensure_ascii=False) + "\n")
