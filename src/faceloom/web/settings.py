"""What the operator may set, each with its bounds. Kept in the booth's database."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "de", "es", "fr"]


class BoothSettings(BaseModel):
    """The booth as the operator wants it."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(default="faceloom", max_length=60, description="The event's name, shown on the first screen")
    look: Literal["auto", "dark", "light"] = "auto"
    languages: list[Language] = Field(default=["en", "de", "es", "fr"], min_length=1, max_length=4)
    retention_minutes: float = Field(default=15, ge=1, le=240, description="Until a visit is wiped that nobody touches")
    take_minutes: float = Field(default=30, ge=1, le=1440, description="Until a QR code's picture is wiped")
    idle_seconds: float = Field(
        default=90, ge=15, le=3600, description="Until the booth asks whether somebody is there"
    )
    countdown: int = Field(default=3, ge=0, le=10, description="Seconds before the picture")
    sound: bool = False
    encode_seconds: float = Field(default=10, ge=2, le=60, description="Until a likeness can be played with")
    improve_seconds: float = Field(default=110, ge=0, le=600, description="That a likeness goes on improving meanwhile")
    kiosk: bool = False
    gallery: bool = Field(default=False, description="Visitors may leave a picture in the gallery")
    slideshow: bool = Field(default=False, description="The first screen shows the gallery")
    lab: bool = True
    phone: bool = Field(default=True, description="A phone may send the photo, where the booth is reachable")
    printer: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9._-]*$", description="A CUPS printer's name")
    copies: int = Field(default=1, ge=1, le=3)

    def public(self) -> dict[str, object]:
        """What every visitor's page needs to know."""
        hidden = {"printer", "copies", "encode_seconds", "improve_seconds"}
        return self.model_dump(exclude=hidden) | {"printing": bool(self.printer)}
