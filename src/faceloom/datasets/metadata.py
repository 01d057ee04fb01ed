"""Tables of labels, licenses and origins of pictures: CSV, JSON Lines and dataset.json. Opens no pictures."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any

from faceloom.errors import StoreError

Label = int | str | tuple[float, ...] | None
"""A class number, a class name, a vector, or no label."""

MAX_BYTES = 512 << 20  # maximum size of a table
FACELOOM_KEY = "faceloom"
"""faceloom's key in dataset.json, beside NVIDIA's `labels`."""

_NAME_COLUMNS = ("file_name", "file", "filename", "path", "image", "name")
_LABEL_COLUMNS = ("label", "cls", "class")
_LICENSE_COLUMNS = ("licence", "license")
_ORIGIN_COLUMNS = ("origin", "source", "url")


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The label, license and origin of one picture."""

    label: Label = None
    license: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Table:
    """Facts by the picture's name, and the number of rows that conditions left out."""

    facts: Mapping[str, PictureFacts]
    left_out: int = 0


@dataclass(frozen=True)
class Condition:
    """A condition on a table's row: the column has this value or, with `is_equal` False, any other value."""

    column: str
    value: str
    is_equal: bool = True

    def accepts(self, row: Mapping[str, Any]) -> bool:
        """Return whether the row satisfies the condition."""
        return (_text(row[self.column]) == self.value) == self.is_equal


@dataclass(frozen=True)
class TableConfig:
    """The column of labels (by default label, cls or class), and conditions that rows must satisfy."""

    label_column: str | None = None
    where: Sequence[Condition] = ()


def read_table(stream: BufferedIOBase, name: str, reading: TableConfig | None = None) -> Table:
    """Read a table in the format of its ending: .csv, .jsonl, or .json (dataset.json, or a list of objects).

    Raises StoreError when it is damaged, too large, or lacks a column of files or a column named in `reading`.
    """
    reading = reading or TableConfig()
    try:
        data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise StoreError(f"{name} has more than {MAX_BYTES >> 20} MB", "give a smaller table")
        rows = _rows(data.decode("utf-8-sig"), name)
        return _table(rows, name, reading)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError, csv.Error) as error:
        raise StoreError(
            f"cannot read the table {name}: {error}", "expected CSV, JSON Lines or dataset.json"
        ) from error


def parse_facts(row: Mapping[str, Any], label_column: str | None = None) -> PictureFacts:
    """Return the label, license and origin in one row."""
    label = row.get(label_column) if label_column else _first(row, _LABEL_COLUMNS)
    return PictureFacts(_label(label), _text(_first(row, _LICENSE_COLUMNS)), _text(_first(row, _ORIGIN_COLUMNS)))


def _rows(text: str, name: str) -> Iterable[Mapping[str, Any]]:
    if name.endswith(".csv"):
        return csv.DictReader(io.StringIO(text, newline=""))
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    content = json.loads(text)
    return content if isinstance(content, list) else _from_dataset_json(content)


def _from_dataset_json(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of NVIDIA's dataset.json, joined with faceloom's metadata."""
    ours = content.get(FACELOOM_KEY) or {}
    rows = {str(row["name"]): {**row, "file": row["name"]} for row in ours.get("images", ())}
    labels = content.get("labels") or {}
    classes: Sequence[str] = ours.get("classes") or ()
    for name, label in labels.items() if isinstance(labels, dict) else labels:
        is_class = isinstance(label, int) and 0 <= label < len(classes)
        rows.setdefault(str(name), {"file": name})["label"] = classes[label] if is_class else label
    yield from rows.values()


def _table(rows: Iterable[Mapping[str, Any]], name: str, reading: TableConfig) -> Table:
    facts: dict[str, PictureFacts] = {}
    left_out = 0
    for row in rows:
        file = _text(_first(row, _NAME_COLUMNS)).replace("\\", "/")
        if not file:
            raise StoreError(f"{name} has no column of file names", f"name it one of {', '.join(_NAME_COLUMNS)}")
        for column in (*(condition.column for condition in reading.where), *filter(None, [reading.label_column])):
            if column not in row:
                raise StoreError(f"{name} has no column '{column}'", f"it has {', '.join(map(str, row))}")
        if all(condition.accepts(row) for condition in reading.where):
            facts[file] = parse_facts(row, reading.label_column)
        else:
            left_out += 1
    return Table(facts, left_out)


def _first(row: Mapping[str, Any], columns: Sequence[str]) -> Any:
    return next((row[column] for column in columns if row.get(column) not in (None, "")), None)


def _text(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _label(value: Any) -> Label:
    if value is None or value == "" or isinstance(value, dict):
        return None
    if isinstance(value, list):
        return tuple(float(number) for number in value)
    if isinstance(value, int) or re.fullmatch(r"\d{1,9}", str(value)):
        return int(value)
    return _text(value)
