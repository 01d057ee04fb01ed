"""Messages of prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from faceloom.web.worker.messages.base import AttributeValues, PersonRef, Task
from faceloom.web.worker.messages.pictures import VisibleLabel


@dataclass(frozen=True)
class PrintSize:
    """Width and height of a print in pixels."""

    width: int
    height: int


PrintForm = Literal["single", "strip", "4x6", "paste_back"]
PrintTemplate = Literal["portrait", "landscape"]
MAIN_PLACE = 50.0
"""Place of the main picture on the paper of a print."""


@dataclass(frozen=True)
class PrintStep:
    """A picture that may stand beside the main one: a person, moved to `values` as the slider curves predict it.

    `place` orders the pictures on the paper: the photo has place 0, and the main picture has MAIN_PLACE.
    """

    person: PersonRef
    place: float
    values: AttributeValues = field(default_factory=dict)


@dataclass(frozen=True)
class PrintDesign:
    """The look of paper: its texts and colors (as #rrggbb), and the paths of the logo and of the frame, or ''.

    The frame is laid over the paper, from edge to edge.
    """

    event: str = ""
    date: str = ""
    paper: str = "#ffffff"
    ink: str = "#201e1c"
    template: PrintTemplate = "portrait"
    logo: str = ""
    frame: str = ""
    label: str = VisibleLabel.text


@dataclass(frozen=True)
class MakePrint(Task[PrintSize]):
    """Write a picture for the visitor to `path`.

    `steps` are candidates for the pictures beside the main one, the most important one first. `anchor` holds the slider
    values to which `person` was edited.
    """

    person: PersonRef
    steps: tuple[PrintStep, ...]
    form: PrintForm
    path: str
    photo: str | None
    anchor: AttributeValues = field(default_factory=dict)
    design: PrintDesign = field(default_factory=PrintDesign)
    label: VisibleLabel = field(default_factory=VisibleLabel)
