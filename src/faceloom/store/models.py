"""Visits, people and downloads as they are stored: pydantic models of plain data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from faceloom.errors import FaceloomError

Unit = Literal["years", "degrees", "probability", "points"]
Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels of the photo; the origin is the top left corner."""

VisitKind = Literal["booth", "api", "cast"]
"""A visit of a person, a likeness of a program, or a cast."""

VisitState = Literal["consent", "camera", "who", "encoding", "play", "friend", "finish"]


class Value(BaseModel):
    """A frozen value without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Failure(Value):
    """An error as it is stored and sent: a code for programs, a message and a hint for people."""

    code: str
    message: str
    hint: str = ""

    @classmethod
    def from_error(cls, error: FaceloomError) -> Failure:
        """Return the failure that an error describes."""
        return cls(code=error.code, message=error.message, hint=error.hint)


class Quality(Value):
    """Measures of the likeness against its photo; every field is null for a generated face."""

    lpips: float | None = None
    mse: float | None = None
    identity: float | None = Field(default=None, description="Identity similarity to the photo, a cosine of -1...1")
    word: str | None = None


class Slider(Value):
    """One slider of a person: its range, its unit, and the value `me` at which it changes nothing."""

    name: str
    min: float
    max: float
    unit: Unit
    me: float


class PhotoFace(Value):
    """A face in the visit's photo; `size` is its side in pixels."""

    number: int
    box: Box
    size: int


ConsentKind = Literal["visitor", "guardian", "program"]
"""The person who agreed: the visitor, the guardian of a minor, or the people a program of the API vouches for."""


class Consent(Value):
    """A consent: the version of the text, and the time (ISO 8601, UTC)."""

    at: str
    text: str
    retention_minutes: float
    kind: ConsentKind = "visitor"


class EditOutcome(Value):
    """The outcome of an edit: what it reached, and what stopped it."""

    reached: dict[str, float] = Field(
        default={}, description="Value that each edited attribute reached, in the units of the request"
    )
    limited_by: list[str] = Field(
        default=[],
        description="Attributes whose bounds stopped the edit, the tightest first; `identity` is one of them",
    )
    kept: bool = Field(default=True, description="Whether the edit reached every requested value within all bounds")


class Step(BaseModel):
    """One entry of a person's history: the base latent code, the slider values, and the coefficients they led to."""

    model_config = ConfigDict(frozen=True)

    base: str = ""
    controls: dict[str, float] = {}
    coefficients: dict[str, float] = {}
    outcome: EditOutcome = EditOutcome()
    traits: dict[str, float] | None = None
    sliders: list[Slider] | None = None
    of: list[str] = Field(default=[], description="Ids of the people of other visits whose layers this step holds")
    style: str = Field(default="", description="Name of the style that the person is drawn in")


class KeptStep(Step):
    """A step that the visitor kept."""

    id: str

    @property
    def step(self) -> Step:
        """The step itself, without the id."""
        return Step.model_validate(self.model_dump(exclude={"id"}))


class Person(BaseModel):
    """A person of a visit: photographed, generated, or a child of two others."""

    id: str
    visit: str
    number: int
    face: int | None = None
    photo: str | None = None
    playable: bool = False
    better: bool = Field(default=False, description="Whether the likeness is still being improved in the background")
    improved: float = Field(default=0.0, description="Seconds of improvement so far")
    crop: bool = Field(default=False, description="Whether the aligned crop of the photo is on disk")
    error: Failure | None = None
    quality: Quality = Quality()
    traits: dict[str, float] = {}
    sliders: list[Slider] = []
    history: list[Step] = [Step()]
    at: int = Field(default=0, description="Index of the step of the history that is shown")
    kept: list[KeptStep] = []
    bases: int = Field(default=0, description="Number of base latent codes made so far, by mixing or dragging")
    version: int = Field(default=0, description="Grows when pictures of this person must be drawn again")
    of: list[str] = Field(default=[], description="Ids of the parents and of their ancestors")
    parents: list[str] = []
    seed: int | None = None
    inherited: dict[str, float] = {}
    borrowed: dict[str, list[str]] = Field(default={}, description="Bases that hold layers of another visit, by its id")

    @property
    def step(self) -> Step:
        """The step of the history that is shown."""
        return self.history[self.at]

    @property
    def shown_traits(self) -> dict[str, float]:
        """The attributes of the step that is shown."""
        return self.step.traits or self.traits

    @property
    def shown_sliders(self) -> list[Slider]:
        """The sliders of the step that is shown."""
        return self.step.sliders or self.sliders

    @property
    def neutral_values(self) -> dict[str, float]:
        """The value of each slider that is shown at which it changes nothing."""
        return {slider.name: slider.me for slider in self.shown_sliders}

    @property
    def slider_values(self) -> dict[str, float]:
        """The current value of every slider."""
        return self.neutral_values | self.step.controls


class CastCell(Value):
    """A joint group of a cast: its name, its share of all people, and how many of them."""

    cell: str
    share: float
    people: int


class CastPlan(Value):
    """A plan of a cast as the worker read it; `plan` is its plain data, and `pictures` counts those of all people."""

    plan: dict[str, Any]
    name: str
    people: int
    pictures: int
    size: int
    file_type: str
    cells: list[CastCell]


class Visit(BaseModel):
    """A visit; `created` and `expires` are seconds since 1970."""

    id: str
    kind: VisitKind
    state: VisitState
    created: float
    expires: float
    consent: Consent | None = None
    phone: str | None = Field(default=None, description="Token with which a phone may send the photo")
    photos: int = 0
    photo: str | None = None
    size: tuple[int, int] | None = None
    faces: list[PhotoFace] = []
    notes: list[str] = []
    friends: list[str] = Field(default=[], description="Ids of the visits that joined this one")
    place: int | None = Field(default=None, description="Place in the queue of encodings that the page was last told")
    touched: bool = False
    prints: int = Field(default=0, description="Number of pictures that this visit has printed")
    people: list[Person] = []
    cast: CastPlan | None = Field(default=None, description="The plan of a visit of the kind 'cast'")
    owner: str = Field(default="", description="Id of the visit that began this one, which is erased with it")


DownloadForm = Literal["single", "strip", "4x6", "paste_back", "film", "family"]


class Recipe(BaseModel):
    """Facts about the making of a download; `faceloom` is the version. A film has only its form."""

    model_config = ConfigDict(frozen=True)

    form: DownloadForm
    faceloom: str | None = None
    controls: dict[str, float] | None = None
    coefficients: dict[str, float] | None = None
    quality: Quality | None = None
    mixed: bool | None = Field(default=None, description="Whether layers of another face were mixed in")
    ai_generated: bool | None = None


class Download(BaseModel):
    """A picture or film that a visitor may download until `expires` (seconds since 1970), or longer in the gallery."""

    model_config = ConfigDict(frozen=True)

    id: str
    visit: str
    file: str
    expires: float
    gallery: bool
    recipe: Recipe
