"""Friends: the children of two people, and people who are found by what they show.

Knows the studio; keeps nothing. Where somebody comes from is written into their likeness.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from faceloom import __version__, likeness
from faceloom.analyze import read
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit import children
from faceloom.edit.discover import READ_SIDE
from faceloom.edit.find import FindConfig, Found, find
from faceloom.edit.mix import PULL
from faceloom.edit.wanted import parse_wanted
from faceloom.images import Photo, to_img
from faceloom.likeness import Likeness
from faceloom.studio import Studio


def child(
    studio: Studio, a: Likeness, b: Likeness, number: int, *, seed: int = 0, variation: float = 0.3, pull: float = PULL
) -> Likeness:
    """Have child `number` of two people; it does not depend on how many there are. Raises as `edit.children`."""
    for parent in (a, b):
        likeness.require(parent, studio.generator)
    made = children.child(
        a.w_plus,
        b.w_plus,
        number,
        seed=seed,
        layer_resolutions=studio.generator.G.layer_resolutions,
        people=studio.spread,
        variation=variation,
        pull=pull,
    )
    lineage = {
        "faceloom": __version__,
        "method": "child",
        "parents": [likeness.digest(a), likeness.digest(b)],
        "seed": seed,
        "number": number,
        "variation": variation,
        "inherited": made.inherited,
    }
    return Likeness(made.w_plus, studio.generator.hash, studio.generator.name, provenance=lineage)


def find_people(
    studio: Studio,
    text: str = "",
    *,
    like: Photo | Likeness | None = None,
    count: int = 6,
    seed: int = 0,
    config: FindConfig | None = None,
    callback: Callable[[float, str], None] | None = None,
) -> list[Likeness]:
    """Find people who show what the text says ('about 40, smiling, glasses') or resemble a face, the best first.

    What was read from each is in `provenance`: traits, missed (0: all is met), similarity. Raises as
    `edit.wanted.parse_wanted` and `edit.find.find`, and FaceError for a photo without a face.
    """
    wanted = parse_wanted(text) if text or like is None else ()
    found = find(
        studio.fast_generator.G,
        wanted,
        load_analyzer(),
        people=studio.spread,
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


def _found(studio: Studio, person: Found, text: str, seed: int) -> Likeness:
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
