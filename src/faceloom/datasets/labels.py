"""Labels of a dataset: class numbers, class names or vectors of real numbers, checked and brought to one kind."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from faceloom.datasets.metadata import Label, LabelRow
from faceloom.errors import StoreError
from faceloom.label_columns import LabelColumn, measure_numbers

LabelType = Literal["auto", "class", "vector"]
LABEL_TYPES: tuple[LabelType, ...] = get_args(LabelType)

MAX_CLASSES = 1 << 16
MAX_COLUMN_CLASSES = 1000  # classes of one of several columns, each of which is a number of every label
MAX_MAGNITUDE = 1e9  # maximum absolute value of a label's number; the square of larger ones overflows in training
MAX_TEXT = 10_000  # maximum length of a text that is read as numbers, in characters
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*[,;]\s*|\s+")


@dataclass(frozen=True)
class Labels:
    """The labels of all pictures as dataset.json stores them: class numbers or vectors, and the names of classes.

    `columns` describe the parts of the vectors that have names; the vectors state their numbers in their own units.
    """

    values: Sequence[int | Sequence[float]] | None = None
    classes: Sequence[str] = ()
    columns: Sequence[LabelColumn] = ()


def encode_labels(
    labels: Sequence[Label], label_type: LabelType = "auto", columns: Mapping[str, LabelType] | None = None
) -> Labels:
    """Convert labels for dataset.json: numbers and vectors stay, names become numbers in alphabetical order.

    `columns` are the names of the columns, each with a type that replaces `label_type`. Several columns become vectors
    of their numbers and classes, one column of numbers a vector of one number.

    'auto' makes vectors of vectors and of real numbers, and classes of whole numbers and of names; 'class' and 'vector'
    choose one for all. Raises ValueError for a number that is not finite, beyond MAX_MAGNITUDE or, for a class, not
    from 0 to 65535, and for vectors that differ in length or are mixed with other labels.
    """
    columns = dict(columns or {})
    rows = [label.values for label in labels if isinstance(label, LabelRow)]
    if rows:
        return _encode_rows(rows, {name: label_type if kind == "auto" else kind for name, kind in columns.items()})
    label_type = next((kind for kind in columns.values() if kind != "auto"), label_type)
    if label_type == "vector" or (label_type == "auto" and _are_vectors(labels)):
        vectors = _make_vectors(labels)
        is_scalar = not isinstance(labels[0], tuple) and len(vectors[0]) == 1
        name, scalars = next(iter(columns), "label"), [vector[0] for vector in vectors]
        return Labels(vectors, columns=[measure_numbers(name, scalars)] if is_scalar else [])
    if all(isinstance(label, int) for label in labels) and (label_type == "auto" or _are_class_numbers(labels)):
        return Labels([_check_class(label) for label in labels if isinstance(label, int)])
    for label in labels:
        if isinstance(label, float) and not math.isfinite(label):
            raise ValueError(f"a label is {label}: expected a class, or a finite number")
        if isinstance(label, tuple):
            raise ValueError(f"label {_shorten(label)}: expected a class, got a vector")
    classes = sorted({_name(label) for label in labels})
    if len(classes) > MAX_CLASSES:
        raise ValueError(f"the labels have {len(classes)} different values: expected at most {MAX_CLASSES} classes")
    numbers = {name: number for number, name in enumerate(classes)}
    return Labels([numbers[_name(label)] for label in labels], classes)


def _encode_rows(rows: Sequence[tuple[int | float | str, ...]], types: Mapping[str, LabelType]) -> Labels:
    """Return the vectors of labels of several columns: a number for each column of numbers, one for each class.

    'auto' takes columns of real numbers as numbers, columns of names and of whole numbers as classes.
    """
    columns, parts = [], []
    for (name, label_type), values in zip(types.items(), zip(*rows, strict=True), strict=True):
        if label_type == "vector" or (label_type == "auto" and _are_vectors(values)):
            numbers = [vector[0] for vector in _make_vectors(values)]
            columns.append(measure_numbers(name, numbers))
            parts.append([[number] for number in numbers])
        else:
            classes = sorted({_name(value) for value in values}, key=_sort_key)
            if len(classes) > MAX_COLUMN_CLASSES:
                raise ValueError(
                    f"the column {name} has {len(classes)} different values: expected at most {MAX_COLUMN_CLASSES}; "
                    "use --label-type vector for measurements"
                )
            columns.append(LabelColumn(name, tuple(classes)))
            parts.append([columns[-1].encode(_name(value)) for value in values])
    vectors = [[entry for part in row for entry in part] for row in zip(*parts, strict=True)]
    return Labels(vectors, columns=columns)


def _sort_key(name: str) -> tuple[int, str]:
    """Return a key that sorts whole numbers by value and before names."""
    return (int(name), "") if re.fullmatch(r"-?\d{1,9}", name) else (1 << 31, name)


def read_labels(content: Any, names: Sequence[str], where: str, top: str = "") -> Labels:
    """Return the labels of dataset.json in the order of `names`; `where` is the dataset's name for messages.

    `top` is a folder that was stripped from `names`, but perhaps not from the names in dataset.json. Raises StoreError
    when a picture has no label, or the labels are not of one kind, not finite, or out of range.
    """
    if not content:
        return Labels()
    try:
        by_name = {str(name).replace("\\", "/"): label for name, label in dict(content).items()}
        found = [by_name.get(name, by_name.get(top + name)) for name in names]
        if None in found:
            raise StoreError(
                f"{found.count(None)} of {len(names)} pictures of {where} have no label", "make the dataset again"
            )
        if any(isinstance(label, str) for label in found):
            raise ValueError("a label is a text: expected numbers or vectors")
        labels = encode_labels([tuple(label) if isinstance(label, list) else label for label in found])
    except (TypeError, ValueError, ArithmeticError) as error:
        raise StoreError(f"the labels of {where} cannot be used: {error}", "make the dataset again") from error
    if labels.classes:
        raise StoreError(f"the labels of {where} are not all of one kind", "make the dataset again")
    return labels


def count_dimensions(labels: Labels) -> int:
    """Return the length of a label's vector: the highest class number and one, or the length of the vectors."""
    if not labels.values:
        return 0
    lengths = [label + 1 if isinstance(label, int) else len(label) for label in labels.values]
    return max(lengths)


