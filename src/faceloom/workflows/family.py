"""Children of two people, at any age. The provenance of each child names the parents."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from faceloom import likeness
from faceloom._version import __version__
from faceloom.analyze.attributes import MAX_PROBABILITY
from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.edit import children
from faceloom.edit.growing import grow
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.nearby import load_library
from faceloom.errors import LatentError
from faceloom.likeness import Likeness
from faceloom.rendering import Renderer

AGES = (2.0, 30.0)  # years
AGE = 6.0  # years of children by default
BOY, GIRL = 2.0, -2.0  # logits of the attribute gender
YOUNGEST_PARENT, OLDEST_PARENT = 20.0, 75.0  # years between which an adult's age is a good start
READINGS = 4  # times that the age of a child is read at most
TOLERANCE = 1.0  # years
MIN_AIM = 1.0  # years

AttributeReading = Callable[[Likeness], Mapping[str, float]]


def make_child(
    renderer: Renderer,
    a: Likeness,
    b: Likeness,
    number: int,
    *,
    seed: int = 0,
    variation: float = 0.3,
    pull: float = W_PULL_MIXING,
    balance: float = 0.5,
) -> Likeness:
    """Make child `number` of two people, as an adult; it does not depend on the number of children.

    `balance` is 0 for a child that takes after parent `a`, 1 for one that takes after `b`.

    Raises LatentError for a parent of another generator, otherwise as `edit.children.make_child`.
    """
    for parent in (a, b):
        likeness.require_generator(parent, renderer.generator)
    child = children.make_child(
        a.w_plus,
        b.w_plus,
        number,
        seed=seed,
        layer_resolutions=renderer.generator.G.layer_resolutions,
        statistics=renderer.latent_statistics,
        variation=variation,
        pull=pull,
        balance=balance,
    )
    provenance = {
        "faceloom": __version__,
        "method": "child",
        "parents": [likeness.digest(a), likeness.digest(b)],
        "seed": seed,
        "number": number,
        "variation": variation,
        "inherited": child.inherited,
    }
    return Likeness(child.w_plus, renderer.generator.hash, renderer.generator.name, provenance=provenance)


def grow_up(renderer: Renderer, child: Likeness, age: float, read: AttributeReading) -> Likeness:
    """Return a child at an age in years, as a boy or a girl by its number. Its age is read again and corrected.

    `read` returns the attributes of a likeness in the units of the table. Raises LatentError for another generator
    than the default one, whose library of people is needed, and for an age outside AGES.
    """
    if not AGES[0] <= age <= AGES[1]:
        raise LatentError(
            f"children have an age of {AGES[0]:g} to {AGES[1]:g} years, not {age:g}", "choose one of those"
        )
    if renderer.generator.name != DEFAULT_GENERATOR:
        raise LatentError("only the default generator knows children", "leave out the age")
    library, before = load_library(), read(child)
    seed, number = child.provenance.get("seed", 0), child.provenance.get("number", 0)
    gender = BOY if (seed + number) % 2 else GIRL
    now = (min(max(before["age"], YOUNGEST_PARENT), OLDEST_PARENT), _logit(before["gender"]))
    aim, best, best_error = age, child, float("inf")
    for _ in range(READINGS):
        grown = replace(child, w_plus=grow(child.w_plus, library, now, (aim, gender)))
        error = read(grown)["age"] - age
        if abs(error) < best_error:
            best, best_error = grown, abs(error)
        if best_error < TOLERANCE:
            break
        aim = min(max(aim - error, MIN_AIM), OLDEST_PARENT)
    return replace(best, provenance={**child.provenance, "age": age})


def _logit(probability: float) -> float:
    limited = min(max(probability, 1 - MAX_PROBABILITY), MAX_PROBABILITY)
    return math.log(limited / (1 - limited))
