"""Columns of labels: the classes and numbers that make up a generator's label, with their names and scales.

A label `c` is a vector. A column of classes fills one number for each class, 1 for the picture's class and 0 for the
others; a column of numbers fills one, standardized to mean 0 and deviation 1 over the dataset. People state values in
the columns' own units, by name. Works on plain numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from faceloom.errors import LatentError

MAX_COLUMNS = 256  # columns that are read from a card
MAX_NUMBER = 1e6  # largest absolute value of a number in a label
SPREAD = 7  # example labels before the numbers repeat


@dataclass(frozen=True)
class LabelColumn:
    """A column of labels: of classes when `classes` is not empty, else of numbers with their mean and deviation."""

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0

    @property
    def size(self) -> int:
        """The number of entries in a label's vector."""
        return len(self.classes) or 1

    def encode(self, value: str | float) -> list[float]:
        """Return the entries of the vector for a value in the column's own unit.

        Raises LatentError for an unknown class, text in place of a number, or a number that is not finite or too large.
        """
        if self.classes:
            text = str(value)
            if text not in self.classes:
                raise LatentError(f"{self.name} '{text[:40]}' is no class", f"choose one of {_list(self.classes)}")
            return [float(name == text) for name in self.classes]
        try:
            number = float(value)
        except ValueError as error:
            raise LatentError(f"{self.name} '{str(value)[:40]}' is not a number", f"as {self.mean:.3g}") from error
        if not abs(number) <= MAX_NUMBER:  # true for NaN, too
            raise LatentError(
                f"{self.name} {number} is out of range", f"numbers are from {-MAX_NUMBER:g} to {MAX_NUMBER:g}"
            )
        return [(number - self.mean) / self.std]


Columns = Sequence[LabelColumn]


def count_entries(columns: Columns) -> int:
    """Return the length of the label's vector that columns make up."""
    return sum(column.size for column in columns)


def encode_values(values: Mapping[str, str | float], columns: Columns) -> list[float]:
    """Return the label's vector of a value for each column, by name. Raises LatentError for a missing or other name."""
    names = [column.name for column in columns]
    for name in [*values, *names]:
        if name not in names:
            raise LatentError(f"'{name[:40]}' is not in the label", f"it has {_list(names)}")
        if name not in values:
            raise LatentError(f"the label lacks {name}", f"give all, as --label {describe_example(columns)}")
    return [entry for column in columns for entry in column.encode(values[column.name])]


def scale_vector(vector: Sequence[float], columns: Columns) -> list[float]:
    """Standardize the numbers of a label's vector that states them in the columns' units; classes stay."""
    scaled, start = list(vector), 0
    for column in columns:
        if not column.classes:
            scaled[start] = (vector[start] - column.mean) / column.std
        start += column.size
    return scaled


def split_vector(vector: Any, columns: Columns) -> dict[str, str | float | None]:
    """Return the values of the columns that a label's vector states in their own units; None for another vector."""
    if not isinstance(vector, list) or len(vector) != count_entries(columns):
        return dict.fromkeys(column.name for column in columns)
    values: dict[str, str | float | None] = {}
    start = 0
    for column in columns:
        part = vector[start : start + column.size]
        values[column.name] = column.classes[part.index(max(part))] if column.classes else float(part[0])
        start += column.size
    return values


def scales_of(columns: Columns) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and the deviation of each entry of a label's vector; 0 and 1 for those of classes."""
    means = tuple(column.mean for column in columns for _ in range(column.size))
    return means, tuple(column.std for column in columns for _ in range(column.size))


def measure_numbers(name: str, numbers: Sequence[float]) -> LabelColumn:
    """Return the column of numbers with their mean and deviation; the deviation of equal numbers counts as 1."""
    mean = math.fsum(numbers) / len(numbers)
    std = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))
    return LabelColumn(name, mean=mean, std=std or 1.0)


def example_label(columns: Columns, number: int) -> list[float]:
    """Return the label's vector number `number` of a series that shows all classes in turn, and numbers spread evenly.

    The numbers are quantiles of the normal distribution with the column's mean and deviation.
    """
    vector: list[float] = []
    for column in columns:
        if column.classes:
            chosen = column.classes[number % len(column.classes)]
            vector += column.encode(chosen)
            number //= len(column.classes)
        else:
            vector.append(NormalDist().inv_cdf((number % SPREAD + 0.5) / SPREAD))
            number //= SPREAD
    return vector


def describe_example(columns: Columns) -> str:
    """Return a label in words that a command takes, as kind=star,size=0.5."""
    values = (column.classes[0] if column.classes else f"{column.mean:.3g}" for column in columns)
    return ",".join(f"{column.name}={value}" for column, value in zip(columns, values, strict=True))


def to_json(columns: Columns) -> list[dict[str, Any]]:
    """Convert columns to JSON data."""
    return [asdict(column) for column in columns]


def from_json(content: Any) -> tuple[LabelColumn, ...]:
    """Read columns from JSON data; the result is empty when they are missing or damaged."""
    try:
        columns = tuple(_read_column(row) for row in content or ())
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return ()
    return columns if len(columns) <= MAX_COLUMNS else ()


def _read_column(row: Mapping[str, Any]) -> LabelColumn:
    column = LabelColumn(
        str(row["name"]), tuple(map(str, row.get("classes") or ())), float(row["mean"]), float(row["std"])
    )
    if not (math.isfinite(column.mean) and 0 < column.std < math.inf):
        raise ValueError("the scale of a column is not finite")
    return column


def _list(names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
