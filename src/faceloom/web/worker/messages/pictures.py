"""Messages of tasks that draw pictures and films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from faceloom.web.worker.messages.base import AttributeValues, PersonRef, Task


@dataclass(frozen=True)
class Preview(Task[bytes]):
    """Predict and draw the face at slider `values`, without steering.

    The prediction starts from `person`, who was edited to the values `anchor`.
    """

    person: PersonRef
    anchor: AttributeValues
    values: AttributeValues
    size: int


@dataclass(frozen=True)
class Prerender(Task[None]):
    """Draw the previews of all positions of some sliders in advance; `refresh` drops the previews drawn before."""

    person: PersonRef
    anchor: AttributeValues
    sliders: tuple[str, ...]
    refresh: bool


@dataclass(frozen=True)
class Render(Task[bytes]):
    """Draw a person as JPEG; `size` None is the generator's own size. Without `marked` the picture has no marks."""

    person: PersonRef
    size: int | None = None
    marked: bool = True


@dataclass(frozen=True)
class RenderBetween(Task[bytes]):
    """Draw the face between two people, `t` 0...1."""

    a: PersonRef
    b: PersonRef
    t: float
    size: int


@dataclass(frozen=True)
class RenderSeed(Task[bytes]):
    """Draw the generated face of a seed."""

    seed: int
    psi: float
    size: int


LabelPlace = Literal["bottom right", "bottom left", "top right", "top left"]


@dataclass(frozen=True)
class VisibleLabel:
    """The label in a picture that says that it is AI-generated: its words and its corner."""

    text: str = "AI-generated with faceloom"
    place: LabelPlace = "bottom right"
    shown: bool = True


@dataclass(frozen=True)
class FilmProgress:
    """The part of a film that is drawn, 0...1."""

    progress: float


@dataclass(frozen=True)
class MakeFilm(Task[str]):
    """Write a film that morphs through people and back; the result is the file's name. Reports FilmProgress.

    `path` has no suffix: the suffix depends on which encoders are installed.
    """

    people: tuple[PersonRef, ...]
    path: str
    frames: int
    size: int
    label: VisibleLabel = VisibleLabel()


ShowKind = Literal["reveal", "boomerang"]
"""A film of one person: from a child to an old face, or a smile there and back."""


@dataclass(frozen=True)
class MakeShow(Task[str]):
    """Write a short film of one person, who was edited to the values `anchor`; the result is the file's name.

    `animated` writes an animated WebP instead of MP4. Reports FilmProgress.
    """

    person: PersonRef
    anchor: AttributeValues
    kind: ShowKind
    path: str
    size: int
    animated: bool = False
    label: VisibleLabel = VisibleLabel()
