"""Anonymised photos: every face becomes a generated person of the same attributes, or is blurred.

One `Anonymiser` remembers the people that it has met by their identities, so that a person gets the same stand-in in
every photo of a folder. It keeps nothing when it is gone, and its seed is random unless one is given: without the seed,
the choice cannot be repeated to test a guess about who was there.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom.analyze.ensemble import read_latents
from faceloom.checkpoints.load import DEFAULT_GENERATOR, load_lpips
from faceloom.checkpoints.shipped import load_aligner, load_encoder, load_latent_reader
from faceloom.edit.stand_in import (
    GROUPS,
    PersonW,
    judge_candidates,
    kept_attributes,
    match_attributes,
    mix_in,
    shortlist,
)
from faceloom.errors import FaceError, LatentError
from faceloom.faces.align import Quad, align, quad_from_landmarks, quad_side
from faceloom.faces.detect import Face
from faceloom.faces.hide_face import hide_box, hide_quad
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.faces.refine_alignment import refine_quad
from faceloom.faces.replace_face import replace_face
from faceloom.images import Photo, to_img
from faceloom.invert.encode import invert_encode
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import WPlus, truncate, z_from_seeds
from faceloom.networks.analyzer import Reading
from faceloom.workflows.face_swap import SwappedFace
from faceloom.workflows.studio import Studio

MAX_SEED = 1_000_000  # seeds of stand-ins are below it
REPLACED, BLURRED = "replaced", "blurred"


@dataclass(frozen=True)
class AnonymiseConfig:
    """Settings of anonymising."""

    keep: tuple[str, ...] = tuple(GROUPS)  # what the stand-ins share with the people, see `edit.stand_in.GROUPS`
    blur: bool = False  # blur every face, and generate no people
    seed: int | None = None  # of the stand-ins; None draws one that is not kept
    pool: int = 3000  # number of generated people whose latents are guessed about
    psi: float = 0.9  # their truncation
    candidates: int = 30  # number of them that are drawn for each new person
    finalists: int = 8  # number of candidates whose regions are read
    attempts: int = 6  # number of stand-ins that are tried before a face is blurred
    max_similarity: float = 0.45  # identity similarity of a stand-in to the person above which it is not used
    same_person: float = 0.72  # identity similarity from which two faces are taken for one person's


@dataclass(frozen=True)
class AnonymisedFace:
    """The result for one face.

    Convention: `box` as the detector's, in pixels of the photo; `how` is REPLACED or BLURRED; `person` is the number of
    the person among those that the anonymiser has met, None for a blurred face; `similarity` is the identity similarity
    of the new face to the person, NaN for a blurred one; `reason` says why a face was blurred, and is empty otherwise.
    """

    box: tuple[float, float, float, float]
    how: str
    person: int | None = None
    similarity: float = float("nan")
    reason: str = ""


@dataclass(frozen=True, eq=False)
class AnonymisedPhoto:
    """A photo without recognizable faces, and what became of each, largest first."""

    image: Image.Image
    faces: tuple[AnonymisedFace, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: the faces that were blurred although they should have been replaced."""
        reasons = [face.reason for face in self.faces if face.reason]
        return tuple(f"{reasons.count(reason)} blurred: {reason}" for reason in dict.fromkeys(reasons))


@dataclass(eq=False)
class Person:
    """A person that was met: the mean identity `[128]`, the number of faces in it, and the stand-ins, best first."""

    identity: Tensor
    stand_ins: list[PersonW]
    count: int = 1

    def similarity(self, identity: Tensor) -> float:
        """Return the identity similarity to a face."""
        return float(torch.cosine_similarity(self.identity, identity, dim=0))

    def add(self, identity: Tensor) -> None:
        """Take another face of the person into the mean."""
        self.identity = (self.identity * self.count + identity) / (self.count + 1)
        self.count += 1


@dataclass(frozen=True, eq=False)
class Replacement:
    """A photo with a new face, the identity similarity of the new face to the old one, and the stand-in's `w`."""

    image: Image.Image
    similarity: float
    w: PersonW


