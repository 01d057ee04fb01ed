"""Styles: the fit of one to example pictures, the styles that come with faceloom, and drawing a person in one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from PIL import Image, ImageOps
from torch import Tensor

from faceloom._version import __version__
from faceloom.checkpoints.load import GeneratorModel, load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.errors import FaceError, LatentError
from faceloom.faces.align import Aligned
from faceloom.faces.detect import Face, FaceChoice
from faceloom.images import Photo, area_resize, open_photo, to_img
from faceloom.invert.budget import EncoderGuess
from faceloom.invert.clock import Callback
from faceloom.invert.fit_style import Example, StyleConfig, StyleFit, fit_style
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion
from faceloom.invert.optimize import OptimizeConfig
from faceloom.likeness import Likeness, require_generator
from faceloom.style import Style, check_squares

SUFFIX = ".style"
INVERSION_STEPS = 120  # of the optimization that finds an example's latent in a generator without an encoder


@runtime_checkable
class ExampleReader(Protocol):
    """The part of a `Studio` that a fit needs: its generators, its encoder, and how it finds and aligns a face."""

    @property
    def generator(self) -> GeneratorModel: ...
    @property
    def fast_generator(self) -> GeneratorModel: ...
    @property
    def encoder(self) -> EncoderGuess | None: ...
    @property
    def comparison_precision(self) -> str: ...
    def choose(self, photo: Photo, face: int | None = None) -> FaceChoice:
        """Detect the faces of a photo and choose one."""
        ...

    def align(self, photo: Photo, face: Face, size: int = ...) -> Aligned:
        """Align a face."""
        ...

    def optimize(self, target: Tensor, config: OptimizeConfig, callback: Callback | None = None) -> Inversion:
        """Invert aligned faces by optimization."""
        ...


@dataclass(frozen=True)
class FittedStyle:
    """A fitted style, and sentences for the user about the pictures it was fitted to."""

    style: Style
    fit: StyleFit
    notes: tuple[str, ...] = ()


def fit_style_to(
    studio: ExampleReader,
    pictures: Sequence[Path],
    *,
    name: str,
    squares: int = 0,
    config: StyleConfig | None = None,
    callback: Callback | None = None,
) -> FittedStyle:
    """Fit a style to picture files; `squares` is that of the style.

    A picture with a likeness file of the same name beside it was drawn from that generated face, pixel by pixel, and
    is compared so. Of any other picture the face is detected, aligned and inverted. A picture in which no face is
    detected is used as it is, cut to a square.
    Raises ImageError, LatentError for a wrong number of pictures or squares and for a likeness of another generator,
    and FaceError when the pictures show no faces at all that an encoder could read.
    """
    check_squares(squares)
    config = config or StyleConfig()
    notes: list[str] = []
    examples = [read_example(studio, Path(path), notes) for path in pictures]
    vgg = load_lpips("vgg16", studio.comparison_precision)
    fit = fit_style(
        studio.fast_generator.G, examples, vgg=vgg, identity=read_identity, config=config, callback=callback
    )
    provenance = {
        "faceloom": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        "method": "style fit",
        "examples": [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in pictures],
        "exact": sum(example.is_exact for example in examples),
        "steps": fit.steps,
        "seconds": fit.seconds,
        "loss": fit.loss,
        "seed": config.seed,
    }
    delta = {part: change.to(torch.bfloat16).float() for part, change in fit.delta.items()}
    style = Style(name, delta, studio.generator.hash, studio.generator.name, 1.0, provenance, squares)
    return FittedStyle(style, fit, tuple(notes))


def read_example(studio: ExampleReader, path: Path, notes: list[str]) -> Example:
    """Read an example picture and find its latent; `notes` receives sentences for the user."""
    photo, side = open_photo(path), studio.generator.G.img_resolution
    beside = path.with_suffix(".likeness")
    if beside.is_file():
        person = Likeness.load(beside)
        require_generator(person, studio.generator)
        if person.delta or person.base is not None:
            raise LatentError(
                f"{beside.name} is a tuned or edited likeness", "give likenesses of generated faces beside the pictures"
            )
        return Example(to_img(_square(photo.image, side)), person.w_plus, is_exact=True)
    try:
        aligned = studio.align(photo, studio.choose(photo).face, side).image
    except FaceError:
        notes.append(f"{path.name}: no face was detected, so the picture is used as it is, cut to a square")
        aligned = _square(photo.image, side)
    img = to_img(aligned)
    return Example(img, invert_example(studio, area_resize(img, QUALITY_RESOLUTION)))


def invert_example(studio: ExampleReader, img: Tensor) -> Tensor:
    """Return the latent `[1, num_ws, w_dim]` of an aligned example `[1, 3, 256, 256]`: a face that stays natural.

    The encoder sees a photo's face in a drawing. An exact inversion would draw the strokes already, and leave the
    weights nothing to learn (Chong and Forsyth 2021, section 3).
    """
    if studio.encoder is not None:
        return studio.encoder(img)
    return studio.optimize(img, OptimizeConfig(None, INVERSION_STEPS, space="w")).w_plus


def read_identity(img: Tensor) -> Tensor:
    """Read identities `[n, 128]` of unit length from aligned faces `[n, 3, h, h]`, with gradients."""
    identity: Tensor = load_analyzer()(img.clamp(-1, 1)).identity
    return identity


def draw_in_style(person: Likeness, style: Style | None, strength: float | None = None) -> Likeness:
    """Return the same person, drawn in a style at a strength, by default the style's own; None removes the style.

    Raises LatentError for a style of another generator and for a strength that is out of range.
    """
    if style is None:
        return replace(person, style=None)
    if style.generator_hash != person.generator_hash:
        raise LatentError(
            f"style '{style.name}' was fitted to generator {style.generator_name}, "
            f"and this person is from {person.generator_name}",
            f"fit the style again with --generator {person.generator_name}",
        )
    return replace(person, style=style if strength is None else style.with_strength(strength))


def list_styles() -> tuple[str, ...]:
    """Return the names of the styles that come with faceloom."""
    files = (entry.name for entry in _folder().iterdir() if entry.name.endswith(SUFFIX))
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files))


def load_style(name: str) -> Style:
    """Load a style by the name of one that comes with faceloom, or by its file.

    Raises LatentError for an unknown name, and as `Style.load`.
    """
    if name in list_styles():
        with resources.as_file(_folder() / f"{name}{SUFFIX}") as path:
            return Style.load(path)
    if not Path(name).exists():
        raise LatentError(f"there is no style '{name}'", f"use {', '.join(list_styles())}, or the file of a style")
    return Style.load(name)


def _square(picture: Image.Image, side: int) -> Image.Image:
    """Return the central square of a picture at `side` pixels; one of this size is returned unchanged."""
    if picture.size == (side, side):
        return picture
    return ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS)


def _folder() -> Traversable:
    return resources.files("faceloom") / "data" / "styles"