def find_label_faults(classes: Mapping[str, int], pictures: int) -> list[str]:
    """Return a warning when (nearly) every picture has a class of its own. `classes` counts the pictures of each."""
    if len(classes) < 2 or not (len(classes) == pictures or (len(classes) >= 10 and 2 * len(classes) >= pictures)):
        return []
    return [
        f"{pictures} pictures have {len(classes)} classes, about one for each picture: these labels are probably names "
        "or measurements; use another --label-column, --label-type vector for measurements, or --labels none"
    ]


def _are_vectors(labels: Sequence[Label]) -> bool:
    """Return whether all labels are numbers or vectors, and not all are whole numbers."""
    return not all(isinstance(label, int) for label in labels) and all(_parse(label) is not None for label in labels)


def _are_class_numbers(labels: Sequence[Label]) -> bool:
    return all(isinstance(label, int) and 0 <= label < MAX_CLASSES for label in labels)


def _parse(label: Label) -> tuple[float, ...] | None:
    """Return the numbers of a label, infinity for those too large for a float; None when it is not of numbers."""
    if isinstance(label, str):
        parts = _SEPARATORS.split(label.strip("[]() ")) if len(label) <= MAX_TEXT else [label]
        return tuple(map(float, parts)) if all(map(_NUMBER.fullmatch, parts)) else None
    if label is None or isinstance(label, LabelRow):
        return None
    return tuple(_to_float(number) for number in (label if isinstance(label, tuple) else (label,)))


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _make_vectors(labels: Sequence[Label]) -> list[list[float]]:
    if any(isinstance(label, tuple) for label in labels) and not all(isinstance(label, tuple) for label in labels):
        raise ValueError("labels: expected vectors of one length, got vectors among other labels")
    vectors = []
    for label in labels:
        vector = _parse(label)
        if vector is None:
            raise ValueError(f"label {_shorten(label)}: expected a number or a vector of numbers")
        if not all(abs(number) <= MAX_MAGNITUDE for number in vector):  # also false for NaN
            raise ValueError(f"label {_shorten(label)}: expected finite numbers up to {MAX_MAGNITUDE:g}")
        vectors.append(list(vector))
    if len({len(vector) for vector in vectors}) > 1 or not all(vectors):
        raise ValueError("labels: expected vectors of one length, got other lengths among them")
    return vectors


def _check_class(label: int) -> int:
    if not 0 <= label < MAX_CLASSES:
        raise ValueError(
            f"label {_shorten(label)}: expected a class number from 0 to {MAX_CLASSES - 1}; "
            "use --label-type vector for measurements, class for names"
        )
    return int(label)


def _name(label: Label) -> str:
    return str(label)[:MAX_TEXT]


def _shorten(label: Label) -> str:
    return repr(label)[:60]
