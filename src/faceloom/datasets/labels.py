"""Labels of a dataset: class numbers, class names or vectors of real numbers, checked and brought to one kind."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from faceloom.datasets.metadata import Label
from faceloom.errors import StoreError

LabelType = Literal["auto", "class", "vector"]
LABEL_TYPES: tuple[LabelType, ...] = get_args(LabelType)

MAX_CLASSES = 1 << 16
MAX_MAGNITUDE = 1e9  # maximum absolute value of a label's number; the square of larger ones overflows in training
MAX_TEXT = 10_000  # maximum length of a text that is read as numbers, in characters
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*[,;]\s*|\s+")


@dataclass(frozen=True)
class Labels:
    """The labels of all pictures as dataset.json stores them: class numbers or vectors, and the names of classes."""

    values: Sequence[int | Sequence[float]] | None = None
    classes: Sequence[str] = ()


def encode_labels(labels: Sequence[Label], label_type: LabelType = "auto") -> Labels:
    """Convert labels for dataset.json: numbers and vectors stay, names become numbers in alphabetical order.

    'auto' makes vectors of vectors and of real numbers, and classes of whole numbers and of names; 'class' and 'vector'
    choose one for all. Raises ValueError for a number that is not finite, beyond MAX_MAGNITUDE or, for a class, not
    from 0 to 65535, and for vectors that differ in length or are mixed with other labels.
    """
    if label_type == "vector" or (label_type == "auto" and _are_vectors(labels)):
        return Labels(_make_vectors(labels))
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
    if label is None:
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
