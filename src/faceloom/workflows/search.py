"""Search for generated faces that meet a description or resemble a face. Needs the studio; keeps nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from faceloom._version import __version__
from faceloom.analyze.reading import read
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.description import parse_description
from faceloom.edit.discover import READ_SIDE
from faceloom.edit.search import SearchConfig, SearchResult, search
from faceloom.images import Photo, to_img
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio


def search_people(
    studio: Studio,
    text: str = "",
    *,
    like: Photo | Likeness | None = None,
    count: int = 6,
    seed: int = 0,
    config: SearchConfig | None = None,
    callback: Callable[[float, str], None] | None = None,
) -> list[Likeness]:
    """Find people who show what the text says ('about 40, smiling, glasses') or resemble a face, the best first.

    What was read from each is in `provenance`: traits, missed (0: all is met), similarity. Raises as
    `edit.wanted.parse_wanted` and `edit.find.find`, and FaceError for a photo without a face.
    """
    wanted = parse_description(text) if text or like is None else ()
    found = search(
        studio.fast_generator.G,
        wanted,
        load_analyzer(),
        people=studio.latent_statistics,
        count=count,
        seed=seed,
        like=None if like is None else identity(studio, like),
        config=config,
        callback=callback,
    )
    return [_found(studio, person, text, seed) for person in found]


@torch.no_grad()
def identity(studio: Studio, face: Photo | Likeness) -> Tensor:
    """Read whose face it is `[1, 128]`. Raises FaceError for a photo without a face."""
    if isinstance(face, Photo):
        picture = studio.align(face, studio.choose(face).face, READ_SIDE).image
    else:
        picture = studio.render(face, READ_SIDE)
    return read(load_analyzer(), to_img(picture)).identity


def _found(studio: Studio, person: SearchResult, text: str, seed: int) -> Likeness:
    made = {
        "faceloom": __version__,
        "method": "find",
        "wanted": text,
        "seed": seed,
        "candidate": person.seed,
        "steps": person.steps,
        "traits": person.traits,
        "missed": person.missed,
        "similarity": None if math.isnan(person.similarity) else person.similarity,
    }
    return Likeness(person.w_plus, studio.generator.hash, studio.generator.name, provenance=made)
