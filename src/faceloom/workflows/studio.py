"""The studio: detect, align, analyze, encode, edit, render and search, with one generator.

The command line, the web server and notebooks call it. It does not print, and does not choose where files go.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom._version import __version__
from faceloom.analyze.attributes import EDITABLE
from faceloom.analyze.ensemble import read_both
from faceloom.analyze.reading import Attributes, read, read_attributes
from faceloom.analyze.regions import read_regions
from faceloom.checkpoints.face_encoder import load_imported_encoder
from faceloom.checkpoints.load import DEFAULT_GENERATOR, load_lpips, load_mtcnn
from faceloom.checkpoints.people import ForeignPeople, read_people
from faceloom.checkpoints.readers.latent_files import Space
from faceloom.checkpoints.shipped import (
    load_aligner,
    load_analyzer,
    load_curvature,
    load_encoder,
    load_region_head,
    load_second_analyzer,
)
from faceloom.edit import directions, stylespace
from faceloom.edit.attributes import edit_attributes, load_basis, load_shipped_basis, random_edits
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.edit.generate import Label, generate_latents, make_label
from faceloom.edit.mix import W_PULL_MIXING, mix
from faceloom.edit.nearby import load_library, localize
from faceloom.edit.regions import BasePicture, RegionalEdit, RegionReader
from faceloom.edit.search import Callback as SearchCallback
from faceloom.edit.search import SearchConfig
from faceloom.edit.steer import SteeringResult
from faceloom.edit.stylespace import StyleDirection
from faceloom.edit.targets import to_units
from faceloom.errors import AssetError, FaceError, LatentError
from faceloom.faces.align import Aligned, align, quad_from_landmarks
from faceloom.faces.detect import Face, FaceChoice, choose, detect
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.faces.paste_back import paste_back
from faceloom.faces.refine_alignment import refine_quad
from faceloom.images import Photo, open_photo, to_img
from faceloom.invert.budget import DescentFactory, EncodeConfig, EncoderGuess, invert_within_budget
from faceloom.invert.clock import Callback
from faceloom.invert.encode import encoder_guess
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion
from faceloom.invert.natural_gradient import ImageLoss, NaturalGradientDescent
from faceloom.invert.optimize import OptimizeConfig, invert_optimize
from faceloom.latents import WPlus, parse_layers
from faceloom.likeness import Likeness, digest, require_generator
from faceloom.networks.precision import fast_precision
from faceloom.rendering import Renderer
from faceloom.workflows import family
from faceloom.workflows.encoding import EncodingTarget, make_identity_condition, make_likeness
from faceloom.workflows.search import search_people

ALIGNED_SIZE = 1024  # default side of an aligned face in pixels
MAX_BASES = 16  # people whose directions stay in memory
DIRECTIONS = "directions"  # folder of a generator's directions, beside its weights


@dataclass(frozen=True)
class AnalyzedFace:
    """A face in a photo and its attributes."""

    face: Face
    attributes: Attributes


@dataclass(frozen=True)
class EditResult:
    """A person after an edit, the requested values, and the attributes before and after it, in the table's units."""

    person: Likeness
    steering: SteeringResult
    values: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]

    @property
    def reached(self) -> dict[str, float]:
        """The requested attributes as they were reached: changes of age and pose, probabilities of the others."""
        return {
            name: self.after[name] - self.before[name] if EDITABLE[name].is_change else self.after[name]
            for name in self.values
        }

    @property
    def kept(self) -> bool:
        """True when all requested values were reached without giving anything up."""
        return self.steering.kept

    @property
    def identity(self) -> float:
        """The identity similarity to the person before the edit: 1 is the same face, about 0 a stranger."""
        return self.steering.identity

    @property
    def limited_by(self) -> tuple[str, ...]:
        """The limits that stopped the edit before the requested values; empty when none did.

        They are the attributes whose bounds the edit would break, `identity`, or `generator` when no bound is near.
        """
        return self.steering.limited_by


