"""Messages of casts: generated people to order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from faceloom.store.models import CastPlan
from faceloom.web.worker.messages.base import AttributeValues, Task

CastFormat = Literal["imagefolder", "coco", "webdataset", "nvidia", "parquet"]
CastBackground = Literal["generated", "transparent", "white", "gray", "green"]


@dataclass(frozen=True)
class ReadCastPlan(Task[CastPlan]):
    """Read a plan: a brief, or plain data as in a plan's TOML file; `fields` take the place of the plan's own."""

    brief: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TriedCell:
    """A cell after a trial; `can_draw` is null for a cell that was not tried, and `reason` says why it is false."""

    cell: str
    share: float
    people: int
    can_draw: bool | None
    reason: str


@dataclass(frozen=True)
class CastEstimate:
    """The expected seconds and bytes of a cast, from a trial of some people; `peak_bytes` are needed on the way."""

    people: int
    pictures: int
    trial_people: int
    seconds: float
    bytes: int
    peak_bytes: int
    cells: tuple[TriedCell, ...]


@dataclass(frozen=True)
class EstimateCast(Task[CastEstimate]):
    """Draw some people of a plan, and estimate the time and the space of all."""

    plan: CastPlan


@dataclass(frozen=True)
class CastPerson:
    """A person who was cast.

    The number is from 1; `met` is whether the person lies in the cell, and `problem` says why not. `times_cast` grows
    when the person is replaced.
    """

    number: int
    cell: str
    met: bool
    problem: str
    traits: AttributeValues
    pictures: int
    times_cast: int


@dataclass(frozen=True)
class CastProgress:
    """The part of a cast that is done, 0...1, or null where only `people` are told: those of a completed shard."""

    progress: float | None = None
    people: tuple[CastPerson, ...] = ()


@dataclass(frozen=True)
class MakeCast(Task[tuple[CastPerson, ...]]):
    """Cast the people of a plan into the folder of a visit; the result is all of them. Reports CastProgress.

    What an interrupted task left is continued. A finished cast is read only.
    """

    folder: str
    plan: CastPlan


@dataclass(frozen=True)
class ReplaceCastPeople(Task[tuple[CastPerson, ...]]):
    """Replace people of a finished cast by others of the same cells; the result is all people. Reports CastProgress."""

    folder: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class DrawCastPerson(Task[bytes]):
    """Draw the first picture of a person of a cast as JPEG; `size` is the side in pixels."""

    folder: str
    number: int
    size: int


@dataclass(frozen=True)
class ExportCast(Task[str]):
    """Write a finished cast as a zip of a format, unless it is there; the result is the name of the file."""

    folder: str
    format: CastFormat
