"""The studio: open -> find -> encode -> edit -> save. What the command line, the web page and a notebook all call.

Knows every floor below and adds nothing of its own but order. It neither prints nor chooses where files go.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom import likeness
from faceloom._version import __version__
from faceloom.analyze.reading import Attributes, read, read_attributes
from faceloom.checkpoints.load import DEFAULT_GENERATOR, load_lpips
from faceloom.checkpoints.readers.latent_files import read_latents
from faceloom.checkpoints.readers.mtcnn import load_mtcnn
from faceloom.checkpoints.readers.psp_encoder import load_encoder as imported_encoder
from faceloom.checkpoints.shipped import load_aligner, load_analyzer, load_curvature, load_encoder
from faceloom.edit import directions, stylespace
from faceloom.edit.attributes import basis_in, edit_attributes, random_edits, shipped_basis
from faceloom.edit.discover import READ_SIDE
from faceloom.edit.generate import generate_latents
from faceloom.edit.mix import W_PULL_MIXING, mix
from faceloom.edit.steer import Steered
from faceloom.edit.stylespace import StyleDirection
from faceloom.edit.targets import to_units
from faceloom.errors import AssetError, FaceError, LatentError
from faceloom.faces.align import Aligned, align, quad_from_landmarks
from faceloom.faces.detect import Chosen, Face, choose, detect
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.faces.paste_back import paste_back
from faceloom.faces.refine_alignment import refine
from faceloom.images import Photo, open_photo, to_img
from faceloom.invert.budget import EncodeConfig, First, Natural, invert_within_budget
from faceloom.invert.clock import Callback, StopCondition
from faceloom.invert.encode import encoder_guess
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion
from faceloom.invert.natural import ImageLoss, NaturalGradientDescent
from faceloom.invert.optimize import OptimizeConfig, invert_optimize
from faceloom.latents import WPlus, parse_layers
from faceloom.likeness import Geometry, Likeness
from faceloom.networks.precision import fast_precision
from faceloom.rendering import Renderer

ALIGNED_SIZE = 1024
DIRECTIONS = "directions"
"""The folder beside a generator's weights that its directions lie in."""


@dataclass(frozen=True)
class AnalyzedFace:
    """A face in a photo and what it shows."""

    face: Face
    traits: Attributes


@dataclass(frozen=True)
class EditResult:
    """A person after an edit in units, and what became of the wishes: years, degrees, probabilities."""

    person: Likeness
    steered: Steered
    before: Mapping[str, float]
    after: Mapping[str, float]


