"""Morphing between faces in W+, and between people who were edited in some regions. Does not draw or open files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise

import torch
from torch import Tensor

from faceloom.edit.mix import check_same_space, middle_weight, pull_towards_w
from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.networks.tuned import add_deltas, blend_deltas, is_same_delta
from faceloom.style import Style


def morph(a: WPlus, b: WPlus, t: float, pull: float = 0.0) -> WPlus:
    """Move from face `a` (t = 0) to face `b` (t = 1) along a straight line in W+, or one that bends towards W.

    Convention: a, b `[n, num_ws, w_dim]` from the same generator; t outside 0...1 extrapolates. Both ends are exact.
    `pull` is the part of the way by which the middle is moved towards W, see `mix`; it matters for people found in
    photos.
    Raises ShapeError when the shapes differ.
    """
    check_same_space(a, b)
    return pull_towards_w(a.lerp(b, t), pull * middle_weight(t))


def between(a: Likeness, b: Likeness, t: float, pull: float = 0.0) -> Likeness:
    """Return the person between two people: `a` at t = 0, `b` at t = 1, and their blended properties between.

    The latent, the tuned weights, and for people who were edited in some regions the base and the mask are blended. A
    person without a mask is drawn from `w_plus` alone. That picture is the same with `w_plus` as the base and any mask,
    so the mask of the other person is used from end to end, and no region appears at once.

    Two states of one person, such as before and after an edit, are not pulled towards W, because their layers fit each
    other. Their base and their tuned weights are the same object in every state between, when they do not change.

    Convention: t is 0...1; `pull` as in `morph`.
    Raises ShapeError for people of generators with other shapes, LatentError for a t out of range.
    """
    check_same_space(a.w_plus, b.w_plus)
    if not 0 <= t <= 1:
        raise LatentError(f"a person at {t:g} between two people", "give a number from 0 to 1")
    if t in (0, 1):
        return b if t else a
    pull = 0.0 if torch.equal(a.unedited.w_plus, b.unedited.w_plus) else pull
    mask = _blend_masks(a.mask, b.mask, t)
    return Likeness(
        _morph_unless_equal(a.w_plus, b.w_plus, t, pull),
        a.generator_hash,
        a.generator_name,
        delta=blend_deltas(a.delta, b.delta, t),
        base=None if mask is None else _morph_unless_equal(a.outside, b.outside, t, pull),
        mask=mask,
        style=blend_styles(a.style, b.style, t),
    )


def blend_styles(a: Style | None, b: Style | None, t: float) -> Style | None:
    """Return the style between two: one that a person lacks grows or fades, two different ones are blended.

    Squares are those of the nearer style.
    """
    if a is None or b is None:
        style = b if a is None else a
        return style and style.with_strength(style.strength * (t if a is None else 1 - t))
    if a.squares == b.squares and is_same_delta(a.delta, b.delta):
        return a.with_strength(a.strength * (1 - t) + b.strength * t)
    delta = blend_deltas(add_deltas({}, a.delta, a.strength), add_deltas({}, b.delta, b.strength), t)
    nearer = a if t < 0.5 else b
    return replace(a, name=f"{a.name}, {b.name}", delta=delta, strength=1.0, squares=nearer.squares)


def smoothstep(t: float) -> float:
    """Ease in and out: 0 -> 0, 1 -> 1, slope 0 at both ends."""
    return t * t * (3 - 2 * t)


def morph_path(
    people: Sequence[Likeness],
    frames: int,
    *,
    ease: Callable[[float], float] = smoothstep,
    loop: bool = False,
    pull: float = 0.0,
) -> Iterator[Likeness]:
    """Return the people of a morph from person to person, one for each frame, as `between` makes them.

    Convention: `frames` is the number of frames from one person to the next. The path passes exactly through every
    person. Without `loop` it has `(len(people) - 1) * frames + 1` people, both ends included. With `loop` it returns to
    the first person and leaves out the repeated last frame: `len(people) * frames` people.
    Raises LatentError for fewer than two people or no frame, ShapeError when the people's shapes differ.
    """
    if len(people) < 2 or frames < 1:
        raise LatentError(f"a morph of {len(people)} people in {frames} frames", "give at least two people and a frame")
    for person in people:
        check_same_space(people[0].w_plus, person.w_plus)
    stops = [*people, people[0]] if loop else list(people)
    path = (between(a, b, ease(frame / frames), pull) for a, b in pairwise(stops) for frame in range(frames))
    return path if loop else chain(path, stops[-1:])


def path_at(people: Sequence[Likeness], positions: Iterable[float], *, pull: float = 0.0) -> Iterator[Likeness]:
    """Return the people at positions of an endless round of morphs: `people[0]` at 0, `people[1]` at 1 and so on.

    After the last person comes the first one again. Convention: positions are 0 or more; `pull` as in `morph`.
    Raises LatentError for fewer than two people or a negative position, ShapeError when the people's shapes differ.
    """
    if len(people) < 2:
        raise LatentError(f"a morph of {len(people)} people", "give at least two people")
    for person in people:
        check_same_space(people[0].w_plus, person.w_plus)
    for position in positions:
        leg = int(position // 1)
        if leg < 0:
            raise LatentError(f"a position of {position:g} on a morph", "positions start at 0")
        yield between(people[leg % len(people)], people[(leg + 1) % len(people)], position - leg, pull)


def _morph_unless_equal(a: WPlus, b: WPlus, t: float, pull: float) -> WPlus:
    """Morph between two latents; equal ones that are not pulled give `a` itself."""
    return a if not pull and torch.equal(a, b) else morph(a, b, t, pull)


def _blend_masks(a: Tensor | None, b: Tensor | None, t: float) -> Tensor | None:
    """Blend the masks of two people; where only one person has a mask, it is the mask of both."""
    if a is None or b is None:
        return b if a is None else a
    return a.lerp(b, t).clamp(0, 1)
