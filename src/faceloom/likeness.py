"""Likenesses: people as found in a generator, and the files that they are saved in.

`NAME.likeness` is a safetensors file with a JSON card. Uses latents and files only, no networks and no images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from faceloom import tensorfile
from faceloom.errors import CorruptFile, LatentError
from faceloom.files import atomic_write
from faceloom.latents import WPlus
from faceloom.marks.origin import Origin
from faceloom.marks.signatures import sign_tensors
from faceloom.style import Style

KIND = "likeness"
VERSION = 1
DELTA = "delta."
DRAWN = "style."  # prefix of the tensors of the style that a person is drawn in
MAX_NUMBER = 1e12  # largest absolute value of a quality figure or a coordinate
MAX_SIDE = 1 << 20  # pixels of a photo's or an aligned square's side
MASK_SHAPE = (1, 1, 64, 64)
STYLE = "affine"  # part of the names of weights that only edits in StyleSpace change; tuning never changes them

Point = tuple[float, float]


@runtime_checkable
class NamedGenerator(Protocol):
    """A generator with an identity: `hash` of its weights, and `name` for messages."""

    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...


@runtime_checkable
class GeneratorBound(Protocol):
    """A likeness or a direction: its latent has a meaning only in the generator that it was made in."""

    @property
    def generator_name(self) -> str: ...
    @property
    def generator_hash(self) -> str: ...


@dataclass(frozen=True)
class Geometry:
    """Position of the aligned square in the photo.

    Convention: `quad` in photo pixels (x, y), origin top-left, order tl, bl, br, tr; `photo_size` is (width, height)
    of the upright photo; `aligned_size` is the side of the aligned square.
    """

    quad: tuple[Point, Point, Point, Point]
    photo_size: tuple[int, int]
    aligned_size: int


@dataclass(frozen=True, eq=False)
class Likeness:
    """A person in a generator's latent space, with the provenance and the quality of the likeness.

    `Studio.encode` makes one of a photo, `Studio.generate` one of a seed. `save` writes it to a file, `load` reads it.

    Convention: `w_plus [1, num_ws, w_dim]`; `quality` holds figures by name (`lpips` is AlexNet at 256 px, `mse` of
    values in -1...1); `geometry` is None for a person without a photo; `provenance` is plain JSON data: version,
    date, seconds, steps, seed, sha256 of the photo, never its path; `delta` is the change of the generator's weights
    by tuning and by edits in StyleSpace; `origin` is the `w_plus` as found in the photo, once an edit has changed it.
    An edit of some regions has a `mask` `[1, 1, 64, 64]`: where it is 0 the picture is generated from `base`, where it
    is 1 from `w_plus`; `regions` are those that edits changed, with their strengths, 0...1. Without a mask all of it is
    generated from `w_plus`. With a `style` the person is drawn in it; edits are measured on the face without it.
    Raises LatentError for a `w_plus` of another shape or with numbers that are not finite, and for such a mask.
    """

    w_plus: WPlus
    generator_hash: str
    generator_name: str
    quality: Mapping[str, float] = field(default_factory=dict)
    geometry: Geometry | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    delta: Mapping[str, torch.Tensor] = field(default_factory=dict)
    origin: WPlus | None = None
    base: WPlus | None = None
    mask: torch.Tensor | None = None
    regions: Mapping[str, float] = field(default_factory=dict)
    style: Style | None = None

    def __post_init__(self) -> None:
        if self.w_plus.ndim != 3 or self.w_plus.shape[0] != 1 or not self.w_plus.numel():
            raise LatentError(
                f"w_plus: expected [1, num_ws, w_dim], got {list(self.w_plus.shape)}", "a likeness holds one person"
            )
        if not all(torch.isfinite(tensor).all() for tensor in (self.w_plus, *self.delta.values())):
            raise LatentError("w_plus or its tuning holds numbers that are not finite", "run the search again")
        for name, latent in (("origin", self.origin), ("base", self.base)):
            if latent is not None and (latent.shape != self.w_plus.shape or not torch.isfinite(latent).all()):
                raise LatentError(
                    f"{name}: expected {list(self.w_plus.shape)} finite numbers, got {list(latent.shape)}",
                    "encode the photo again",
                )
        if (self.mask is None) != (self.base is None):
            raise LatentError("a mask needs a base, and a base a mask", "edit the person again")
        if self.mask is not None and not _is_mask(self.mask):
            raise LatentError(
                f"mask: expected {list(MASK_SHAPE)} numbers from 0 to 1, got {list(self.mask.shape)}",
                "edit the person again",
            )

    @property
    def made_by(self) -> Origin:
        """The generator, the photo's hash, the style, and whether the person was edited, as marks of pictures state."""
        photo = self.provenance.get("photo_sha256", "")
        style = "" if self.style is None else f"{self.style.name} {self.style.strength:g}"
        return Origin(self.generator_hash, self.generator_name, str(photo), self.origin is not None, style=style)

    @property
    def unedited(self) -> Likeness:
        """The same person before every edit, in W+ or in StyleSpace, and without a style."""
        tuned = {name: change for name, change in self.delta.items() if STYLE not in name}
        if self.origin is None:
            return self if self.style is None else replace(self, style=None)
        return replace(self, w_plus=self.origin, origin=None, delta=tuned, base=None, mask=None, regions={}, style=None)

    @property
    def outside(self) -> WPlus:
        """The latent of the picture outside the mask: `base`, or `w_plus` for a person without a mask."""
        return self.w_plus if self.base is None else self.base

    def with_w_plus(
        self,
        w_plus: WPlus,
        base: WPlus | None = None,
        mask: torch.Tensor | None = None,
        regions: Mapping[str, float] | None = None,
    ) -> Likeness:
        """Return the same person with another `w_plus`; `origin` keeps the one before the first edit.

        `base`, `mask` and `regions` are those of an edit that changes some regions only.
        """
        return replace(self, w_plus=w_plus, origin=self.unedited.w_plus, base=base, mask=mask, regions=regions or {})

    def save(self, path: Path | str) -> None:
        """Write the likeness to a file with a signature, completely or not at all.

        Raises StoreError when the disk refuses.
        """
        content = self.to_bytes()
        with atomic_write(Path(path)) as draft:
            draft.write_bytes(content)

    def to_bytes(self) -> bytes:
        """Return the content of the file that `save` writes."""
        tensors = {"w_plus": self.w_plus.float()} | {DELTA + name: value for name, value in self.delta.items()}
        parts = {"origin": self.origin, "base": self.base, "mask": self.mask}
        tensors |= {name: tensor.float().clone() for name, tensor in parts.items() if tensor is not None}
        card = {
            "generator": {"hash": self.generator_hash, "name": self.generator_name},
            "quality": dict(self.quality),
            "geometry": asdict(self.geometry) if self.geometry else None,
            "provenance": dict(self.provenance),
            "regions": dict(self.regions),
        }
        if self.style is not None:
            tensors |= {DRAWN + name: value for name, value in self.style.delta.items()}
            card["style"] = self.style.card
        return tensorfile.encode(KIND, VERSION, tensors, card, seal=sign_tensors)

    @classmethod
    def load(cls, path: Path | str) -> Likeness:
        """Read a likeness from a file.

        Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is not a
        likeness or was written by a newer faceloom.
        """
        tensors, card = tensorfile.load(Path(path), KIND, VERSION)
        try:
            return cls(
                w_plus=tensors["w_plus"],
                generator_hash=str(card["generator"]["hash"]),
                generator_name=str(card["generator"]["name"]),
                quality={str(name): _read_number(value) for name, value in card["quality"].items()},
                geometry=_read_geometry(card["geometry"]),
                provenance=dict(card["provenance"]),
                delta={name.removeprefix(DELTA): value for name, value in tensors.items() if name.startswith(DELTA)},
                origin=tensors.get("origin"),
                base=tensors.get("base"),
                mask=tensors.get("mask"),
                regions={str(region): _read_number(part) for region, part in card.get("regions", {}).items()},
                style=_read_style(card.get("style"), tensors, str(path)),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CorruptFile(f"{path} is damaged: its card lacks {error}", "encode the photo again") from error


def digest(likeness: Likeness) -> str:
    """Return the sha256 of a person's `w_plus`, by which the provenance of children names the parents."""
    return hashlib.sha256(likeness.w_plus.float().contiguous().cpu().numpy().tobytes()).hexdigest()


def require_generator(latent: GeneratorBound, generator: NamedGenerator) -> None:
    """Raise LatentError unless a likeness or a direction was made in this generator."""
    if latent.generator_hash != generator.hash:
        raise LatentError(
            f"made in generator {_label(latent.generator_name, latent.generator_hash)}, "
            f"opened with {_label(generator.name, generator.hash)}",
            f"use --generator {latent.generator_name}, or make it again with {generator.name}",
        )


def _is_mask(mask: torch.Tensor) -> bool:
    return mask.shape == MASK_SHAPE and bool(((mask >= 0) & (mask <= 1)).all())


def _label(name: str, digest: str) -> str:
    return f"{name} ({digest[:8]})"


def _read_geometry(card: Mapping[str, Any] | None) -> Geometry | None:
    if card is None:
        return None
    tl, bl, br, tr = ((_read_number(x), _read_number(y)) for x, y in card["quad"])
    width, height = map(_read_side, card["photo_size"])
    return Geometry((tl, bl, br, tr), (width, height), _read_side(card["aligned_size"]))


def _read_style(card: Mapping[str, Any] | None, tensors: Mapping[str, torch.Tensor], source: str) -> Style | None:
    if card is None:
        return None
    delta = {name.removeprefix(DRAWN): value for name, value in tensors.items() if name.startswith(DRAWN)}
    return Style.from_card(card, delta, source)


def _read_number(value: object) -> float:
    """Return a number of the card. Raises ValueError for text, and for NaN, infinity and what exceeds MAX_NUMBER."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
        raise ValueError(f"a finite number: it holds {_shorten(value)}")
    return float(value)


def _read_side(value: object) -> int:
    """Return a length in pixels. Raises ValueError unless it is a whole number from 1 to MAX_SIDE."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
        raise ValueError(f"a length of 1 to {MAX_SIDE} pixels: it holds {_shorten(value)}")
    return value


def _shorten(value: object) -> str:
    """Return a value as text of at most 40 characters; an integer beyond 64 bits by its size alone."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return str(value)[:40]