class Studio(Renderer):
    """Faces in one generator. Networks are loaded when they are first needed."""

    _warm = False

    # -- photo -> face ------------------------------------------------------------------------------------------------

    def detect(self, photo: Photo) -> tuple[Face, ...]:
        """Find every face, the largest first; none is no error."""
        return detect(load_mtcnn(), photo.image)

    def choose(self, photo: Photo, face: int | None = None) -> Chosen:
        """Find the faces and take one: the largest, or the one numbered `face`.

        Raises NoFaceFound, FaceTooSmall, and FaceError for a number that is not there.
        """
        return choose(self.detect(photo), face)

    def align(self, photo: Photo, face: Face, size: int = ALIGNED_SIZE) -> Aligned:
        """Cut the face out as FFHQ does (Karras et al. 2019, appendix A), the square refined by the aligner."""
        quad = refine(load_aligner(), photo.image, quad_from_landmarks(face.landmarks))
        return align(photo.image, quad, size)

    def analyze(self, photo: Photo) -> tuple[AnalyzedFace, ...]:
        """Read every face of a photo, the largest first. Raises FaceError for one that lies almost outside."""
        faces = self.detect(photo)
        return tuple(AnalyzedFace(face, self._read(to_img(self.align(photo, face, READ_SIDE).image))) for face in faces)

    def attributes(self, person: Likeness) -> Attributes:
        """Read what a person shows."""
        return self._read(to_img(self.render(person, READ_SIDE)))

    def _read(self, img: Tensor) -> Attributes:
        return read_attributes(load_analyzer(), img)[0]

    # -- face -> likeness ---------------------------------------------------------------------------------------------

    def encode(
        self,
        photo: Photo | Path | str,
        *,
        face: int | None = None,
        config: EncodeConfig | None = None,
        callback: Callback | None = None,
    ) -> Likeness:
        """Find a person's likeness as well as the time allows: encoder, search and tuning under one clock.

        Convention: `config.seconds` run from here, once the networks are loaded, to the answer. `callback` as in
        `invert_within`. The likeness is the best so far also when Ctrl-C ends the search: `provenance["interrupted"]`
        says so. Raises ImageError, FaceError, AssetError.
        """
        config = config or EncodeConfig()
        self.warm_up()
        begin = time.perf_counter()
        photo = photo if isinstance(photo, Photo) else open_photo(photo)
        chosen = self.choose(photo, face)
        cut = self.align(photo, chosen.face, QUALITY_RESOLUTION)
        target = to_img(cut.image)
        before = time.perf_counter() - begin
        left = config if config.seconds is None else replace(config, seconds=max(config.seconds - before, 0.0))
        found = self.invert(target, left, callback)
        return self._likeness(photo, chosen, cut, target, config, replace(found, seconds=found.seconds + before))

    def encode_all(
        self, photo: Photo, config: EncodeConfig | None = None, callback: Callback | None = None
    ) -> Iterator[Likeness]:
        """Find everybody in a photo who is large enough, the largest face first, each within the time.

        Raises NoFaceFound, AssetError.
        """
        config = config or EncodeConfig()
        self.warm_up()
        faces = self.detect(photo)
        large = [number for number, face in enumerate(faces) if face.size >= MIN_FACE_PIXELS]
        people = [choose(faces, number) for number in large] or [choose(faces)]
        cuts = [self.align(photo, person.face, QUALITY_RESOLUTION) for person in people]
        targets = to_img([cut.image for cut in cuts])
        starts = [None] * len(people) if self.first is None else self.first(targets).split(1)
        for person, cut, target, start in zip(people, cuts, targets.split(1), starts, strict=True):
            found = self.invert(target, config, callback, start=start)
            yield self._likeness(photo, person, cut, target, config, found)
            if found.interrupted:
                return

    def invert(
        self,
        target: Tensor,
        config: EncodeConfig | None = None,
        callback: Callback | None = None,
        *,
        start: WPlus | None = None,
    ) -> Inversion:
        """Find an aligned face `[1, 3, 256, 256]`, -1...1, within the time; without `start` the encoder gives one."""
        config = config or EncodeConfig()
        return invert_within_budget(
            self.fast_generator.G,
            target,
            alexnet=load_lpips("alexnet"),
            first=self.first if start is None else lambda img: start,
            natural=self.natural,
            neighbor=random_edits(self.basis) if self.basis else None,
            enough=_alike(target, config.until_identity),
            config=config,
            callback=callback,
        )

    @cached_property
    def first(self) -> First | None:
        """The encoder of the generator, if there is one: ours of the default one, or what was imported with another."""
        G = self.fast_generator.G
        if self.generator.name == DEFAULT_GENERATOR:
            return lambda img: encoder_guess(G, load_encoder(), img)
        try:
            return imported_encoder(self.generator.name).encode
        except AssetError:
            return None

    @cached_property
    def natural(self) -> Natural | None:
        """The search that knows the default generator's curvature; other generators have Adam's."""
        if self.generator.name != DEFAULT_GENERATOR:
            return None
        G, comparison = self.fast_generator.G, ImageLoss(load_lpips("alexnet"), load_analyzer())
        return lambda img, start: NaturalGradientDescent(G, comparison.to(img), start, load_curvature())

    @cached_property
    def basis(self) -> tuple[directions.Direction, ...]:
        """The directions, in the analyzer's units, that come with this generator; may be none."""
        folder = self.generator.folder
        found = basis_in(folder / DIRECTIONS) if folder else shipped_basis()
        return tuple(direction for direction in found if direction.generator_hash == self.generator.hash)

    def warm_up(self) -> None:
        """Load what an encoding needs and rehearse: first steps are slow, and a clock would plan for slow ones."""
        if not self._warm:
            self._warm = True
            load_mtcnn(), load_aligner(), load_analyzer()
            self.invert(torch.zeros(1, 3, QUALITY_RESOLUTION, QUALITY_RESOLUTION), EncodeConfig(None, 2))

    def optimize(self, target: Tensor, config: OptimizeConfig, callback: Callback | None = None) -> Inversion:
        """Search for aligned faces `[n, 3, 256, 256]`, -1...1, from the mean face by VGG16; nothing else."""
        vgg, alexnet = load_lpips("vgg16", self.judging), load_lpips("alexnet")
        return invert_optimize(
            self.fast_generator.G, target, vgg=vgg, alexnet=alexnet, config=config, callback=callback
        )

    @property
    def judging(self) -> str:
        """The precision of what pictures are compared with in a search."""
        return fast_precision() if self.precision == "fp16" else self.precision

    def _likeness(
        self, photo: Photo, chosen: Chosen, cut: Aligned, target: Tensor, config: EncodeConfig, found: Inversion
    ) -> Likeness:
        delta = {name: tensor.half() for name, tensor in found.delta.items()}
        person = Likeness(
            w_plus=found.w_plus,
            generator_hash=self.generator.hash,
            generator_name=self.generator.name,
            geometry=_geometry(cut, photo),
            provenance=self._provenance(photo, chosen, config, found),
            delta=delta,
        )
        pair = read(load_analyzer(), torch.cat((target, found.img))).identity
        quality = {"lpips": found.lpips[0], "mse": found.mse[0], "identity": float(pair[0] @ pair[1])}
        return replace(person, quality=quality)

    def _provenance(self, photo: Photo, chosen: Chosen, config: EncodeConfig, found: Inversion) -> dict[str, Any]:
        return {
            "faceloom": __version__,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "photo_sha256": hashlib.sha256(photo.image.tobytes()).hexdigest(),
            "face": face_facts(chosen.face) | {"number": chosen.number, "of": chosen.count},
            "notes": [*photo.notes, *chosen.notes],
            "method": "tune" if found.delta else "optimize" if found.steps else "encode",
            "space": config.space,
            "precision": self.precision,
            "seed": config.seed,
            "steps": found.steps,
            "seconds": round(found.seconds, 3),
            "interrupted": found.interrupted,
        }

    # -- likeness -> other likeness -----------------------------------------------------------------------------------

    def load(self, source: Path | str) -> Likeness:
        """Open a likeness file. Raises StoreError, CorruptFile, and LatentError for one of another generator."""
        person = likeness.load(Path(source))
        likeness.require(person, self.generator)
        return person

    def adopt(self, source: Path | str, number: int = 0) -> tuple[Likeness, int]:
        """Take a person out of a file of latents that another program found in this generator; and how many there are.

        Raises LatentError when the file's latents are another generator's by their shape, or fewer.
        """
        source, G = Path(source), self.generator.G
        people = read_latents(source, G.num_ws, G.w_dim)
        if not 0 <= number < len(people):
            raise LatentError(f"{source.name} holds {len(people)} people, and none is number {number}", "count from 0")
        made = {"faceloom": __version__, "method": "imported", "origin": source.name, "number": number}
        w_plus = people[number : number + 1].clone()
        return Likeness(w_plus, self.generator.hash, self.generator.name, provenance=made), len(people)

    def step(self, person: Likeness, changes: Mapping[str, float], layers: str | None = None) -> Likeness:
        """Change a person: `changes` names directions, shipped ones or files, with strengths in their units.

        A direction of StyleSpace changes the person's `delta`, one of W their `w_plus`; `found` undoes both.

        Raises LatentError for a direction that there is not or that belongs to another generator.
        """
        likeness.require(person, self.generator)
        chosen = parse_layers(layers, self.generator.G.layer_resolutions) if layers else None
        changed = person.changed(person.w_plus)
        for name, strength in changes.items():
            direction = self.direction(name)
            if isinstance(direction, StyleDirection):
                changed = stylespace.step(self.generator.G, changed, direction, strength, chosen)
            else:
                changed = changed.changed(directions.step(changed.w_plus, direction, strength, chosen))
        return changed

    def edit(self, person: Likeness, wishes: Mapping[str, float], *, keep_identity: float | None = None) -> EditResult:
        """Make a person what is wished for and leave the rest of them alone, by looking at every step.

        `wishes` as in `edit.wishes`: `age`, `yaw` and `pitch` are changes in years and degrees; `smile`, `gender`,
        `glasses`, `mouth_open` probabilities. `keep_identity` is the least similarity to the person before.
        Raises LatentError for other wishes, and in a generator without directions.
        """
        likeness.require(person, self.generator)
        if not self.basis:
            name = self.generator_name
            raise LatentError(f"{name} has no directions", f"faceloom direction traits --generator {name} finds them")
        G = self.tuned_to(person)
        found = edit_attributes(
            G, load_analyzer(), person.w_plus, wishes, basis=self.basis, keep_identity=keep_identity
        )
        edits = [*person.provenance.get("edits", ()), {"wishes": dict(wishes), "coefficients": found.coefficients}]
        changed = replace(person.changed(found.w_plus), provenance={**person.provenance, "edits": edits})
        return EditResult(changed, found, to_units(found.before), to_units(found.after))

    def direction(self, name: str) -> directions.Direction | StyleDirection:
        """Open a direction, of W or of StyleSpace: this generator's own, a shipped or an imported one, or a file."""
        own = {direction.name: direction for direction in self.basis}
        found = own.get(name) or stylespace.load_named(name)
        likeness.require(found, self.generator)
        return found

    def mix(self, a: Likeness, b: Likeness, layers: str = "coarse", *, pull: float = W_PULL_MIXING) -> Likeness:
        """Give person `a` the layers of person `b`: 'coarse', 'middle', 'fine', or numbers; `pull` as in `edit.mix`."""
        chosen = parse_layers(layers, self.generator.G.layer_resolutions)
        return a.changed(mix(a.w_plus, b.w_plus, chosen, pull))

    def generate(self, seed: int, psi: float = 0.7, *, label: int | None = None) -> Likeness:
        """Invent a person from a seed; `psi` pulls towards the mean face; `label` is the class of a labelled generator.

        Raises LatentError for a label that is missing, out of range, or not wanted.
        """
        w_plus = generate_latents(self.generator.G, [seed], psi, c=_one_hot(label, self.generator.G.c_dim))
        made = {"faceloom": __version__, "method": "sample", "seed": seed, "psi": psi}
        made |= {} if label is None else {"label": label}
        return Likeness(w_plus, self.generator.hash, self.generator.name, provenance=made)

    # -- likeness -> picture ------------------------------------------------------------------------------------------

    def paste_back(self, person: Likeness, photo: Photo) -> Image.Image:
        """Carry what was edited about a person over into the photo that they were found in; without an edit, it stays.

        Raises LatentError for a likeness that never had a photo, FaceError for a photo of another size.
        """
        geometry = person.geometry
        if geometry is None:
            raise LatentError("this likeness was not found in a photo", "encode a photo to paste back into it")
        if photo.image.size != geometry.photo_size:
            raise FaceError(
                f"the photo is {photo.image.size[0]}x{photo.image.size[1]}, "
                f"the likeness was found in one of {geometry.photo_size[0]}x{geometry.photo_size[1]}",
                "paste into the very photo that was encoded",
            )
        quad = np.array(geometry.quad)
        return paste_back(photo.image, self.render(person), quad, original=self.render(person.found))


