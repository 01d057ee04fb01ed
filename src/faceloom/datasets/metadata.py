"""Tables of labels, licenses and origins of pictures: CSV, JSON Lines and dataset.json. Opens no pictures."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase
from typing import Any

from faceloom.datasets.folders import normalize_split
from faceloom.errors import StoreError
from faceloom.label_columns import Columns, from_json, split_vector


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label of several columns: one value for each of them."""

    values: tuple[int | float | str, ...]


Label = int | float | str | tuple[float, ...] | LabelRow | None
"""A class number, a real number, a class name or the text of a number, a vector, a row of columns, or no label."""

MAX_BYTES = 512 << 20  # maximum size of a table
MAX_VALUES = 20_000_000  # maximum number of values in a table; each costs about 100 bytes of memory
MAX_COLUMNS = 1000  # maximum number of columns of a CSV file
FACELOOM_KEY = "faceloom"
"""faceloom's key in dataset.json, beside NVIDIA's `labels`."""

_TABLE_ERRORS = (
    OSError,
    ArithmeticError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
    csv.Error,
)
_NAME_COLUMNS = ("file_name", "file", "filename", "path", "image", "name")
_LABEL_COLUMNS = ("label", "cls", "class")
_LICENSE_COLUMNS = ("licence", "license")
_ORIGIN_COLUMNS = ("origin", "source", "url")
SPLIT_COLUMN = "split"
SOURCE_TYPE_COLUMN = "digitalSourceType"
CREDENTIALS_COLUMN = "credentials"


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The facts about one picture: label, license, origin, split, and the marks of origin in its file.

    `source_type` is the IPTC's digital source type, `credentials` 'C2PA' for a file with content credentials.
    """

    label: Label = None
    license: str = ""
    origin: str = ""
    split: str = ""
    source_type: str = ""
    credentials: str = ""


@dataclass(frozen=True)
class Table:
    """Facts by the picture's name, and the names in the rows that conditions left out.

    `columns` describe the labels of a dataset of faceloom, unless other columns were requested.
    """

    facts: Mapping[str, PictureFacts]
    left_out: Collection[str] = ()
    columns: Columns = ()


@dataclass(frozen=True)
class Condition:
    """A condition on a table's row: the column has this value or, with `is_equal` False, any other value."""

    column: str
    value: str
    is_equal: bool = True

    def accepts(self, row: Mapping[str, Any]) -> bool:
        """Return whether the row satisfies the condition."""
        return (_text(row[self.column]) == self.value) == self.is_equal

    def accepts_split(self, split: str) -> bool:
        """Return whether a split by folders satisfies the condition; val and validation are one split, for example."""
        return (split == normalize_split(self.value)) == self.is_equal


@dataclass(frozen=True)
class TableConfig:
    """The columns of labels (by default label, cls or class), and conditions that rows must satisfy.

    `known_elsewhere` are columns whose conditions a table without the column ignores, because the folders decide them.
    """

    label_columns: Sequence[str] = ()
    where: Sequence[Condition] = ()
    known_elsewhere: Sequence[str] = ()


def read_table(stream: BufferedIOBase, name: str, reading: TableConfig | None = None) -> Table:
    """Read a table in the format of its ending: .csv, .jsonl, or .json (dataset.json, or a list of objects).

    Raises StoreError when it is damaged, too large, or lacks a column of files or a column named in `reading`.
    """
    reading = reading or TableConfig()
    try:
        text = read_bounded(stream, name).decode("utf-8-sig")
        content = json.loads(text) if name.endswith(".json") else None
        columns = _read_columns(content) if not reading.label_columns else ()
        reading = replace(reading, label_columns=[column.name for column in columns] or reading.label_columns)
        return replace(_table(_rows(text, content, name), name, reading), columns=columns)
    except _TABLE_ERRORS as error:
        raise StoreError(
            f"cannot read the table {name}: {error}", "expected CSV, JSON Lines or dataset.json"
        ) from error


