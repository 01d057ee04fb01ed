"""Models of the REST API's requests: JSON bodies and query parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, create_model

from faceloom.analyze.attributes import SLIDERS, TABLE
from faceloom.edit.grammar import MAX_CHARACTERS
from faceloom.web.settings import MIN_CAST_SIZE
from faceloom.web.worker.messages import AxisMethod, CastBackground, PrintForm

MAX_SEED = 2**31
LAYER_GROUPS = r"^(coarse|middle|fine)(,(coarse|middle|fine))*$"

Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
PersonId = Annotated[str, Field(max_length=64)]
LikenessId = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
ImageSize = Annotated[int, Query(ge=64, le=1024, description="Side of the picture in pixels")]
Sequence = Annotated[int, Query(ge=0, le=2**53, description="Number that grows with every request of the page")]


class RequestModel(BaseModel):
    """A request without unknown fields and without infinite numbers."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


# -- the visit --------------------------------------------------------------------------------------------------------


class ConsentAnswer(RequestModel):
    """The visitor's answer to the request for consent."""

    agreed: bool


class ChosenFaces(RequestModel):
    """Numbers of the chosen faces of the photo."""

    chosen: list[int] = Field(max_length=8)


class Screen(RequestModel):
    """A screen that the page can open by itself."""

    state: Literal["play", "friend", "finish"]


# -- people -----------------------------------------------------------------------------------------------------------


class SliderFields(RequestModel):
    """The base of models that hold slider values; their fields come from the table of attributes."""

    def slider_values(self) -> dict[str, float]:
        """Return the values that the request contains, by attribute."""
        return self.model_dump(include=set(SLIDERS), exclude_none=True)


def _slider_fields() -> dict[str, Any]:
    """Return one optional field for each slider, with its range and unit."""
    return {
        name: (
            float | None,
            Field(None, ge=slider.low, le=slider.high, description=f"{TABLE[name].words['en'].label}: {_unit(name)}"),
        )
        for name, slider in SLIDERS.items()
    }


def _unit(name: str) -> str:
    attribute = TABLE[name]
    return f"change in {attribute.unit}" if attribute.is_change else attribute.unit


if TYPE_CHECKING:

    class SliderValues(SliderFields):
        """Slider values: changes in years and degrees, and probabilities."""

    class PreviewQuery(SliderFields):
        """Query of a preview: slider values, `size` in pixels, and `n`, a number that grows with every request."""

        n: int
        size: int

    class LikenessEdit(SliderFields):
        """An edit of a likeness: its id, slider values and words; `force` lifts the bounds of the edit."""

        likeness: str
        say: str | None
        force: bool

else:
    SliderValues = create_model(
        "SliderValues",
        __base__=SliderFields,
        __doc__="Slider values: changes in years and degrees, and probabilities.",
        **_slider_fields(),
    )
    PreviewQuery = create_model(
        "PreviewQuery",
        __base__=SliderFields,
        __doc__="Query of a preview: slider values, and the size of the picture.",
        **_slider_fields(),
        n=(int, Field(0, ge=0, le=2**53, description="Number that grows; older requests are answered 409 'stale'")),
        size=(int, Field(512, ge=64, le=1024, description="Side of the picture in pixels")),
    )
    LikenessEdit = create_model(
        "LikenessEdit",
        __base__=SliderFields,
        __doc__="An edit of a likeness: its id, and slider values or words.",
        likeness=(LikenessId, ...),
        say=(
            str | None,
            Field(
                None,
                max_length=MAX_CHARACTERS,
                description="Changes in English words, as 'ten years older, no glasses'; from what the picture shows",
            ),
        ),
        force=(bool, Field(False, description="Whether the edit may change other attributes beyond their bounds")),
        **_slider_fields(),
    )


class PersonMix(RequestModel):
    """A mix: the other face (a person's id, `seed:7` or `sample:1`), and the layers that come from it."""

    model_config = ConfigDict(populate_by_name=True)

    other: str = Field(alias="with", max_length=64)
    layers: str = Field(default="coarse", pattern=LAYER_GROUPS, max_length=40)


class StyleChoice(RequestModel):
    """The name of one of the booth's styles, or an empty one for a photo."""

    style: str = Field(max_length=40)


class FriendCodeEntry(RequestModel):
    """The code of another visit."""

    code: str = Field(max_length=12)


class Parents(RequestModel):
    """Two people, and a seed for their children.

    Children `first` to `first + count - 1` of the seed are made. `balance` is 0 for children that take after `a`, 1 for
    children that take after `b`. Another generator than the default one ignores `age`.
    """

    a: PersonId
    b: PersonId
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    age: float = Field(default=6, ge=2, le=30, description="Age of the children in years")
    balance: float = Field(default=0.5, ge=0, le=1)
    first: int = Field(default=0, ge=0, le=MAX_SEED)
    count: int = Field(default=9, ge=1, le=9)


