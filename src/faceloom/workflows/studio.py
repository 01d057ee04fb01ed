"""The studio: detect, align, analyze, encode, edit, render and search, with one generator.

The command line, the web server and notebooks call it. It does not print, and does not choose where files go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom._version import __version__
from faceloom.analyze.reading import Attributes, read, read_attributes
from faceloom.checkpoints.face_encoder import load_imported_encoder
from faceloom.checkpoints.load import DEFAULT_GENERATOR, load_lpips, load_mtcnn
from faceloom.checkpoints.people import ForeignPeople, read_people
from faceloom.checkpoints.readers.latent_files import Space
from faceloom.checkpoints.shipped import (
    load_aligner,
    load_analyzer,
    load_curvature,
    load_encoder,
)
from faceloom.edit.attributes import random_edits
from faceloom.edit.clip_edit import ClipEditConfig
from faceloom.edit.discover import READ_SIDE
from faceloom.edit.generate import Label, generate_latents, make_label
from faceloom.edit.search import Callback as SearchCallback
from faceloom.edit.search import SearchConfig
from faceloom.errors import AssetError, FaceError, LatentError
from faceloom.faces.align import Aligned, align, quad_from_landmarks
from faceloom.faces.detect import MIN_SIZE, Face, FaceChoice, choose, detect
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.faces.paste_back import paste_back
from faceloom.faces.refine_alignment import refine_quad
from faceloom.images import Photo, open_photo, to_img
from faceloom.invert.budget import DescentFactory, EncodeConfig, EncoderGuess, invert_within_budget
from faceloom.invert.clock import Callback
from faceloom.invert.encode import encoder_guess
from faceloom.invert.fit_style import StyleConfig
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion
from faceloom.invert.natural_gradient import ImageLoss, NaturalGradientDescent
from faceloom.invert.optimize import OptimizeConfig, invert_optimize
from faceloom.latents import WPlus
from faceloom.likeness import Geometry, Likeness, require_generator
from faceloom.networks.precision import fast_precision
from faceloom.style import Style
from faceloom.workflows.clip_editing import ClipEditResult, edit_person_by_clip
from faceloom.workflows.conditions import measure_conditions
from faceloom.workflows.editing import Editor
from faceloom.workflows.encoding import EncodingTarget, make_identity_condition, make_likeness
from faceloom.workflows.search import search_people
from faceloom.workflows.styling import FittedStyle, draw_in_style, fit_style_to, load_style

ALIGNED_SIZE = 1024  # default side of an aligned face in pixels
MEASURING_SECONDS = 0.2  # of an encoding, kept for measuring the likeness and the conditions of the photo


@dataclass(frozen=True)
class AnalyzedFace:
    """A face in a photo and its attributes."""

    face: Face
    attributes: Attributes


class Studio(Editor):
    """Faces in one generator: encode a photo, edit the likeness, render it, paste it back into the photo.

    Networks are loaded when they are first needed. The arguments are those of `Renderer`.

        studio = Studio()
        photo = open_photo("me.jpg")
        me = studio.encode(photo, config=EncodeConfig(seconds=30))
        older = studio.edit(me, {"age": 20, "smile": 0.9})
        save_picture(studio.paste_back(older.person, photo), "older.jpg", ai_generated=True, composite=True)
    """

    _is_warm = False

    # -- detect, align, analyze ---------------------------------------------------------------------------------------

    def detect(self, photo: Photo, min_size: float = MIN_SIZE) -> tuple[Face, ...]:
        """Return the faces of at least `min_size` pixels found in the photo, largest first; none is an empty result."""
        return detect(load_mtcnn(), photo.image, min_size=min_size)

    def choose(self, photo: Photo, face: int | None = None) -> FaceChoice:
        """Detect the faces and choose one: the largest, or the one numbered `face`.

        Raises NoFaceFound, FaceTooSmall, and FaceError for a number out of range.
        """
        return choose(self.detect(photo), face)

    def align(self, photo: Photo, face: Face, size: int = ALIGNED_SIZE) -> Aligned:
        """Align a face as in FFHQ (Karras et al. 2019, appendix A); the aligner refines the square."""
        quad = refine_quad(load_aligner(), photo.image, quad_from_landmarks(face.landmarks))
        return align(photo.image, quad, size)

    def analyze(self, photo: Photo) -> tuple[AnalyzedFace, ...]:
        """Read the attributes of every face of a photo, largest first.

        Raises FaceError for a face that lies almost completely outside the photo.
        """
        faces = self.detect(photo)
        return tuple(AnalyzedFace(face, self._read(self.align(photo, face, READ_SIDE).image)) for face in faces)

    def attributes(self, person: Likeness) -> Attributes:
        """Read the attributes of a person."""
        return self._read(self.render(person, READ_SIDE))

    def _read(self, picture: Image.Image) -> Attributes:
        return read_attributes(load_analyzer(), to_img(picture))[0]

    @torch.no_grad()
    def identity(self, face: Photo | Likeness) -> Tensor:
        """Read the identity `[1, 128]` of the largest face of a photo, or of a person.

        Raises FaceError for a photo without a face.
        """
        if isinstance(face, Photo):
            picture = self.align(face, self.choose(face).face, READ_SIDE).image
        else:
            picture = self.render(face, READ_SIDE)
        return read(load_analyzer(), to_img(picture)).identity

    # -- encode -------------------------------------------------------------------------------------------------------

    def encode(
        self,
        photo: Photo | Path | str,
        *,
        face: int | None = None,
        config: EncodeConfig | None = None,
        callback: Callback | None = None,
    ) -> Likeness:
        """Encode a face: invert it as well as the budget allows, by encoder, optimization and tuning.

        Convention: `config.seconds` run from this call to its return, without the loading of the networks. `face` is
        the number of the face, 0 for the largest, which is the default. `callback` as in `invert_within_budget`. When
        Ctrl-C or `Cancelled` ends the optimization, the best likeness so far is returned, and its
        `provenance["interrupted"]` is true. Raises ImageError, FaceError, AssetError.
        """
        config = config or EncodeConfig()
        self.warm_up()
        begin = time.perf_counter()
        photo = photo if isinstance(photo, Photo) else open_photo(photo)
        target = self.make_target(photo, self.choose(photo, face))
        before = time.perf_counter() - begin
        spent = before + MEASURING_SECONDS
        left = config if config.seconds is None else replace(config, seconds=max(config.seconds - spent, 0.0))
        inversion = self.invert(target.img, left, callback)
        return self.make_likeness(target, replace(inversion, seconds=inversion.seconds + before), config)

    def encode_all(
        self, photo: Photo, config: EncodeConfig | None = None, callback: Callback | None = None
    ) -> Iterator[Likeness]:
        """Encode every face of a photo that is large enough, largest first, each within the budget.

        Raises NoFaceFound, AssetError.
        """
        config = config or EncodeConfig()
        self.warm_up()
        faces = self.detect(photo)
        large = [number for number, face in enumerate(faces) if face.size >= MIN_FACE_PIXELS]
        chosen = [choose(faces, number) for number in large] or [choose(faces)]
        targets = [self.make_target(photo, choice) for choice in chosen]
        guesses: list[WPlus] | list[None] = [None] * len(targets)
        if self.encoder is not None:
            guesses = list(self.encoder(torch.cat([target.img for target in targets])).split(1))
        for target, guess in zip(targets, guesses, strict=True):
            inversion = self.invert(target.img, config, callback, start=guess)
            yield self.make_likeness(target, inversion, config)
            if inversion.interrupted:
                return

    def invert(
        self,
        target: Tensor,
        config: EncodeConfig | None = None,
        callback: Callback | None = None,
        *,
        start: WPlus | None = None,
    ) -> Inversion:
        """Invert an aligned face `[1, 3, 256, 256]`, -1...1, within the budget; `start` replaces the encoder."""
        config = config or EncodeConfig()
        return invert_within_budget(
            self.fast_generator.G,
            target,
            alexnet=load_lpips("alexnet"),
            encoder_guess=self.encoder if start is None else lambda img: start,
            make_descent=self.make_descent,
            neighbor=random_edits(self.basis) if self.basis else None,
            stop_when=make_identity_condition(target, config.until_identity),
            config=config,
            callback=callback,
        )

    def optimize(self, target: Tensor, config: OptimizeConfig, callback: Callback | None = None) -> Inversion:
        """Invert aligned faces `[n, 3, 256, 256]`, -1...1, by optimization with VGG16 from the mean face alone."""
        G, vgg, alexnet = self.fast_generator.G, load_lpips("vgg16", self.comparison_precision), load_lpips("alexnet")
        return invert_optimize(G, target, vgg=vgg, alexnet=alexnet, config=config, callback=callback)

    def warm_up(self) -> None:
        """Load the networks of an encoding and run two steps: first steps are slow and would mislead the budget."""
        if not self._is_warm:
            self._is_warm = True
            load_mtcnn(), load_aligner(), load_analyzer()
            self.invert(torch.zeros(1, 3, QUALITY_RESOLUTION, QUALITY_RESOLUTION), EncodeConfig(None, 2))

    @cached_property
    def encoder(self) -> EncoderGuess | None:
        """The encoder of the generator: the shipped one of the default generator, or an imported one, or None."""
        G = self.fast_generator.G
        if self.generator.name == DEFAULT_GENERATOR:
            return lambda img: encoder_guess(G, load_encoder(), img)
        try:
            return load_imported_encoder(self.generator.name).encode
        except AssetError:
            return None

    @cached_property
    def make_descent(self) -> DescentFactory | None:
        """The natural-gradient descent of the default generator, whose curvature is known; None for Adam."""
        if self.generator.name != DEFAULT_GENERATOR:
            return None
        G, loss = self.fast_generator.G, ImageLoss(load_lpips("alexnet"), load_analyzer())
        return lambda img, start: NaturalGradientDescent(G, loss.for_target(img), start, load_curvature())

    @property
    def comparison_precision(self) -> str:
        """The precision of the networks that compare images during an optimization."""
        return fast_precision() if self.precision == "fp16" else self.precision

    def make_target(self, photo: Photo, chosen: FaceChoice) -> EncodingTarget:
        """Align a chosen face of a photo for an inversion."""
        aligned = self.align(photo, chosen.face, QUALITY_RESOLUTION)
        return EncodingTarget(photo, chosen, aligned, to_img(aligned.image))

    def make_likeness(
        self, target: EncodingTarget, inversion: Inversion, config: EncodeConfig, *, is_restored: bool = False
    ) -> Likeness:
        """Make the likeness of an inversion, with its quality, the conditions of the photo and the provenance.

        The conditions of a restored face are those of its picture, because the damage of the photo is not in it.
        """
        G, read = self.apply_delta(inversion.delta, self.fast_generator), self.read_regions
        regions = None if read is None else read(G, inversion.w_plus)
        conditions = measure_conditions(inversion.img if is_restored else target.img, inversion.img, regions)
        return make_likeness(target, inversion, config, conditions, generator=self.generator, precision=self.precision)

    def load(self, source: Path | str) -> Likeness:
        """Load a likeness file. Raises StoreError, CorruptFile, and LatentError for one of another generator."""
        person = Likeness.load(source)
        require_generator(person, self.generator)
        return person

    def load_latents(
        self, source: Path | str, person: int | str = 0, space: Space | None = None
    ) -> tuple[Likeness, int]:
        """Load a person from a file of latents of another program; return it with the number of people in the file.

        Convention: `person` is a number from 0 or a name in the file; `space` is that of the numbers, by default the
        one that names and shapes in the file state.
        Raises LatentError when the shape of the latents is another generator's, and for a person who is not there.
        """
        people = self.read_people(source, space)
        index = people.find(person)
        return self.make_imported(source, people, index), len(people.names)

    def read_people(self, source: Path | str, space: Space | None = None) -> ForeignPeople:
        """Read all people in a file of latents of another program. Raises as `load_latents`."""
        return read_people(Path(source), self.generator.G, space)

    def make_imported(self, source: Path | str, people: ForeignPeople, index: int) -> Likeness:
        """Return one of the people in a file as a likeness."""
        provenance = {"faceloom": __version__, "method": "imported", "origin": Path(source).name, "number": index}
        w_plus = people.w_plus[index : index + 1].clone()
        provenance["space"] = people.spaces[index]
        return Likeness(w_plus, self.generator.hash, self.generator.name, provenance=provenance)

    # -- render -------------------------------------------------------------------------------------------------------

    def paste_back(self, person: Likeness, photo: Photo) -> Image.Image:
        """Transfer the edits of a person into the photo that was encoded; without edits the photo does not change.

        Raises LatentError for a likeness without a photo, FaceError for a photo of another size.
        """
        geometry = self.require_geometry(person, photo)
        quad = np.array(geometry.quad)
        unedited = person.unedited
        is_masked = person.mask is not None and person.base is not None and torch.equal(person.base, unedited.w_plus)
        mask = person.mask[0, 0].numpy() if is_masked and person.mask is not None else None
        return paste_back(photo.image, self.render(person), quad, original=self.render(unedited), mask=mask)

    def require_geometry(self, person: Likeness, photo: Photo) -> Geometry:
        """Return where the face lies in the photo.

        Raises LatentError for a likeness without a photo, FaceError for a photo of another size.
        """
        geometry = person.geometry
        if geometry is None:
            raise LatentError("this likeness was not made from a photo", "encode a photo to paste back into it")
        if photo.image.size != geometry.photo_size:
            raise FaceError(
                f"the photo is {photo.image.size[0]}x{photo.image.size[1]}, "
                f"the likeness was made from one of {geometry.photo_size[0]}x{geometry.photo_size[1]}",
                "use the photo that was encoded",
            )
        return geometry

    def edit_by_clip(
        self,
        person: Likeness,
        text: str,
        clip: Path | str,
        *,
        neutral: str | None = None,
        config: ClipEditConfig | None = None,
    ) -> ClipEditResult:
        """Change a person by any text, with CLIP weights of the user; see `workflows.clip_editing`."""
        return edit_person_by_clip(self, person, text, clip, neutral=neutral, config=config)

    # -- styles -------------------------------------------------------------------------------------------------------

    def fit_style(
        self,
        pictures: Sequence[Path | str],
        *,
        name: str,
        squares: int = 0,
        config: StyleConfig | None = None,
        callback: Callback | None = None,
    ) -> FittedStyle:
        """Fit a style to 1 to 50 pictures, each with a face; see `workflows.styling.fit_style_to`.

            ink = studio.fit_style(["drawing.jpg"], name="ink").style
            save_picture(studio.render(studio.draw_in_style(me, ink, 0.7)), "me-ink.png", ai_generated=True)

        Raises ImageError, LatentError.
        """
        files = [Path(path) for path in pictures]
        return fit_style_to(self, files, name=name, squares=squares, config=config, callback=callback)

    def draw_in_style(self, person: Likeness, style: Style | str | None, strength: float | None = None) -> Likeness:
        """Return a person who is drawn in a style: a fitted one, the name of a shipped one, or a file; None for none.

        Edits of this person go on as before, because they are measured on the face without its style.
        Raises LatentError for a style of another generator and for a strength that is out of range.
        """
        return draw_in_style(person, load_style(style) if isinstance(style, str) else style, strength)

    # -- generate, search ---------------------------------------------------------------------------------------------

    def generate(self, seed: int, psi: float = 0.7, *, label: Label | None = None) -> Likeness:
        """Generate a face from a seed; `psi` truncates towards the mean face.

        `label` is the class of a conditional generator, the vector of one that was trained on numbers, or the values of
        its columns by name, as {"kind": "star", "size": "0.3"}.
        Raises LatentError for a label that is missing, out of range, of another length, or given to a generator without
        labels.
        """
        model = self.generator
        c = make_label(label, model.G.c_dim, model.label_columns)
        w_plus = generate_latents(model.G, [seed], psi, c=c)
        provenance = {"faceloom": __version__, "method": "sample", "seed": seed, "psi": psi}
        if label is not None:
            provenance["label"] = _to_plain(label)
        return Likeness(w_plus, self.generator.hash, self.generator.name, provenance=provenance)

    def search(
        self,
        text: str = "",
        *,
        like: Photo | Likeness | None = None,
        count: int = 6,
        seed: int = 0,
        config: SearchConfig | None = None,
        callback: SearchCallback | None = None,
    ) -> list[Likeness]:
        """Search for generated faces that meet a description ('about 40, smiling, glasses') or resemble a face.

        Return `count` likenesses, best first; the `provenance` of each holds the attributes that were read from it.
        Raises LatentError for a description that cannot be parsed, FaceError for a photo without a face.
        """
        identity = None if like is None else self.identity(like)
        return search_people(self, text, identity=identity, count=count, seed=seed, config=config, callback=callback)


def _to_plain(label: Label) -> int | list[float] | dict[str, str]:
    """Return a label as JSON can hold it."""
    if isinstance(label, int):
        return label
    return dict(label) if isinstance(label, Mapping) else list(label)
