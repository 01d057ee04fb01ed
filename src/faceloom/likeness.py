"""A likeness: a person as found in a generator, and the file it is kept in.

Knows latents and files: no networks, no images. `NAME.likeness` is a safetensors file with a JSON card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from faceloom import tensorfile
from faceloom.errors import CorruptFile, LatentError
from faceloom.latents import WPlus

KIND = "likeness"
VERSION = 1
DELTA = "delta."
STYLE = "affine"  # in the name of a weight that edits change and tuning never does: a step in StyleSpace

Point = tuple[float, float]


class NamedGenerator(Protocol):
    """A generator that can be told from others: `hash` by its weights, `name` for people."""

    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...


class Owned(Protocol):
    """A likeness or a direction: a latent means nothing outside the generator that it was found in."""

    @property
    def generator_name(self) -> str: ...
    @property
    def generator_hash(self) -> str: ...


@dataclass(frozen=True)
class Geometry:
    """Where in the photo the aligned square lies.

    Convention: `quad` in photo pixels (x, y), origin top-left, order tl, bl, br, tr; `photo_size` is (width, height)
    of the upright photo; `aligned_size` is the side of the aligned square.
    """

    quad: tuple[Point, Point, Point, Point]
    photo_size: tuple[int, int]
    aligned_size: int


@dataclass(frozen=True, eq=False)
class Likeness:
    """A person in a generator's latent space, with where it came from and how good it is.

    Convention: `w_plus [1, num_ws, w_dim]`; `quality` holds figures by name (`lpips` is AlexNet at 256 px, `mse` of
    values in -1...1); `geometry` is None for a person who never had a photo; `provenance` is plain JSON data: version,
    date, seconds, steps, seed, sha256 of the photo, never its path; `delta` is what tuning changed in the weights, and
    what edits in StyleSpace did; `origin` is the `w_plus` as found in the photo, once an edit has changed the person.
    Raises LatentError for a `w_plus` of another shape or with numbers that are not finite.
    """

    w_plus: WPlus
    generator_hash: str
    generator_name: str
    quality: Mapping[str, float] = field(default_factory=dict)
    geometry: Geometry | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    delta: Mapping[str, torch.Tensor] = field(default_factory=dict)
    origin: WPlus | None = None

    def __post_init__(self) -> None:
        if self.w_plus.ndim != 3 or self.w_plus.shape[0] != 1 or not self.w_plus.numel():
            raise LatentError(
                f"w_plus: expected [1, num_ws, w_dim], got {list(self.w_plus.shape)}", "a likeness holds one person"
            )
        if not all(torch.isfinite(tensor).all() for tensor in (self.w_plus, *self.delta.values())):
            raise LatentError("w_plus or its tuning holds numbers that are not finite", "run the search again")
        if self.origin is not None and self.origin.shape != self.w_plus.shape:
            raise LatentError(
                f"origin: expected {list(self.w_plus.shape)}, got {list(self.origin.shape)}", "encode the photo again"
            )

    @property
    def found(self) -> Likeness:
        """The same person before any edit, in W+ or in StyleSpace."""
        tuned = {name: change for name, change in self.delta.items() if STYLE not in name}
        return self if self.origin is None else replace(self, w_plus=self.origin, origin=None, delta=tuned)

    def changed(self, w_plus: WPlus) -> Likeness:
        """Give the same person with another `w_plus`, who remembers how they were found."""
        return replace(self, w_plus=w_plus, origin=self.found.w_plus)


def save(likeness: Likeness, path: Path) -> None:
    """Write a likeness; the file is whole or absent. Raises StoreError when the disk refuses."""
    tensors = {"w_plus": likeness.w_plus.float()} | {DELTA + name: value for name, value in likeness.delta.items()}
    tensors |= {} if likeness.origin is None else {"origin": likeness.origin.float().clone()}
    card = {
        "generator": {"hash": likeness.generator_hash, "name": likeness.generator_name},
        "quality": dict(likeness.quality),
        "geometry": asdict(likeness.geometry) if likeness.geometry else None,
        "provenance": dict(likeness.provenance),
    }
    tensorfile.save(path, KIND, VERSION, tensors, card)


def load(path: Path) -> Likeness:
    """Read a likeness.

    Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is no
    likeness, or one from a newer faceloom.
    """
    tensors, card = tensorfile.load(path, KIND, VERSION)
    try:
        return Likeness(
            w_plus=tensors["w_plus"],
            generator_hash=str(card["generator"]["hash"]),
            generator_name=str(card["generator"]["name"]),
            quality={str(name): float(value) for name, value in card["quality"].items()},
            geometry=_geometry(card["geometry"]),
            provenance=dict(card["provenance"]),
            delta={name.removeprefix(DELTA): value for name, value in tensors.items() if name.startswith(DELTA)},
            origin=tensors.get("origin"),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CorruptFile(f"{path} is damaged: its card lacks {error}", "encode the photo again") from error


def digest(likeness: Likeness) -> str:
    """The sha256 of a person's styles: how their children name them."""
    return hashlib.sha256(likeness.w_plus.float().contiguous().cpu().numpy().tobytes()).hexdigest()


def require(latent: Owned, generator: NamedGenerator) -> None:
    """Raise LatentError unless a likeness or a direction was made in this very generator."""
    if latent.generator_hash != generator.hash:
        raise LatentError(
            f"made in generator {_label(latent.generator_name, latent.generator_hash)}, "
            f"opened with {_label(generator.name, generator.hash)}",
            f"use --generator {latent.generator_name}, or make it again with {generator.name}",
        )


def _label(name: str, digest: str) -> str:
    return f"{name} ({digest[:8]})"


def _geometry(card: Mapping[str, Any] | None) -> Geometry | None:
    if card is None:
        return None
    tl, bl, br, tr = ((float(x), float(y)) for x, y in card["quad"])
    width, height = card["photo_size"]
    return Geometry((tl, bl, br, tr), (int(width), int(height)), int(card["aligned_size"]))
