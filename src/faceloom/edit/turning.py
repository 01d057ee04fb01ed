"""Edits of the whole picture, as turns of the head: found by a walk, and checked on the whole generator's picture.

Edits that are bound to regions are steered along directions instead (`edit.attributes`): there the directions bring the
wrinkles of age and the shape of a smile, which a shortest way leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch

from faceloom.edit.attributes import READABLE, look_at
from faceloom.edit.bounds import Bounds, default_bounds
from faceloom.edit.bystanders import find_clearing, shows_bystander
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.edit.regions import FeatureReader, RegionalEdit
from faceloom.edit.steer import BEYOND, SteeringResult
from faceloom.edit.targets import compute_targets, drop_met, to_units
from faceloom.edit.walk import Look, Walk, WalkSpace, limits_of, point_on
from faceloom.latents import WPlus

STEPS = 10  # most steps of a walk on pictures of the early exit
WHOLE_STEPS = 10  # and then on pictures of the whole generator
PARTS = 5  # pictures by which the longest part of a walk is found that is within the bounds


def can_turn(edit: RegionalEdit, values: Mapping[str, float]) -> bool:
    """Return whether `turn` makes an edit: its attributes change all regions, and small pictures cost little."""
    draws_small = edit.of_side(READ_SIDE) is not edit or edit.base.G.img_resolution <= READ_SIDE
    return bool(values) and set(values) <= set(edit.moving) and draws_small


def turn(
    edit: RegionalEdit,
    read_face: FaceReader,
    values: Mapping[str, float],
    space: WalkSpace,
    read_features: FeatureReader | None = None,
    *,
    keep_identity: float | None = None,
    force: bool = False,
) -> tuple[RegionalEdit, SteeringResult]:
    """Change attributes of a face by a walk; the promise and the arguments are those of `attributes.edit_attributes`.

    The walk begins on pictures of the early exit, where the generator has one. Other people that it draws beside the
    person are removed where `read_features` is given. Returns the edit that draws the result, without coefficients.
    """
    set_out = partial(_set_out, read_face=read_face, values=values, space=space, keep_identity=keep_identity)
    small = edit.of_side(READ_SIDE)
    walk = set_out(small)
    if not walk.targets:
        return edit, _make_result(edit, walk, walk.before, ())
    trail = walk.go(lambda change: look_at(small.moved_by(change), {}, read_face), space.start, STEPS)
    aside = _find_aside(edit, edit.moved_by(space.to_change(trail[-1])), read_features)
    looks, walk = walk.looks, set_out(edit)
    walk.looks += looks
    trail += walk.go(lambda change: look_at(edit.moved_by(change + aside), {}, read_face), trail[-1], WHOLE_STEPS)[1:]

    def place(share: float) -> RegionalEdit:
        return edit.moved_by(space.to_change(point_on(trail, share)) + share * aside)

    limits = Bounds(min_identity=-1.0 if keep_identity is None else keep_identity) if force else walk.bounds
    share, look, limited_by = _find_longest(walk, lambda share: look_at(place(share), {}, read_face), limits)
    return place(share), _make_result(edit, walk, look, limited_by)


def _set_out(
    edit: RegionalEdit,
    read_face: FaceReader,
    values: Mapping[str, float],
    space: WalkSpace,
    keep_identity: float | None,
) -> Walk:
    """Return the walk of the requested values that the face does not show yet."""
    with torch.no_grad():
        before = look_at(edit, {}, read_face)
    shown = dict(zip(READABLE, before.values.tolist(), strict=True))
    targets = compute_targets(values, shown)
    missing = drop_met(values, to_units(shown))
    bounds = default_bounds(missing, keep_identity, edit.changing_regions)
    return Walk(space, READABLE, before, {name: targets[name] for name in missing}, bounds)


def _find_aside(edit: RegionalEdit, moved: RegionalEdit, read_features: FeatureReader | None) -> WPlus:
    """Return the change that removes people whom the moved edit draws and the edit does not; zeros without any."""
    nothing = torch.zeros_like(edit.w_plus)
    if read_features is None or shows_bystander(edit.base.regions):
        return nothing
    clearing = find_clearing(partial(read_features, edit.base.G), moved.outside, {})
    return nothing if clearing is None else clearing.change


@torch.no_grad()
def _find_longest(
    walk: Walk, look_at_part: Callable[[float], Look], limits: Bounds
) -> tuple[float, Look, tuple[str, ...]]:
    """Return the longest part of a walk that is within the limits, what is read there, and what limits it."""
    look = end = look_at_part(1.0)
    walk.looks += 1
    broken = limits_of(walk.measure_use(end, limits), 1.0)
    share = 1.0
    if broken:
        share, look, beyond = 0.0, walk.before, 1.0
        for _ in range(PARTS):
            middle = (share + beyond) / 2
            part = look_at_part(middle)
            walk.looks += 1
            if limits_of(walk.measure_use(part, limits), 1.0):
                beyond = middle
            else:
                share, look = middle, part
    if walk.miss(look) <= 1:
        return share, look, ()
    return share, look, broken or limits_of(walk.measure_use(look, limits), walk.config.room) or (BEYOND,)


def _make_result(edit: RegionalEdit, walk: Walk, look: Look, limited_by: tuple[str, ...]) -> SteeringResult:
    names = [direction.name for direction in edit.basis]
    before, after = (dict(zip(READABLE, each.values.tolist(), strict=True)) for each in (walk.before, look))
    return SteeringResult(
        coefficients={},
        before={name: before[name] for name in names},
        after={name: after[name] for name in names},
        targets={name: walk.targets.get(name, before[name]) for name in names},
        identity=walk.similarity(look),
        limited_by=limited_by,
        readings=walk.looks + 1,
    )
