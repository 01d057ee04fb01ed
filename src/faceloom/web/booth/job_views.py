"""Models of the REST API's answers about jobs, and about the casts and the likenesses of programs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from faceloom.store.models import EditOutcome, Failure, Quality, Slider
from faceloom.web.booth.views import View
from faceloom.web.worker.messages import CastFormat

JobKind = Literal["encode", "film", "morph", "cast"]
JobState = Literal["running", "done", "failed"]
CastState = Literal["casting", "replacing", "done", "failed"]


# -- jobs -------------------------------------------------------------------------------------------------------------


class WordingView(View):
    """A clause of other words than the grammar knows, the phrase that it is taken for, and their cosine, 0...1."""

    clause: str
    phrase: str
    similarity: float


class LikenessView(View):
    """A likeness of the API: `likeness` is its id."""

    likeness: str
    image: str = Field(description="Address of the current picture")
    file: str = Field(description="Address of the .likeness file")
    quality: Quality
    traits: dict[str, float]
    controls: dict[str, float] = Field(description="Requested value of every slider")
    outcome: EditOutcome = Field(description="Outcome of the edit to these values")
    sliders: list[Slider]
    reworded: list[WordingView] = Field([], description="Clauses of `say` that were taken for other words")


class FilmView(View):
    """The download that holds a finished film."""

    take: str


class CastIdView(View):
    """The id of a cast that is done."""

    cast: str


class JobView(View):
    """A job: an encoding, a film or a cast. `url` is the address of the film or the cast when it is done."""

    id: str
    kind: JobKind
    state: JobState
    progress: float = Field(description="Finished part, 0...1")
    seconds_left: float | None = Field(description="Seconds until the job is done, or null before that is known")
    error: Failure | None
    url: str | None
    result: LikenessView | FilmView | CastIdView | None


# -- casts ------------------------------------------------------------------------------------------------------------


class CastOptionsView(View):
    """The limits and choices of casts on this server."""

    people: int = Field(description="Most people of a cast")
    size: int = Field(description="Largest side of the pictures in pixels")
    formats: list[CastFormat] = Field(description="Formats of archives whose libraries are installed")


class CastCellView(View):
    """A joint group of a cast: how many people it should hold, how many were drawn, and how many of those lie in it."""

    cell: str
    share: float
    people: int
    drawn: int
    met: int


class CastPersonView(View):
    """A person of a cast: the number from 1, the cell, and the address of the first picture, or null without one."""

    number: int
    cell: str
    met: bool = Field(description="Whether the picture lies in the cell, and the readings agree about it")
    problem: str = Field(description="Reason why not, or ''")
    traits: dict[str, float]
    pictures: int
    image: str | None


class CastView(View):
    """A cast, while it is made and afterwards. `job` is the latest: the casting, or a replacement of people."""

    id: str
    name: str
    people: int
    pictures: int = Field(description="Number of pictures of all people")
    size: int = Field(description="Side of the pictures in pixels")
    state: CastState
    job: JobView
    cells: list[CastCellView]
    cast: list[CastPersonView] = Field(description="The people who are cast already, by number")
    problems: int = Field(description="Number of people with a problem")
    plan: dict[str, Any] = Field(description="The plan as plain data, with which the same cast is made again")
    expires: str = Field(description="Time at which the cast is erased, ISO 8601, UTC")
