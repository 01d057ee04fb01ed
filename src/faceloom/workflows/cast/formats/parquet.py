"""A manifest of all pictures in Parquet, with the columns of metadata.jsonl. Needs the extra 'cast'."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faceloom.errors import MissingExtra
from faceloom.workflows.cast.formats.entries import Entry

NAME = "manifest.parquet"
ROWS_AT_ONCE = 1000


def check() -> None:
    """Raise MissingExtra when pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingExtra("the Parquet manifest", "cast") from error


def write(entries: Iterable[Entry], folder: Path, card: dict[str, Any]) -> None:
    """Write manifest.parquet; `file_name` is that of the image folder, with its split."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = _rows(entries)
    first = next(rows, None)
    if first is None:
        return
    schema = pa.schema([(name, _type_of(pa, value)) for name, value in first.items()])
    with pq.ParquetWriter(folder / NAME, schema, compression="zstd") as writer:
        rows = itertools.chain([first], rows)
        while batch := list(itertools.islice(rows, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(batch, schema))


def _rows(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield {**entry.row, "file_name": f"{entry.split}/{entry.folder}/{entry.picture.name}"}


def _type_of(pa: Any, value: Any) -> Any:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    return pa.list_(pa.float64()) if isinstance(value, list) else pa.string()