@dataclass(frozen=True, eq=False)
class Portrait:
    """An aligned face of a photo: its quad, its reading, and its inversion `[1, num_ws, w_dim]`."""

    quad: Quad
    shown: Reading
    base: WPlus = field(repr=False)


class Anonymiser:
    """Replaces faces in photos; keeps the people that it has met in memory, and nothing on disk.

    anonymiser = Anonymiser(Studio())
    result = anonymiser.photo(open_photo("party.jpg"))
    save_picture(result.image, "anonymous.jpg", ai_generated=True, composite=True)
    """

    def __init__(self, studio: Studio, config: AnonymiseConfig | None = None) -> None:
        """Check the settings. Raises LatentError for another generator, and for attributes that cannot be kept."""
        self.studio, self.config = studio, config or AnonymiseConfig()
        self.names = kept_attributes(self.config.keep)
        if not self.config.blur and studio.generator_name != DEFAULT_GENERATOR:
            raise LatentError("stand-ins need the default generator", "leave --generator out, or give --blur")
        self.seed = secrets.randbelow(MAX_SEED) if self.config.seed is None else self.config.seed
        self.people: list[Person] = []

    def photo(self, photo: Photo) -> AnonymisedPhoto:
        """Replace or blur every face of a photo; a photo without a face stays as it is."""
        image, results = photo.image, []
        present: set[int] = set()
        for face in self.studio.detect(photo):
            image, result = self._face(photo.image, image, face, present)
            results.append(result)
        return AnonymisedPhoto(image, tuple(results))

    def _face(
        self, original: Image.Image, image: Image.Image, face: Face, present: set[int]
    ) -> tuple[Image.Image, AnonymisedFace]:
        """Replace one face in `image`; `present` are the numbers of the people that the photo shows already."""
        if self.config.blur:
            return hide_box(image, face.box), AnonymisedFace(face.box, BLURRED)
        if face.size < MIN_FACE_PIXELS:
            reason = f"smaller than {MIN_FACE_PIXELS} px"
            return hide_box(image, face.box), AnonymisedFace(face.box, BLURRED, reason=reason)
        try:
            portrait = self.portrait(
                original, refine_quad(load_aligner(), original, quad_from_landmarks(face.landmarks))
            )
        except FaceError:
            reason = "too near the edge of the photo"
            return hide_box(image, face.box), AnonymisedFace(face.box, BLURRED, reason=reason)
        number = self.meet(portrait, present)
        present.add(number)
        try:
            done = self.replace(image, portrait, number)
        except FaceError as error:
            return hide_quad(image, portrait.quad), AnonymisedFace(face.box, BLURRED, reason=error.message)
        return done.image, AnonymisedFace(face.box, REPLACED, number, done.similarity)

    def portrait(self, photo: Image.Image, quad: Quad) -> Portrait:
        """Align, read and invert a face. Raises FaceError when it lies outside the photo."""
        square = align(photo, quad, QUALITY_RESOLUTION).image
        G, img = self.studio.fast_generator.G, to_img(square)
        with torch.no_grad():
            shown = self.studio.read_face(img)
        base = invert_encode(G, load_encoder(), img, alexnet=load_lpips("alexnet")).w_plus
        return Portrait(quad, shown, base)

    def meet(self, portrait: Portrait, present: set[int] | None = None) -> int:
        """Return the number of the person in a portrait: one met before, who is not among `present`, or a new one."""
        identity = portrait.shown.identity[0]
        known = [(person.similarity(identity), i) for i, person in enumerate(self.people) if i not in (present or ())]
        similarity, number = max(known, default=(-1.0, -1))
        if similarity >= self.config.same_person:
            self.people[number].add(identity)
            return number
        self.people.append(Person(identity, self.choose(portrait)))
        return len(self.people) - 1

    @torch.no_grad()
    def choose(self, portrait: Portrait) -> list[PersonW]:
        """Choose generated people to stand in for a person, best first, each of them for one person only.

        Of the best candidates, those come later whose hair would cover the face, which a paste would cut off, and those
        who show something else at the forehead, the cheeks and the jaw, where a paste would have an edge.
        """
        pool, guesses = self._pool
        G = self.studio.fast_generator.G
        free = _unused(pool, [person.stand_ins[0] for person in self.people])
        nearest = shortlist(pool[free], guesses[free], portrait.shown, self.names, self.config.candidates)
        people = [pool[free[index]][None] for index in nearest]
        best = judge_candidates(G, portrait.base, people, portrait.shown, self.studio.read_face, self.names)
        face = SwappedFace.draw(self.studio, portrait.base)
        finalists = [
            (candidate.cost + face.measure_cost(mix_in(G, portrait.base, candidate.w)), candidate.w)
            for candidate in best[: self.config.finalists]
        ]
        return [w for _, w in sorted(finalists, key=lambda finalist: finalist[0])]

    def replace(self, image: Image.Image, portrait: Portrait, number: int) -> Replacement:
        """Replace the face of a portrait by the first stand-in of a person that differs enough from it.

        Raises FaceError when none does.
        """
        stand_ins = self.people[number].stand_ins
        for place, w in enumerate(stand_ins[: self.config.attempts]):
            changed = self.draw(image, portrait, self.match(portrait, w))
            similarity = self.similarity(changed, portrait)
            if similarity <= self.config.max_similarity:
                stand_ins.insert(0, stand_ins.pop(place))  # the person keeps this one from now on
                return Replacement(changed, similarity, w)
        raise FaceError("every stand-in looked too much like the person", "use a larger or sharper photo")

    @torch.no_grad()
    def similarity(self, image: Image.Image, portrait: Portrait) -> float:
        """Return the identity similarity of the face that a photo shows now to the one in the portrait."""
        square = align(image, portrait.quad, QUALITY_RESOLUTION).image
        identity = self.studio.read_face(to_img(square)).identity
        return float((identity * portrait.shown.identity).sum())

    @torch.no_grad()
    def match(self, portrait: Portrait, w: PersonW) -> WPlus:
        """Return the latent of a stand-in whose attributes match those of the portrait."""
        G = self.studio.fast_generator.G
        start = mix_in(G, portrait.base, w)
        return match_attributes(G, start, portrait.shown, self.studio.read_face, self.studio.basis, self.names)

    @torch.no_grad()
    def draw(self, image: Image.Image, portrait: Portrait, w_plus: WPlus, seed: int = 0) -> Image.Image:
        """Draw a stand-in and paste its face into a photo; `seed` determines the grain."""
        side = _render_side(quad_side(portrait.quad), self.studio.fast_generator.G.img_resolution)
        face, mask = SwappedFace.draw(self.studio, portrait.base).swap(w_plus, side)
        return replace_face(image, face, portrait.quad, mask, seed=seed)

    @cached_property
    def _pool(self) -> tuple[Tensor, Tensor]:
        """The latents `[n, w_dim]` of generated people, and the guesses of their attributes `[n, 10]`."""
        G, count = self.studio.fast_generator.G, self.config.pool
        first = self.seed * count
        with torch.no_grad():
            w = G.mapping(z_from_seeds(range(first, first + count), G.z_dim).to(G.w_avg))
            w = truncate(w[:, None], G.w_avg, self.config.psi)[:, 0]
            return w, read_latents(load_latent_reader(), w)


def _unused(pool: Tensor, taken: Sequence[PersonW]) -> Tensor:
    """Return the indices of the latents of a pool that are not among those taken."""
    is_taken = [(pool - w).abs().amax(1) < 1e-6 for w in taken]
    return torch.stack([torch.zeros(len(pool), dtype=torch.bool), *is_taken]).any(0).logical_not().nonzero()[:, 0]


def _render_side(side: float, largest: int) -> int:
    """Return the least power of two from the side of a square on, at least 256 px and at most the generator's."""
    return min(largest, max(256, 1 << int(np.ceil(np.log2(max(side, 1))))))
