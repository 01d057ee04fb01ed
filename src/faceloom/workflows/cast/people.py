"""The pictures, masks and rows of one person of a cast."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from faceloom.faces.detect import Face
from faceloom.images import Photo, area_resize, to_pixels
from faceloom.images.save import encode_picture
from faceloom.likeness import Likeness
from faceloom.marks.origin import Origin
from faceloom.workflows.cast.background import cut_out, resize_maps
from faceloom.workflows.cast.cells import Assignment, Cell
from faceloom.workflows.cast.draw import READ_SIDE, Check, Drawer, Drawn, never_interrupt, to_read
from faceloom.workflows.cast.labels import Labels
from faceloom.workflows.cast.license import license_of
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.studio import Studio

Mask = UInt8[np.ndarray, "h w"]

SAME_PERSON = 0.5  # least identity similarity of further pictures to the first one
MIN_FACE = 60  # pixels of the smallest face that is detected in a picture of READ_SIDE
RESEMBLES = 0.65  # identity similarity from which a person resembles an excluded one
MAX_REFUSED = 5  # times that a person who resembles an excluded one is cast again
SEEDS = 4000  # seeds of one person, once for each time that the person is cast


@dataclass(frozen=True, eq=False)
class PersonFiles:
    """A person of a cast: the rows of the table, the content of the files by name, the latent and the identity.

    Convention: `w [w_dim]` of the first picture; `identity [128]`.
    """

    rows: Sequence[dict[str, Any]]
    files: dict[str, bytes]
    w: Tensor
    identity: Tensor
    problems: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Picture:
    """One picture of a person."""

    img: Tensor
    labels: Labels
    regions: Tensor | None
    facts: dict[str, Any]


def seeds_of(plan: Plan, index: int, variant: int, again: int = 0) -> Iterator[int]:
    """Yield the person's own seeds, for a person who was replaced `variant` times and refused `again` times."""
    words = np.random.SeedSequence([plan.seed, index, variant, again]).generate_state(SEEDS, np.uint32)
    return iter(words.tolist())