def _alike(target: Tensor, bound: float | None) -> StopCondition | None:
    """Ask whether pictures show the same person, by the analyzer."""
    if bound is None:
        return None
    analyzer = load_analyzer()
    whose = read(analyzer, target).identity
    return lambda img: float((read(analyzer, img.clamp(-1, 1)).identity * whose).sum()) >= bound


def face_facts(face: Face) -> dict[str, Any]:
    """A face as plain numbers: box (x0, y0, x1, y1), score, size and five points, in photo pixels."""
    return {
        "box": [round(float(x), 2) for x in face.box],
        "score": round(float(face.score), 4),
        "size": round(float(face.size), 1),
        "landmarks": [[round(float(x), 2), round(float(y), 2)] for x, y in face.landmarks],
    }


def _one_hot(label: int | None, c_dim: int) -> Tensor | None:
    """The label `[1, c_dim]` of a class, None for a generator without labels."""
    if c_dim and (label is None or not 0 <= label < c_dim):
        given = "no label was given" if label is None else f"{label} is no label"
        raise LatentError(f"{given}, and this generator takes labels", f"give --label 0 to {c_dim - 1}")
    if not c_dim and label is not None:
        raise LatentError("this generator takes no labels", "leave --label out")
    return None if label is None else torch.eye(c_dim)[label : label + 1]


def _geometry(aligned: Aligned, photo: Photo) -> Geometry:
    tl, bl, br, tr = ((float(x), float(y)) for x, y in aligned.quad)
    return Geometry((tl, bl, br, tr), photo.image.size, aligned.size)