class Studio(Renderer):
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

    def detect(self, photo: Photo) -> tuple[Face, ...]:
        """Return the faces found in the photo, largest first; the result is empty when there is none."""
        return detect(load_mtcnn(), photo.image)

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
        target = self._make_target(photo, self.choose(photo, face))
        before = time.perf_counter() - begin
        left = config if config.seconds is None else replace(config, seconds=max(config.seconds - before, 0.0))
        inversion = self.invert(target.img, left, callback)
        return self._make_likeness(target, replace(inversion, seconds=inversion.seconds + before), config)

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
        targets = [self._make_target(photo, choice) for choice in chosen]
        guesses: list[WPlus] | list[None] = [None] * len(targets)
        if self.encoder is not None:
            guesses = list(self.encoder(torch.cat([target.img for target in targets])).split(1))
        for target, guess in zip(targets, guesses, strict=True):
            inversion = self.invert(target.img, config, callback, start=guess)
            yield self._make_likeness(target, inversion, config)
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

    def _make_target(self, photo: Photo, chosen: FaceChoice) -> EncodingTarget:
        aligned = self.align(photo, chosen.face, QUALITY_RESOLUTION)
        return EncodingTarget(photo, chosen, aligned, to_img(aligned.image))

    def _make_likeness(self, target: EncodingTarget, inversion: Inversion, config: EncodeConfig) -> Likeness:
        return make_likeness(target, inversion, config, generator=self.generator, precision=self.precision)

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

    # -- edit ---------------------------------------------------------------------------------------------------------

    @cached_property
    def basis(self) -> tuple[directions.Direction, ...]:
        """The attribute directions of this generator, in the analyzer's units; empty when there are none."""
        folder = self.generator.folder
        basis = load_basis(folder / DIRECTIONS) if folder else load_shipped_basis()
        return tuple(direction for direction in basis if direction.generator_hash == self.generator.hash)

    def basis_near(self, person: Likeness) -> tuple[directions.Direction, ...]:
        """Return the directions of the default generator fitted near a person, or the basis of another generator.

        They depend on the person before all edits. Those of the last few people stay in memory.
        """
        if self.generator.name != DEFAULT_GENERATOR:
            return self.basis
        key = digest(person.unedited)
        if key not in self._bases:
            self._bases[key] = localize(self.basis, person.unedited.w_plus, load_library())
            while len(self._bases) > MAX_BASES:
                self._bases.pop(next(iter(self._bases)))
        return self._bases[key]

    @cached_property
    def _bases(self) -> dict[str, tuple[directions.Direction, ...]]:
        return {}

    def edit(
        self,
        person: Likeness,
        values: Mapping[str, float],
        *,
        keep_identity: float | None = None,
        force: bool = False,
    ) -> EditResult:
        """Change attributes of a person to requested values and hold the others, checking the result at every step.

        Each other attribute stays within the bound that the table of attributes states for it. Where a value cannot be
        reached so, the edit goes as far as the bounds allow, and `limited_by` names them. In the default generator only
        the regions that the table names for the edited attributes change: a smile leaves the hair and the background.

        Convention: `values` by attribute: `age`, `yaw` and `pitch` are changes in years and degrees; `smile`,
        `gender`, `glasses`, `mouth_open` and `eyes_open` are probabilities, 0...1. `keep_identity` replaces the least
        identity similarity to the person before the edit, which otherwise depends on the edit; `force` lifts the
        bounds.
        Raises LatentError for other attributes, values out of range, and a generator without directions.
        """
        require_generator(person, self.generator)
        if not self.basis:
            hint = f"faceloom direction attributes --generator {self.generator_name} fits them"
            raise LatentError(f"{self.generator_name} has no directions", hint)
        edit = self.regional_edit(person, values)
        result = edit_attributes(edit, self.read_face, values, keep_identity=keep_identity, force=force)
        edits = [*person.provenance.get("edits", ()), {"wishes": dict(values), "coefficients": result.coefficients}]
        edited = replace(edit.move(person, result.coefficients), provenance={**person.provenance, "edits": edits})
        return EditResult(edited, result, values, to_units(result.before), to_units(result.after))

    def regional_edit(self, person: Likeness, edited: Collection[str]) -> RegionalEdit:
        """Return the edit of some attributes of a person, which changes only the regions that the table names."""
        latent = person.w_plus if person.base is None else person.base
        base = BasePicture(self.tuned_generator(person), self.read_regions, latent)
        return RegionalEdit(base, person.w_plus, edited, basis=self.basis_near(person), regions=person.regions)

    @cached_property
    def read_face(self) -> FaceReader:
        """The function by which edits are measured: two networks read aligned faces `[n, 3, h, h]`."""
        return partial(read_both, load_analyzer(), load_second_analyzer())

    @cached_property
    def read_regions(self) -> RegionReader | None:
        """The reader of the default generator's regions; None for other generators, whose edits change all regions."""
        if self.generator.name != DEFAULT_GENERATOR:
            return None
        head = load_region_head()
        return lambda G, w_plus: read_regions(G, head, w_plus)

    def step(self, person: Likeness, strengths: Mapping[str, float], layers: str | None = None) -> Likeness:
        """Move a person along directions; `strengths` by the name or the file of a direction, in its units.

        A direction of StyleSpace changes the person's `delta`, one of W the `w_plus`; `unedited` undoes both.
        Raises LatentError for an unknown direction and for one of another generator.
        """
        require_generator(person, self.generator)
        indices = parse_layers(layers, self.generator.G.layer_resolutions) if layers else None
        moved = person.with_w_plus(person.w_plus)
        for name, strength in strengths.items():
            direction = self.direction(name)
            if isinstance(direction, StyleDirection):
                moved = stylespace.step(self.generator.G, moved, direction, strength, indices)
            else:
                moved = moved.with_w_plus(directions.step(moved.w_plus, direction, strength, indices))
        return moved

    def direction(self, name: str) -> directions.Direction | StyleDirection:
        """Open a direction of W or of StyleSpace: one of this generator, a shipped or imported one, or a file."""
        attributes = {direction.name: direction for direction in self.basis}
        direction = attributes.get(name) or stylespace.load_named(name)
        require_generator(direction, self.generator)
        return direction

    def mix(self, a: Likeness, b: Likeness, layers: str = "coarse", *, pull: float = W_PULL_MIXING) -> Likeness:
        """Give person `a` the layers of person `b`: 'coarse', 'middle', 'fine', or numbers; `pull` as in `edit.mix`."""
        indices = parse_layers(layers, self.generator.G.layer_resolutions)
        return a.with_w_plus(mix(a.w_plus, b.w_plus, indices, pull))

    def child(
        self,
        a: Likeness,
        b: Likeness,
        number: int = 0,
        *,
        seed: int = 0,
        variation: float = 0.3,
        pull: float = W_PULL_MIXING,
    ) -> Likeness:
        """Make child `number` of two people, with a random `variation` in standard deviations; `pull` as in `mix`.

        Raises LatentError for a parent of another generator, and for numbers out of range.
        """
        return family.make_child(self, a, b, number, seed=seed, variation=variation, pull=pull)

    # -- render -------------------------------------------------------------------------------------------------------

    def paste_back(self, person: Likeness, photo: Photo) -> Image.Image:
        """Transfer the edits of a person into the photo that was encoded; without edits the photo does not change.

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
        quad = np.array(geometry.quad)
        unedited = person.unedited
        is_masked = person.mask is not None and person.base is not None and torch.equal(person.base, unedited.w_plus)
        mask = person.mask[0, 0].numpy() if is_masked and person.mask is not None else None
        return paste_back(photo.image, self.render(person), quad, original=self.render(unedited), mask=mask)

    # -- generate, search ---------------------------------------------------------------------------------------------

    def generate(self, seed: int, psi: float = 0.7, *, label: Label | None = None) -> Likeness:
        """Generate a face from a seed; `psi` truncates towards the mean face.

        `label` is the class of a conditional generator, or the vector of one that was trained on numbers.
        Raises LatentError for a label that is missing, out of range, of another length, or given to a generator without
        labels.
        """
        w_plus = generate_latents(self.generator.G, [seed], psi, c=make_label(label, self.generator.G.c_dim))
        provenance = {"faceloom": __version__, "method": "sample", "seed": seed, "psi": psi}
        provenance |= {} if label is None else {"label": label if isinstance(label, int) else list(label)}
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
