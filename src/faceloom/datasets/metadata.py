"""What is said about pictures: labels, licences and origins, from CSV, JSON Lines and dataset.json. Opens none."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from faceloom.errors import StoreError

Label = int | str | tuple[float, ...] | None
"""A class by number, a class by name, a vector, or none."""

MAX_BYTES = 512 << 20
OURS = "faceloom"
"""Our key in dataset.json, beside the field's `labels`."""

_NAME = ("file_name", "file", "filename", "path", "image", "name")
_LABEL = ("label", "cls", "class")
_LICENCE = ("licence", "license")
_ORIGIN = ("origin", "source", "url")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one picture."""

    label: Label = None
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Table:
    """Facts by the picture's name, and how many rows `where` left out."""

    facts: Mapping[str, Facts]
    left_out: int = 0


@dataclass(frozen=True)
class Condition:
    """What a row must show to count: this value in this column, or any other."""

    column: str
    value: str
    is_wanted: bool = True

    def admits(self, row: Mapping[str, Any]) -> bool:
        """Whether the row counts."""
        return (_text(row[self.column]) == self.value) == self.is_wanted


@dataclass(frozen=True)
class Reading:
    """How a table is read: the column of labels (label, cls or class by default), and what rows must show to count."""

    label_column: str | None = None
    where: Sequence[Condition] = ()


def read_table(stream: BinaryIO, name: str, reading: Reading | None = None) -> Table:
    """Read a table by its name's ending: .csv, .jsonl, or .json (dataset.json, or a list of objects).

    Raises StoreError when it is damaged, too large, or has no column of files or none of those that are asked for.
    """
    reading = reading or Reading()
    try:
        data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise StoreError(f"{name} has more than {MAX_BYTES >> 20} MB", "no table of pictures is so large")
        rows = _rows(data.decode("utf-8-sig"), name)
        return _table(rows, name, reading)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError, csv.Error) as error:
        raise StoreError(
            f"cannot read the table {name}: {error}", "expected CSV, JSON Lines or dataset.json"
        ) from error


def facts_of(row: Mapping[str, Any], label_column: str | None = None) -> Facts:
    """Pick label, licence and origin out of one row."""
    label = row.get(label_column) if label_column else _first(row, _LABEL)
    return Facts(_label(label), _text(_first(row, _LICENCE)), _text(_first(row, _ORIGIN)))


def _rows(text: str, name: str) -> Iterable[Mapping[str, Any]]:
    if name.endswith(".csv"):
        return csv.DictReader(io.StringIO(text, newline=""))
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    content = json.loads(text)
    return content if isinstance(content, list) else _from_dataset_json(content)


def _from_dataset_json(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of NVIDIA's dataset.json, with what we wrote beside the labels."""
    ours = content.get(OURS) or {}
    rows = {str(row["name"]): {**row, "file": row["name"]} for row in ours.get("images", ())}
    labels = content.get("labels") or {}
    classes: Sequence[str] = ours.get("classes") or ()
    for name, label in labels.items() if isinstance(labels, dict) else labels:
        known = isinstance(label, int) and 0 <= label < len(classes)
        rows.setdefault(str(name), {"file": name})["label"] = classes[label] if known else label
    yield from rows.values()


def _table(rows: Iterable[Mapping[str, Any]], name: str, reading: Reading) -> Table:
    facts: dict[str, Facts] = {}
    left_out = 0
    for row in rows:
        file = _text(_first(row, _NAME)).replace("\\", "/")
        if not file:
            raise StoreError(f"{name} has no column of files", f"name it one of {', '.join(_NAME)}")
        for column in (*(condition.column for condition in reading.where), *filter(None, [reading.label_column])):
            if column not in row:
                raise StoreError(f"{name} has no column '{column}'", f"it has {', '.join(map(str, row))}")
        if all(condition.admits(row) for condition in reading.where):
            facts[file] = facts_of(row, reading.label_column)
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