def read_bounded(stream: BufferedIOBase, name: str) -> bytes:
    """Return the content of a table. Raises StoreError for more than MAX_BYTES, or more than MAX_VALUES values."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise StoreError(f"{name} has more than {MAX_BYTES >> 20} MB", "give a smaller table")
    if sum(data.count(separator) for separator in (b",", b"[", b"{", b"\n")) > MAX_VALUES:
        raise StoreError(f"{name} has more than {MAX_VALUES // 10**6} million values", "give a smaller table")
    return data


def parse_facts(row: Mapping[str, Any], label_columns: Sequence[str] = ()) -> PictureFacts:
    """Return the facts in one row. Raises ValueError, TypeError or OverflowError for a list that is not of numbers."""
    return PictureFacts(
        _row_label(row, label_columns),
        _text(_first(row, _LICENSE_COLUMNS)),
        _text(_first(row, _ORIGIN_COLUMNS)),
        *(_text(row.get(column)) for column in (SPLIT_COLUMN, SOURCE_TYPE_COLUMN, CREDENTIALS_COLUMN)),
    )


def _rows(text: str, content: Any, name: str) -> Iterable[Mapping[str, Any]]:
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if len(reader.fieldnames or ()) > MAX_COLUMNS:
            raise StoreError(f"{name} has more than {MAX_COLUMNS} columns", "give a table of fewer columns")
        return reader
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return content if isinstance(content, list) else _from_dataset_json(content)


def _from_dataset_json(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of NVIDIA's dataset.json, joined with faceloom's metadata."""
    ours = content.get(FACELOOM_KEY) or {}
    rows = {str(row["name"]): {**row, "file": row["name"]} for row in ours.get("images", ())}
    labels = content.get("labels") or {}
    classes: Sequence[str] = ours.get("classes") or ()
    for name, label in labels.items() if isinstance(labels, dict) else labels:
        is_class = isinstance(label, int) and 0 <= label < len(classes)  # a name, so that classes survive
        rows.setdefault(str(name), {"file": name})["label"] = classes[label] if is_class else label
    columns = _read_columns(content)
    for row in rows.values():
        yield row | split_vector(row.get("label"), columns)


def _read_columns(content: Any) -> Columns:
    """Return the columns of labels that a dataset.json of faceloom describes."""
    ours = content.get(FACELOOM_KEY) if isinstance(content, dict) else None
    return from_json(ours.get("label_columns")) if isinstance(ours, dict) else ()


def _table(rows: Iterable[Mapping[str, Any]], name: str, reading: TableConfig) -> Table:
    facts: dict[str, PictureFacts] = {}
    left_out: set[str] = set()
    for row in rows:
        file = _text(_first(row, _NAME_COLUMNS)).replace("\\", "/")
        if not file:
            raise StoreError(f"{name} has no column of file names", f"name it one of {', '.join(_NAME_COLUMNS)}")
        where = [c for c in reading.where if c.column in row or c.column not in reading.known_elsewhere]
        for column in (*(condition.column for condition in where), *reading.label_columns):
            if column not in row:
                raise StoreError(f"{name} has no column '{column}'", f"it has {', '.join(map(str, row))}")
        if all(condition.accepts(row) for condition in where):
            facts[file] = parse_facts(row, reading.label_columns)
        else:
            left_out.add(file)
    return Table(facts, left_out)


def _first(row: Mapping[str, Any], columns: Sequence[str]) -> Any:
    return next((row[column] for column in columns if row.get(column) not in (None, "")), None)


def _text(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _row_label(row: Mapping[str, Any], columns: Sequence[str]) -> Label:
    """Return the label in one row; a row that lacks a value in any of several columns has no label."""
    if len(columns) < 2:
        return _label(row.get(columns[0]) if columns else _first(row, _LABEL_COLUMNS))
    values = [_label(row.get(column)) for column in columns]
    plain = tuple(value for value in values if isinstance(value, int | float | str))
    return LabelRow(plain) if len(plain) == len(columns) else None


def _label(value: Any) -> Label:
    if value is None or value == "" or isinstance(value, dict):
        return None
    if isinstance(value, list):
        return tuple(float(number) for number in value)
    if isinstance(value, int) or re.fullmatch(r"-?\d{1,9}", str(value)):
        return int(value)
    return value if isinstance(value, float) else _text(value)
