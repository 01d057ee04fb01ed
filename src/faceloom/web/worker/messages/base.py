"""The types that all messages share: priorities, errors, references to people, and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Generic, TypeVar

from faceloom.errors import FaceloomError
from faceloom.store.models import Failure

Result = TypeVar("Result", covariant=True)
AttributeValues = Mapping[str, float]
"""Values by attribute name, in the units of `analyze.attributes`."""

Point = tuple[float, float]
"""(x, y) as fractions of the picture's sides, 0...1; the origin is the top left corner."""


class Priority(IntEnum):
    """Priority of a task; the task with the lowest value runs first.

    PREVIEW and INTERACTIVE have a thread each. The others share one thread. From PRERENDER on, a task is canceled when
    a task with a lower value waits for that thread.
    """

    PREVIEW = -2
    INTERACTIVE = -1
    ENCODE = 0
    FILM = 1
    CALIBRATE = 2
    PRERENDER = 3
    CAST = 4
    IMPROVE = 5


class WorkerError(FaceloomError):
    """An error that the worker reported: `failure.code` is its code."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, failure.hint)
        self.failure = failure

    @property
    def code(self) -> str:
        """The code of the failure."""
        return self.failure.code


@dataclass(frozen=True)
class PersonRef:
    """A reference to a person in a folder of a visit: a base latent code, moved by coefficients.

    `base` is `''` for the likeness as encoded, or the number of a base that was made by mixing or dragging. `edited`
    names the attributes that the coefficients edit: the picture changes only in their regions. `style` is the name of
    the style that the person is drawn in, '' for none.
    """

    folder: str
    person: str
    base: str = ""
    coefficients: AttributeValues = field(default_factory=dict)
    edited: tuple[str, ...] = ()
    style: str = ""

    @property
    def path(self) -> Path:
        """The path of the base's likeness file."""
        return Path(self.folder) / f"{self.person}{'.' if self.base else ''}{self.base}.likeness"

    @property
    def encoded_path(self) -> Path:
        """The path of the likeness as encoded, which holds the tuned weights for all bases of the person."""
        return Path(self.folder) / f"{self.person}.likeness"


class Task(Generic[Result]):
    """A task for the worker; `Result` is the type of its result."""
