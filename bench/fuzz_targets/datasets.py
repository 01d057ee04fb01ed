"""Fuzzing of datasets: zip and tar archives, tables of metadata, and labels."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from PIL import Image

from faceloom.datasets import Dataset, SourceConfig, open_source
from faceloom.datasets.labels import read_labels
from faceloom.datasets.metadata import read_table
from faceloom.errors import ImageError, MissingExtra, StoreError
from faceloom.images import photo
from tests.datasets.picture_files import encode_image, make_tar, make_zip

TABLES = {b"c": "table.csv", b"l": "table.jsonl", b"j": "dataset.json"}
"""Formats of tables by the first byte of an input; every other input is an archive."""
READ_PICTURES = 2  # pictures of an archive that are opened
MAX_PIXELS = 1_000_000  # lower than in use, so that more inputs are read


def seeds(folder: Path) -> dict[str, bytes]:
    """Return small archives with every kind of table, and tables by themselves."""
    picture = encode_image(Image.new("RGB", (8, 8), (200, 100, 50)))
    labels = json.dumps({"labels": [["a/1.png", 0], ["a/2.png", 1]]})
    ours = {"classes": ["x", "y"], "images": [{"name": "1.png", "license": "CC0", "split": "train"}]}
    whole = json.dumps({"labels": {"1.png": 0, "2.png": 1}, "faceloom": ours})
    csv = "file_name,label,license,split\n1.png,cat,CC0,train\n2.png,dog,CC0,val\n"
    lines = '{"file_name": "1.png", "label": 1}\n{"file_name": "2.png", "label": [0.5, 1]}\n'
    pictures = {"1.png": picture, "2.png": picture}
    contents = {
        "zip": make_zip(folder / "a", pictures),
        "zip of folders": make_zip(folder / "b", {"top/train/cat/1.png": picture, "top/val/dog/2.png": picture}),
        "zip with labels": make_zip(folder / "c", {"a/1.png": picture, "a/2.png": picture, "dataset.json": labels}),
        "zip with our table": make_zip(folder / "d", pictures | {"dataset.json": whole}),
        "zip with CSV": make_zip(folder / "e", pictures | {"metadata.csv": csv}),
        "tar": make_tar(folder / "f", pictures),
        "tar with sidecars": make_tar(folder / "g", {"1.png": picture, "1.json": '{"label": 3}', "1.cls": "3"}),
        "tar with JSON lines": make_tar(folder / "h", pictures | {"metadata.jsonl": lines}),
    }
    tables = {"CSV": f"c{csv}", "JSON lines": f"l{lines}", "JSON": f"j{whole}", "JSON labels": f"j{labels}"}
    return {name: path.read_bytes() for name, path in contents.items()} | {k: v.encode() for k, v in tables.items()}


def words() -> Iterable[str]:
    """Return columns, keys, and parts of names that archives are refused for."""
    return (
        "dataset.json", "metadata.csv", "metadata.jsonl", "file_name", "label", "labels", "classes", "images",
        "faceloom", "split", "train", "val", "../", "/etc/passwd", "C:\\\\", "ustar", ".png", ".json", ".cls", "NaN",
        "1e308", "9" * 40,
    )  # fmt: skip


@contextmanager
def reading(scratch: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that reads an archive or a table; our own errors are the only ones that it may raise."""
    path = scratch / "file"

    def read(data: bytes) -> None:
        if name := TABLES.get(data[:1]):
            read_as_table(data[1:], name)
            return
        path.write_bytes(data)
        with suppress(StoreError, ImageError, MissingExtra):
            dataset = Dataset.open(path)
            for number in range(min(len(dataset), READ_PICTURES)):
                dataset[number]
        for labels in ("auto", "folders"):
            with suppress(StoreError, ImageError, MissingExtra):
                for record in islice(open_source(path, SourceConfig(labels=labels)).records, READ_PICTURES):
                    record.open()

    before, photo.MAX_PIXELS = photo.MAX_PIXELS, MAX_PIXELS
    yield read
    photo.MAX_PIXELS = before


def read_as_table(data: bytes, name: str) -> None:
    """Read a table of facts, and its labels where it is a dataset.json."""
    with suppress(StoreError):
        read_table(io.BytesIO(data), name)
    if name == "dataset.json":
        with suppress(StoreError, ValueError, AttributeError, RecursionError):
            content = json.loads(data).get("labels")
            with suppress(StoreError):
                try:
                    read_labels(content, ["1.png", "a/1.png"], "file")
                except (ValueError, AttributeError, RecursionError) as error:
                    raise AssertionError(f"reading labels raised {error!r}") from error
