"""Styles: changes of a generator that draw its faces as example pictures are drawn, and the files they are saved in.

`NAME.style` is a safetensors file with a JSON card. Uses files only, no networks and no images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from faceloom import tensorfile
from faceloom.errors import CorruptFile, LatentError
from faceloom.marks.signatures import sign_tensors

KIND = "style"
VERSION = 1
MAX_STRENGTH = 1.5
SQUARES = (0, 16, 32, 64, 128)  # numbers a side in which pictures may be drawn; 0 is for none


def check_squares(squares: int) -> None:
    """Raise LatentError for a number of squares a side that is not one of SQUARES."""
    if squares not in SQUARES:
        raise LatentError(f"{squares} squares a side", f"give one of {', '.join(map(str, SQUARES))}")


@dataclass(frozen=True, eq=False)
class Style:
    """A style: a change of a generator's weights, and how much of it a person is drawn with.

    `Studio.fit_style` makes one of pictures. `save` writes it to a file, `load` reads it.

    Convention: `delta` holds changes of weights by name, as `networks.tuned.Delta`; `strength` is 0 for the generator
    itself and 1 for the style as fitted; `provenance` is plain JSON data: version, date, seconds, steps, and the
    sha256 of every example; `squares`, one of SQUARES, is the number of one-colored squares a side in which pictures
    are drawn.
    Raises LatentError for a strength or a number of squares that is out of range, and for numbers that are not finite.
    """

    name: str
    delta: Mapping[str, torch.Tensor]
    generator_hash: str
    generator_name: str
    strength: float = 1.0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    squares: int = 0

    def __post_init__(self) -> None:
        check_squares(self.squares)
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise LatentError(
                f"a style's strength of {self.strength:g}", f"give a number from 0 to {MAX_STRENGTH:g}; 1 is as fitted"
            )
        if not all(torch.isfinite(part).all() for part in self.delta.values()):
            raise LatentError(f"style '{self.name}' holds numbers that are not finite", "fit it again")

    def with_strength(self, strength: float) -> Style:
        """Return the same style with another strength. Raises LatentError for one that is out of range."""
        return replace(self, strength=strength)

    @property
    def card(self) -> dict[str, Any]:
        """The facts of the style as plain JSON data."""
        return {
            "name": self.name,
            "strength": self.strength,
            "generator": {"hash": self.generator_hash, "name": self.generator_name},
            "provenance": dict(self.provenance),
            **({"squares": self.squares} if self.squares else {}),
        }

    @property
    def share_of_squares(self) -> float:
        """The share of the squares that is seen, 0...1: all of them from half of the style's strength on."""
        return min(1.0, 2 * self.strength) if self.squares else 0.0

    def save(self, path: Path | str) -> None:
        """Write the style to a file with a signature, its numbers as bf16. Raises StoreError when the disk refuses."""
        tensors = {name: part.to(torch.bfloat16) for name, part in self.delta.items()}
        tensorfile.save(Path(path), KIND, VERSION, tensors, self.card, seal=sign_tensors)

    @classmethod
    def load(cls, path: Path | str) -> Style:
        """Read a style from a file.

        Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is not a
        style or was written by a newer faceloom.
        """
        tensors, card = tensorfile.load(Path(path), KIND, VERSION)
        return cls.from_card(card, tensors, str(path))

    @classmethod
    def from_card(cls, card: Mapping[str, Any], delta: Mapping[str, torch.Tensor], source: str) -> Style:
        """Return the style of a card and its tensors. Raises CorruptFile, naming `source`, and LatentError."""
        try:
            return cls(
                str(card["name"]),
                delta,
                str(card["generator"]["hash"]),
                str(card["generator"]["name"]),
                float(card["strength"]),
                dict(card["provenance"]),
                int(card.get("squares", 0)),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CorruptFile(f"{source} is damaged: its card lacks {error}", "fit the style again") from error
