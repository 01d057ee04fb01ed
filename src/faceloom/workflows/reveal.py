"""Short films of one person: the reveal, 'you, from 5 to 80', and the boomerang, a smile there and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch

from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.morph import between, smoothstep
from faceloom.images import area_resize, to_pixels
from faceloom.images.tensors import Pixels
from faceloom.likeness import Likeness
from faceloom.rendering import PersonGenerators, Renderer

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio

REVEAL_AGES = (5.0, 20.0, 35.0, 50.0, 65.0, 80.0)  # years, between which the reveal moves at a constant speed
REVEAL_SECONDS, HOLD_SECONDS = 10.0, 0.6  # of the whole reveal, and of its first and its last picture
BOOMERANG_SECONDS = 2.4  # there and back
BROAD_SMILE = 0.95  # probability of a smile in the middle of a boomerang; its ends have the opposite
FILM_FPS, ANIMATION_FPS = 24, 12  # frames per second of films, and of animated WebP
MAX_YEARS = 60.0  # largest change of an age

ShowKind = Literal["reveal", "boomerang"]


def show_seconds(kind: ShowKind) -> float:
    """Return the length of a show in seconds."""
    return REVEAL_SECONDS if kind == "reveal" else BOOMERANG_SECONDS


def make_stops(studio: Studio, person: Likeness) -> list[tuple[float, Likeness]]:
    """Return a person at the ages of the reveal, as exact edits, with the ages in years that were reached.

    Ages nearer than three years to the person's own are left out, and the person as they are is among them.
    Raises LatentError for a generator without directions.
    """
    age = studio.attributes(person).age
    stops = [(age, person)]
    for target in REVEAL_AGES:
        if abs(target - age) >= 3:
            years = min(max(target - age, -MAX_YEARS), MAX_YEARS)
            edit = studio.edit(person, {"age": years})
            stops.append((age + edit.reached.get("age", years), edit.person))
    return stops


def reveal(
    renderer: Renderer,
    stops: Sequence[tuple[float, Likeness]],
    *,
    fps: float,
    size: int,
    seconds: float = REVEAL_SECONDS,
) -> Iterator[Pixels]:
    """Draw a person from the youngest to the oldest of the stops `(age in years, person)`, at a constant speed.

    Yields uint8 `[size, size, 3]`, RGB. Stops of the same age count once.
    """
    ordered = [stop for _, stop in sorted({round(age, 1): (age, person) for age, person in stops}.items())]
    people = [person for _, person in ordered]
    parts = [b - a for (a, _), (b, _) in pairwise(ordered)]
    hold = round(HOLD_SECONDS * fps)
    moving = max(1, round(seconds * fps) - 2 * hold)
    path = [people[0]] * hold
    for (a, b), part in zip(pairwise(people), parts, strict=True):
        steps = max(1, round(moving * part / sum(parts)))
        path += [between(a, b, step / steps, W_PULL_MIXING) for step in range(steps)]
    return draw_path(renderer, [*path, *[people[-1]] * (hold + 1)], size)


def boomerang(renderer: Renderer, serious: Likeness, smiling: Likeness, *, fps: float, size: int) -> Iterator[Pixels]:
    """Draw a smile there and back, eased, so that the film can play in a loop. Yields as `reveal`."""
    half = max(1, round(BOOMERANG_SECONDS * fps / 2))
    there = [between(serious, smiling, smoothstep(step / half), W_PULL_MIXING) for step in range(half + 1)]
    return draw_path(renderer, [*there, *there[-2:0:-1]], size)


@torch.no_grad()
def draw_path(renderer: Renderer, people: Sequence[Likeness], size: int) -> Iterator[Pixels]:
    """Draw people one after the other, in the precision of films; a person who is held is drawn once."""
    generators = PersonGenerators(renderer.film_generator, renderer.apply_delta)
    last: Likeness | None = None
    pixels: Pixels | None = None
    for person in people:
        if pixels is None or person is not last:
            pixels, last = to_pixels(area_resize(generators.of(person).synthesis(person.w_plus), size)), person
        yield pixels
