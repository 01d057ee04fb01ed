"""Morphing between faces in W+. Works on latents and deltas, without images or files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch

from faceloom.edit.mix import WPlusBatch, check_same_space, middle_weight, pull_towards_w
from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.tuned import Delta, blend_deltas


def morph(a: WPlus, b: WPlus, t: float, pull: float = 0.0) -> WPlus:
    """Move from face `a` (t = 0) to face `b` (t = 1) along a straight line in W+, or one that bends towards W.

    Convention: a, b `[n, num_ws, w_dim]` from the same generator; t outside 0...1 extrapolates. Both ends are exact.
    `pull` is the part of the way by which the middle is moved towards W, see `mix`; it matters for people found in
    photos.
    Raises ShapeError when the shapes differ.
    """
    check_same_space(a, b)
    return pull_towards_w(a.lerp(b, t), pull * middle_weight(t))


def smoothstep(t: float) -> float:
    """Ease in and out: 0 -> 0, 1 -> 1, slope 0 at both ends."""
    return t * t * (3 - 2 * t)


def morph_path(
    people: Sequence[WPlusBatch],
    frames: int,
    *,
    ease: Callable[[float], float] = smoothstep,
    loop: bool = False,
    pull: float = 0.0,
) -> WPlusBatch:
    """Compute the latents of a morph from person to person: `[count, num_ws, w_dim]`, one row for each frame.

    Convention: each of `people` is `[1, num_ws, w_dim]`; `frames` is the number of frames from one person to the next;
    `pull` as in `morph`. The path passes exactly through every person. Without `loop` it has
    `(len(people) - 1) * frames + 1` rows, both ends included. With `loop` it returns to the first person and leaves out
    the repeated last frame: `len(people) * frames` rows.
    Raises LatentError for fewer than two people or no frame, ShapeError when the people's shapes differ.
    """
    if len(people) < 2 or frames < 1:
        raise LatentError(f"a morph of {len(people)} people in {frames} frames", "give at least two people and a frame")
    stops = [*people, people[0]] if loop else list(people)
    rows = [morph(a, b, ease(frame / frames), pull) for a, b in pairwise(stops) for frame in range(frames)]
    return torch.cat(rows if loop else [*rows, stops[-1]])


def morph_deltas(
    deltas: Sequence[Delta], frames: int, *, ease: Callable[[float], float] = smoothstep, loop: bool = False
) -> list[Delta]:
    """Blend the tuned weights of people, for each frame of `morph_path`."""
    stops = [*deltas, deltas[0]] if loop else list(deltas)
    rows = [blend_deltas(a, b, ease(frame / frames)) for a, b in pairwise(stops) for frame in range(frames)]
    return rows if loop else [*rows, stops[-1]]