class FilmRequest(RequestModel):
    """A film: two people, `a` and `b`, who morph into each other, or one `person` from as encoded to as shown now."""

    a: str | None = Field(default=None, max_length=64)
    b: str | None = Field(default=None, max_length=64)
    person: str | None = Field(default=None, max_length=64)


# -- downloads --------------------------------------------------------------------------------------------------------


class FinishRequest(RequestModel):
    """A person, and the form of the download."""

    person: PersonId
    form: PrintForm | Literal["film"] = "single"


class FamilyRequest(RequestModel):
    """A family portrait: the parents `a` and `b`, and up to six of their children."""

    a: PersonId
    b: PersonId
    children: list[PersonId] = Field(min_length=1, max_length=6)


class GalleryChoice(RequestModel):
    """A choice to show a picture in the gallery or not."""

    shown: bool


# -- the API ----------------------------------------------------------------------------------------------------------


class LikenessMix(RequestModel):
    """A mix of likenesses: `a` receives layers of `b`, which may be `seed:7`."""

    a: LikenessId
    b: str = Field(max_length=64)
    layers: str = Field(default="coarse", pattern=LAYER_GROUPS, max_length=40)


class ChildRequest(RequestModel):
    """A child of two likenesses: its number among the siblings of a seed, its age, and the parent that it resembles."""

    a: LikenessId
    b: LikenessId
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    number: int = Field(default=0, ge=0, le=MAX_SEED)
    age: float = Field(default=6, ge=2, le=30, description="Age in years; another generator ignores it")
    balance: float = Field(default=0.5, ge=0, le=1, description="0 takes after `a`, 1 after `b`")


class MorphRequest(RequestModel):
    """Two likenesses that morph into each other in a film."""

    a: LikenessId
    b: LikenessId


class GenerateRequest(RequestModel):
    """A seed and the truncation of the generated face."""

    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    psi: float = Field(default=0.7, ge=0, le=1, description="Truncation: 0 is the mean face, 1 is none")


# -- the Lab ----------------------------------------------------------------------------------------------------------

AxisAmount = Annotated[float, Field(ge=-6, le=6)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class LabFaceQuery(RequestModel):
    """A face of the Lab: of a seed or a person of the visit, truncated, and moved along two axes."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    person: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")
    psi: float = Field(default=0.7, ge=-1.5, le=1.5, description="Truncation: 0 is the mean face")
    cutoff: int = Field(default=64, ge=0, le=64, description="Number of layers that are truncated, the coarsest first")
    method: AxisMethod = Field(default="pca", description="Method that discovered the axes")
    x_axis: int = Field(default=1, ge=1, le=64)
    x: AxisAmount = Field(default=0.0, description="Standard deviations along the first axis")
    y_axis: int = Field(default=2, ge=1, le=64)
    y: AxisAmount = Field(default=0.0, description="Standard deviations along the second axis")
    layers: Literal["all", "coarse", "middle", "fine"] = Field(default="all", description="Layers that are moved")
    size: int = Field(default=512, ge=64, le=1024, description="Side of the picture in pixels")


class DragRequest(LabFaceQuery):
    """A drag: each handle is moved to its target. Points are (x, y) in fractions of the picture's sides."""

    handles: list[tuple[Fraction, Fraction]] = Field(min_length=1, max_length=8)
    targets: list[tuple[Fraction, Fraction]] = Field(min_length=1, max_length=8)
    around: Fraction = Field(
        default=0.0, description="Radius around the paths; the face outside is held. 0: nothing is"
    )


# -- casts ------------------------------------------------------------------------------------------------------------

MAX_PEOPLE = 10_000  # beyond the limits of every server
PersonNumber = Annotated[int, Field(ge=1, le=MAX_PEOPLE)]


class CastRequest(RequestModel):
    """A cast: a brief, or a plan as plain data. The other fields take the place of the plan's own."""

    brief: str = Field(default="", max_length=400, description="As '12 film extras, 20 to 70, half women, neutral'")
    plan: dict[str, Any] = Field(
        default={}, description="The keys of a plan's TOML file: people, attributes, cells, pictures, splits and others"
    )
    seed: int | None = Field(default=None, ge=0, le=40_000, description="Another seed gives other people")
    size: int | None = Field(
        default=None,
        ge=MIN_CAST_SIZE,
        le=2048,
        description="Side of the pictures in pixels, 512 unless the plan says so",
    )
    background: CastBackground | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields that take the place of the plan's own."""
        return self.model_dump(include={"seed", "size", "background"}, exclude_none=True)


class CastReplacement(RequestModel):
    """Numbers of people, from 1, who are replaced by others of their cells."""

    people: list[PersonNumber] = Field(min_length=1, max_length=100)


# -- the operator -----------------------------------------------------------------------------------------------------


class Login(RequestModel):
    """The operator's PIN."""

    pin: str = Field(max_length=32)
