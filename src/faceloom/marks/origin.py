"""The making of a picture, as all layers of marks state it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal["generated", "edited", "composite"]
"""'generated': a face of a seed or a mixture; 'edited': a likeness of a photographed person, drawn by a generator;
'composite': a photo of which a generator drew a part."""

KINDS: tuple[Kind, ...] = ("generated", "edited", "composite")


@dataclass(frozen=True)
class Origin:
    """The generator and the photo behind a picture. Empty fields are unknown.

    `generator` is the sha256 of the generator's weights, `photo` the sha256 of the source photo's decoded pixels.
    `is_edited` says that attributes were changed. `style` is the name and the strength of the style. `day` is the day
    that the watermark states, None for today.
    """

    generator: str = ""
    generator_name: str = ""
    photo: str = ""
    is_edited: bool = False
    day: date | None = None
    style: str = ""

    def kind(self, composite: bool) -> Kind:
        """Return the kind of a picture with this origin."""
        if composite:
            return "composite"
        return "edited" if self.photo else "generated"