class PersonMaker:
    """Makes the people of a plan, one at a time, in any order."""

    def __init__(
        self,
        studio: Studio,
        plan: Plan,
        assignment: Assignment,
        day: date | None = None,
        check: Check = never_interrupt,
    ) -> None:
        self.studio, self.plan, self.assignment = studio, plan, assignment
        self.drawer = Drawer(studio, plan.psi, plan.size, check)
        self.license = license_of(studio.generator_name)
        self.origin = Origin(studio.generator.hash, studio.generator.name, day=day)

    def cell(self, index: int) -> Cell:
        """Return the cell of a person, by the index from 0."""
        return self.assignment.cells[int(self.assignment.cell_of[index])]

    @torch.no_grad()
    def make(self, index: int, variant: int, excluded: Tensor) -> PersonFiles:
        """Make all pictures of a person; who resembles one of the `excluded [n, 128]` is cast again.

        Raises as `Studio.edit` for further pictures.
        """
        problems: list[str] = []
        for again in range(MAX_REFUSED + 1):
            seeds = seeds_of(self.plan, index, variant, again)
            drawn = self.drawer.draw(self.cell(index).ranges, seeds)
            similarity = float((excluded @ drawn.labels.identity).max()) if len(excluded) else -1.0
            if similarity < RESEMBLES:
                return self._make(index, variant, drawn, problems)
        problems.append(f"resembles an excluded person: identity similarity {similarity:.2f}")
        return PersonFiles([], {}, drawn.w_plus[0, 0], drawn.labels.identity, problems)

    def _make(self, index: int, variant: int, drawn: Drawn, problems: list[str]) -> PersonFiles:
        rows: list[dict[str, Any]] = []
        files: dict[str, bytes] = {}
        person = Likeness(drawn.w_plus, self.studio.generator.hash, self.studio.generator.name)
        for number, picture in enumerate(self._pictures(person, drawn)):
            self.drawer.check()
            if not picture.facts["same_person"]:
                similarity = picture.facts["identity_similarity"]
                problems.append(f"picture {number} is left out: identity similarity {similarity:.2f}")
                continue
            stem = f"{index + 1:07d}-{number}"
            facts, contents = self._save(stem, picture)
            rows.append({**self._facts(index, variant, drawn), "picture": number, **picture.facts, **facts})
            files |= contents
        if not drawn.met:
            problems.insert(0, self._explain(index, drawn))
        return PersonFiles(rows, files, drawn.w_plus[0, 0], drawn.labels.identity, problems)

    def _pictures(self, person: Likeness, drawn: Drawn) -> Iterator[_Picture]:
        """Yield the first picture and the further ones, each with the identity similarity to the first."""
        facts = {"changes": "", "identity_similarity": 1.0, "same_person": True}
        yield _Picture(drawn.img, drawn.labels, self._regions(person), facts)
        for changes in self.plan.pictures:
            self.drawer.check()
            result = self.studio.edit(person, dict(changes))
            G = self.studio.person_generator(result.person, self.studio.fast_generator)
            img = G.synthesis_at(result.person.w_plus, self.drawer.side)
            labels = self.drawer.reader.read(to_read(img))
            similarity = float(labels.identity @ drawn.labels.identity)
            facts = {
                "changes": ", ".join(f"{name} {value:+g}" for name, value in changes.items()),
                "identity_similarity": round(similarity, 3),
                "same_person": similarity >= SAME_PERSON,
            }
            yield _Picture(img, labels, self._regions(result.person), facts)

    def _regions(self, person: Likeness) -> Tensor | None:
        """Return the probabilities of the regions of a person's picture, or None where no head reads them."""
        read = self.studio.read_regions
        if read is None:
            return None
        G = self.studio.fast_generator.G
        regions = read(G, person.w_plus)
        if person.base is None or person.mask is None:
            return regions
        return read(G, person.base).lerp(regions, person.mask)

    def _save(self, stem: str, picture: _Picture) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return the facts about a picture's files, and their content."""
        size = self.plan.size
        pixels = to_pixels(area_resize(picture.img, size))
        mask = None if picture.regions is None else region_mask(picture.regions, size)
        finished, opacity = cut_out(pixels, picture.regions, self.plan.background)
        name = f"{stem}.{self.plan.file_type}"
        data = encode_picture(
            finished, name, ai_generated=True, origin=self.origin, opacity=opacity, signed=self.plan.credentials
        )
        files = {name: data}
        if mask is not None:
            files[f"{stem}.mask.png"] = encode_mask(mask)
        facts = {
            "width": size,
            "height": size,
            **_face_facts(self._detect(picture.img), size),
            **picture.labels.facts(),
            "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        }
        return {"file_name": name, **facts}, files

    def _detect(self, img: Tensor) -> Face | None:
        """Return the largest face of a picture, in a picture of READ_SIDE, or None where none is detected."""
        faces = self.studio.detect(Photo(Image.fromarray(to_pixels(to_read(img)))), MIN_FACE)
        return faces[0] if faces else None

    def _facts(self, index: int, variant: int, drawn: Drawn) -> dict[str, Any]:
        """Return the columns that all pictures of a person share."""
        assignment = self.assignment
        return {
            "person": f"p{index + 1:07d}",
            "split": assignment.splits[int(assignment.split_of[index])],
            "cell": self.cell(index).name,
            "met": drawn.met,
            "seed": drawn.seed,
            "psi": drawn.psi,
            "edits": ", ".join(f"{name} {value:+.3f}" for name, value in drawn.edits.items()),
            "times_cast": variant + 1,
            "generator": self.studio.generator.name,
            "generator_sha256": self.studio.generator.hash,
            "licence": self.license,
        }

    def _explain(self, index: int, drawn: Drawn) -> str:
        """Return why a person does not count as one of the cell."""
        reasons = []
        for part in self.cell(index).ranges:
            value, spread = drawn.labels.values[part.attribute], drawn.labels.spreads.get(part.attribute, 0.0)
            if not part.holds(value):
                reasons.append(f"{part.attribute} {part.text} is {value:.2g} +- {spread:.1g}")
            elif drawn.labels.spread_use(part.attribute) > 1:
                reasons.append(f"readings of {part.attribute} differ by {spread:.2g}")
        return f"not in the cell '{self.cell(index).name}': {'; '.join(reasons)}"


def region_mask(regions: Tensor, size: int) -> Mask:
    """Return the number of the likeliest region of every pixel, uint8 `[size, size]`, in the order of REGIONS."""
    return resize_maps(regions, size)[0].argmax(0).to(torch.uint8).numpy()


def encode_mask(mask: Mask) -> bytes:
    """Return a mask as the content of a gray PNG."""
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG", optimize=False)
    return file.getvalue()


def _face_facts(face: Face | None, size: int) -> dict[str, Any]:
    """Return the box (x, y, width, height) and the five landmarks in pixels; empty lists without a face."""
    if face is None:
        return {"box": [], "landmarks": []}
    scale = size / READ_SIDE
    x0, y0, x1, y1 = (scale * float(value) for value in face.box)
    box = [round(value, 1) for value in (x0, y0, x1 - x0, y1 - y0)]
    return {"box": box, "landmarks": [round(float(value) * scale, 1) for value in face.landmarks.flatten()]}
