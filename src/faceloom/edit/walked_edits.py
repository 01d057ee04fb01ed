"""Edits that are found by walks: turns of the head, and expressions that steering does not finish.

Other edits are steered along directions alone (`edit.attributes`). The directions of age bring wrinkles, which a
shortest way leaves out: the networks here would read the years, and people would not see them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch

from faceloom.analyze.attributes import REGIONS, TABLE
from faceloom.edit.attributes import READABLE, look_at
from faceloom.edit.bounds import Bounds, default_bounds
from faceloom.edit.bystanders import find_clearing, shows_bystander
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.edit.regions import FeatureReader, RegionalEdit
from faceloom.edit.steer import BEYOND, SteeringResult
from faceloom.edit.targets import compute_targets, drop_met, to_units
from faceloom.edit.walk import Look, Walk, WalkSpace, limits_of, point_on
from faceloom.latents import WPlus

WALKED_ON = frozenset(row.name for row in TABLE.values() if row.is_walked_on)
STEPS = 10  # most steps of a walk on pictures of the early exit, and then on those of the whole generator
STEPS_ON = 6  # the same for the rest of an expression
PART_OF_WAY = 2 / 3  # of a turn that bounds stopped early, to which another walk leads
PARTS = 5  # pictures by which the longest part of a walk is found that is within the bounds


@dataclass(frozen=True, eq=False)
class WalkSetting:
    """Settings of a walk besides the edit: the readers of faces and of regions, and the space of its changes.

    Without `read_features`, other people that a turn draws beside the person stay, and hair may grow beside the neck.
    """

    read_face: FaceReader
    space: WalkSpace
    read_features: FeatureReader | None = None


def can_turn(edit: RegionalEdit, values: Mapping[str, float]) -> bool:
    """Return whether `turn` makes an edit: its attributes change all regions, and small pictures cost little."""
    return bool(values) and set(values) <= set(edit.moving) and _draws_small_pictures(edit)


def turn(
    edit: RegionalEdit,
    setting: WalkSetting,
    values: Mapping[str, float],
    *,
    guess: RegionalEdit | None = None,
    keep_identity: float | None = None,
    force: bool = False,
) -> tuple[RegionalEdit, SteeringResult]:
    """Change attributes of a face by a walk; the promise and the arguments are those of `attributes.edit_attributes`.

    The walk begins on pictures of the early exit, where the generator has one. Other people that it draws beside the
    person are removed. An edit `guess` that reaches the values is returned without a walk, and one that comes near them
    is where the walk begins. A walk that bounds stop early is followed by one to a part of the way, which may lead
    farther. Returns the edit that draws the result, without coefficients.
    """
    if guess is not None and (result := _check(edit, guess, setting, values, keep_identity, force=force)):
        return guess, result
    walk = partial(_walk, edit, setting, coefficients={}, steps=STEPS, keep_identity=keep_identity, force=force)
    found, result = walk(values, guess=guess)
    part = {name: PART_OF_WAY * value for name, value in values.items()}
    if not result.limited_by or _distance(result, values) <= 1 - PART_OF_WAY:
        return found, result
    nearer, shorter = walk(part)
    readings = result.readings + shorter.readings
    if _distance(shorter, values) < _distance(result, values):
        return nearer, replace(shorter, targets=result.targets, limited_by=result.limited_by, readings=readings)
    return found, replace(result, readings=readings)


def _distance(result: SteeringResult, values: Mapping[str, float]) -> float:
    """Return the part of the requested changes that is missing; of several the largest."""
    return max(abs(1 - (result.after[name] - result.before[name]) / value) for name, value in values.items() if value)


def join_results(
    turned: SteeringResult, edited: SteeringResult, turns: Collection[str], identity: float
) -> SteeringResult:
    """Return the result of a turn and of an edit of the turned face as that of one edit.

    Convention: `turns` are the attributes of the turn; `identity` is the similarity to the face before both.
    """
    return replace(
        edited,
        coefficients={**turned.coefficients, **edited.coefficients},
        before=turned.before,
        targets={name: (turned if name in turns else edited).targets[name] for name in turned.before},
        identity=identity,
        limited_by=tuple(dict.fromkeys((*turned.limited_by, *edited.limited_by))),
        readings=turned.readings + edited.readings,
    )


def keeps_bounds(
    result: SteeringResult, values: Mapping[str, float], *, keep_identity: float | None = None, force: bool = False
) -> bool:
    """Return whether an edit that was made in several steps is within the bounds of one step."""
    if force:
        return keep_identity is None or result.identity >= keep_identity
    bounds = default_bounds(values, keep_identity)
    return max(bounds.measure_use(to_units(result.before), to_units(result.after), result.identity).values()) <= 1


def walk_on(
    edit: RegionalEdit,
    setting: WalkSetting,
    values: Mapping[str, float],
    found: SteeringResult,
    *,
    keep_identity: float | None = None,
) -> tuple[RegionalEdit, SteeringResult]:
    """Walk on from a steered expression that its bounds stopped, until it reaches the requested values.

    The coarsest layers, which hold the pose, stay. Returns the edit and the result as they were for other attributes,
    and when the walk does not reach the values either: half a way on is not better.
    """
    if not found.limited_by or not set(values) <= WALKED_ON or not _draws_small_pictures(edit):
        return edit, found
    inner = replace(setting, space=replace(setting.space, groups=setting.space.groups[1:]))
    walked, result = _walk(edit, inner, values, found.coefficients, STEPS_ON, keep_identity=keep_identity)
    readings = found.readings + result.readings
    return (walked, replace(result, readings=readings)) if result.kept else (edit, replace(found, readings=readings))


def _walk(
    edit: RegionalEdit,
    setting: WalkSetting,
    values: Mapping[str, float],
    coefficients: Mapping[str, float],
    steps: int,
    *,
    guess: RegionalEdit | None = None,
    keep_identity: float | None = None,
    force: bool = False,
) -> tuple[RegionalEdit, SteeringResult]:
    """Walk from an edit with coefficients; return the moved edit, and the result with the same coefficients.

    The walk begins at `guess` where that is nearer to the values than the edit is.
    """
    space = setting.space
    set_out = partial(_set_out, setting=setting, values=values, keep_identity=keep_identity)
    look = partial(_look, coefficients=coefficients, setting=setting)
    small = edit.of_side(READ_SIDE)
    walk = set_out(small)
    if not walk.targets:
        return edit, _make_result(edit, walk, walk.before, coefficients, ())
    begin = _choose_begin(walk, edit, guess, lambda change: look(small.moved_by(change)))
    trail = walk.go(lambda change: look(small.moved_by(begin + change)), space.start, steps)
    aside = _find_aside(edit, edit.moved_by(begin + space.to_change(trail[-1])), setting.read_features)
    looks, walk = walk.looks, set_out(edit)
    walk.looks += looks
    trail += walk.go(lambda change: look(edit.moved_by(begin + change + aside)), trail[-1], steps)[1:]
    path = [
        begin + space.to_change(point) + number / (len(trail) - 1 or 1) * aside for number, point in enumerate(trail)
    ]
    if begin.any():
        path.insert(0, torch.zeros_like(begin))

    def place(share: float) -> RegionalEdit:
        return edit.moved_by(point_on(path, share))

    limits = _limits(walk, keep_identity, force=force)
    share, end, limited_by = _find_longest(walk, lambda share: look(place(share)), limits)
    return place(share), _make_result(edit, walk, end, coefficients, limited_by)


@torch.no_grad()
def _choose_begin(walk: Walk, edit: RegionalEdit, guess: RegionalEdit | None, look: Callable[[WPlus], Look]) -> WPlus:
    """Return the change by which a walk begins: that of the guess, or zeros where the guess has larger errors."""
    nothing = torch.zeros_like(edit.w_plus)
    if guess is None:
        return nothing
    walk.looks += 1
    change = guess.w_plus - edit.w_plus
    return change if walk.badness(look(change)) < walk.badness(walk.before) else nothing


@torch.no_grad()
def _check(
    edit: RegionalEdit,
    guess: RegionalEdit,
    setting: WalkSetting,
    values: Mapping[str, float],
    keep_identity: float | None,
    *,
    force: bool,
) -> SteeringResult | None:
    """Return the result of an edit that may be the requested one, or None when it misses the values or a bound."""
    walk, look = _set_out(edit, setting, values, keep_identity), _look(guess, {}, setting)
    walk.looks += 1
    use = walk.measure_use(look, _limits(walk, keep_identity, force=force))
    is_found = walk.targets and walk.miss(look) <= 1 and not limits_of(use, 1.0)
    return _make_result(edit, walk, look, {}, ()) if is_found else None


def _limits(walk: Walk, keep_identity: float | None, *, force: bool) -> Bounds:
    """Return the bounds that the result of a walk must be within."""
    return Bounds(min_identity=-1.0 if keep_identity is None else keep_identity) if force else walk.bounds


def _look(edit: RegionalEdit, coefficients: Mapping[str, float], setting: WalkSetting) -> Look:
    """Draw and read an edit; where a turn may let hair grow beside the neck, read the regions, too. Differentiable."""
    look = look_at(edit, coefficients, setting.read_face)
    if not edit.moving or setting.read_features is None:
        return look
    _, logits = setting.read_features(edit.base.G, edit.outside)
    return look._replace(low_hair=logits.softmax(1)[0, REGIONS.index("hair"), logits.shape[2] // 2 :].mean())


def _draws_small_pictures(edit: RegionalEdit) -> bool:
    return edit.of_side(READ_SIDE) is not edit or edit.base.G.img_resolution <= READ_SIDE


def _set_out(
    edit: RegionalEdit, setting: WalkSetting, values: Mapping[str, float], keep_identity: float | None
) -> Walk:
    """Return the walk of the requested values that the face does not show yet."""
    with torch.no_grad():
        before = _look(edit, {}, setting)
    shown = dict(zip(READABLE, before.values.tolist(), strict=True))
    targets = compute_targets(values, shown)
    missing = drop_met(values, to_units(shown))
    bounds = default_bounds(missing, keep_identity, edit.changing_regions)
    return Walk(setting.space, READABLE, before, {name: targets[name] for name in missing}, bounds)


def _find_aside(edit: RegionalEdit, moved: RegionalEdit, read_features: FeatureReader | None) -> WPlus:
    """Return the change that removes people that the moved edit draws and the edit does not; zeros without any."""
    nothing = torch.zeros_like(edit.w_plus)
    if not edit.moving or read_features is None or shows_bystander(edit.base.regions):
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


def _make_result(
    edit: RegionalEdit, walk: Walk, look: Look, coefficients: Mapping[str, float], limited_by: tuple[str, ...]
) -> SteeringResult:
    names = [direction.name for direction in edit.basis]
    before, after = (dict(zip(READABLE, each.values.tolist(), strict=True)) for each in (walk.before, look))
    return SteeringResult(
        coefficients=dict(coefficients),
        before={name: before[name] for name in names},
        after={name: after[name] for name in names},
        targets={name: walk.targets.get(name, before[name]) for name in names},
        identity=walk.similarity(look),
        limited_by=limited_by,
        readings=walk.looks + 1,
    )
