"""Settings that the operator may change, each with its bounds. They are stored in the booth's database."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from faceloom.web.worker.messages import LabelPlace, PrintTemplate, VisibleLabel

Language = Literal["en", "de", "es", "fr"]
Look = Literal["auto", "dark", "light"]
CameraChoice = Literal["browser", "webcam", "dslr", "pi"]
MIN_CAST_SIZE = 64  # pixels
COLOR = r"^#[0-9a-f]{6}$"


class BoothSettings(BaseModel):
    """The settings of a booth."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(default="faceloom", max_length=60, description="The event's name, shown on the first screen")
    look: Look = "auto"
    languages: list[Language] = Field(default=["en", "de", "es", "fr"], min_length=1, max_length=4)
    retention_minutes: float = Field(
        default=15, ge=1, le=240, description="Minutes without a request until a visit is erased"
    )
    take_minutes: float = Field(default=30, ge=1, le=1440, description="Minutes until a download is erased")
    idle_seconds: float = Field(
        default=90, ge=15, le=3600, description="Seconds without input until the page asks whether the visitor is there"
    )
    camera: CameraChoice = Field(
        default="browser", description="Camera of the booth's own screen: the browser's, or one that the booth opens"
    )
    countdown: int = Field(default=3, ge=0, le=10, description="Seconds that the page counts down before the photo")
    sound: bool = False
    encode_seconds: float = Field(default=10, ge=2, le=60, description="Seconds that an encoding may take")
    improve_seconds: float = Field(
        default=110, ge=0, le=600, description="Seconds of improvement in the background after an encoding"
    )
    kiosk: bool = False
    gallery: bool = Field(default=False, description="Whether visitors may put a picture into the gallery")
    slideshow: bool = Field(default=False, description="Whether the first screen shows the gallery")
    lab: bool = True
    phone: bool = Field(default=True, description="Whether a phone may send the photo, if it reaches the booth")
    cast_people: int = Field(default=100, ge=0, le=300, description="Most people of a cast; 0 closes casts")
    cast_size: int = Field(
        default=1024, ge=MIN_CAST_SIZE, le=1024, description="Largest side of the pictures of a cast in pixels"
    )
    cast_space: int = Field(default=2000, ge=10, le=100_000, description="Megabytes that all casts together may take")
    min_age: int = Field(
        default=0,
        ge=0,
        le=25,
        description="Youngest age in years, as the analyzer reads it, without a guardian; 0: none",
    )
    minors: Literal["guardian", "refuse"] = Field(
        default="guardian", description="For younger people: a guardian is asked, or they are refused"
    )
    printer: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9._-]*$", description="Name of a CUPS printer")
    copies: int = Field(default=1, ge=1, le=9, description="Most copies that a visitor prints at once")
    print_quota: int = Field(default=0, ge=0, le=100, description="Most pictures that a visit prints; 0 is no limit")
    print_template: PrintTemplate = "portrait"
    print_paper: str = Field(default="#ffffff", pattern=COLOR, description="Color of the paper's ground")
    print_ink: str = Field(default="#201e1c", pattern=COLOR, description="Color of the texts on paper")
    print_date: bool = Field(default=True, description="Whether the date is printed below the event's name")

    label_shown: bool = Field(default=True, description="Whether pictures carry a visible label: AI-generated")
    label_text: str = Field(
        default=VisibleLabel.text, min_length=2, max_length=60, description="Words of the visible label"
    )
    label_place: LabelPlace = Field(default="bottom right", description="Corner of the visible label")
    unmarked_api: bool = Field(
        default=False, description="Whether programs may ask for pictures without marks; each one is logged"
    )

    @property
    def label(self) -> VisibleLabel:
        """The visible label of pictures and films."""
        return VisibleLabel(self.label_text, self.label_place, self.label_shown)

    def public(self) -> PublicSettings:
        """Return the settings that every page reads."""
        return PublicSettings(
            **self.model_dump(include=set(PublicSettings.model_fields) - {"printing"}), printing=bool(self.printer)
        )


class PublicSettings(BaseModel):
    """The settings that every page reads; `printing` is whether a printer is set."""

    event: str
    look: Look
    languages: list[Language]
    retention_minutes: float
    take_minutes: float
    idle_seconds: float
    countdown: int
    sound: bool
    kiosk: bool
    gallery: bool
    slideshow: bool
    lab: bool
    phone: bool
    printing: bool
    copies: int
