"""Walks: edits that follow the gradients of everything that is read from one person's picture.

The directions of attributes are nearly the same for all people. A turn of the head along them changes the identity and
the colors of many people, and steering then has to stop early. A walk goes the shortest way through W+ that brings the
edited attributes to their targets and leaves all others, the identity and the color of the face within their bounds.
Its steps are those of Levenberg (1944) and Marquardt (1963) for the bounds that are nearly used up. Lengths are
standard deviations of W, so that a walk stays near common faces. Works on latents; the function that reads a picture is
an argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.edit.bounds import Bounds, tolerance
from faceloom.edit.latent_statistics import measure_latents
from faceloom.edit.targets import is_probability, to_units
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator

FINEST = 64  # pixels of the features beyond which layers stay: they draw colors and textures
COLOR_BOUND = 5.5  # units of CIELAB by which the color of the face may change
HAIR_BOUND = 0.04  # part of the lower half of the picture by which hair may grow there


class Look(NamedTuple):
    """Readings of a picture, with gradients of the latent.

    Convention: `values [k]` in the analyzer's units, in the order of the walk's names; `identity [d]`; `color [3]` of
    the middle of the face in CIELAB; `low_hair` is the part of the lower half of the picture that shows hair.
    """

    values: Tensor
    identity: Tensor
    color: Tensor
    low_hair: Tensor = torch.zeros(())


Reader = Callable[[WPlus], Look]
"""Function that takes the change of a latent `[1, num_ws, w_dim]`, draws the picture and reads it."""


@dataclass(frozen=True)
class WalkConfig:
    """Limits of a walk. Lengths are in standard deviations of W, the use of a bound is a part of it."""

    room: float = 0.7  # the part of a bound that a walk aims to use at most
    active: float = 0.35  # the part of a bound from which a step is computed with regard to it
    target_room: float = 0.2  # the part of a target's tolerance that counts as reached
    first_step: float = 0.8  # maximum length of the first step
    longest_step: float = 1.5  # maximum length of a later step
    farthest: float = 4.5  # maximum length of the whole walk: beyond, pictures break
    damping: float = 0.02  # part of the mean squared gradient
    done: float = 0.15  # largest remaining error at which a walk ends
    attempts: int = 4  # tries of a step, each shorter and more damped than the last, which made the error larger


@dataclass(frozen=True, eq=False)
class WalkSpace:
    """Changes of latents that a walk can make: one change of w for each group of layers.

    Convention: `axes [w_dim, w_dim]` are the principal axes of W in rows, each as long as one standard deviation;
    `groups` are the indices of the layers of each group, and `num_ws` the number of all layers.
    """

    axes: Tensor
    groups: tuple[tuple[int, ...], ...]
    num_ws: int

    @property
    def start(self) -> Tensor:
        """The point `[groups, w_dim]` that changes nothing."""
        return torch.zeros(len(self.groups), len(self.axes))

    def to_change(self, point: Tensor) -> WPlus:
        """Return the change `[1, num_ws, w_dim]` of a point `[groups, w_dim]`. Differentiable."""
        group_of = {layer: number for number, group in enumerate(self.groups) for layer in group}
        changes = (*(point @ self.axes).unbind(), torch.zeros(len(self.axes)))
        return torch.stack([changes[group_of.get(layer, len(self.groups))] for layer in range(self.num_ws)])[None]


def measure_space(G: Generator) -> WalkSpace:
    """Return the space of walks of a generator: groups of the layers up to 8, of 16, of 32 and of 64 px."""
    statistics = measure_latents(G)
    axes = (statistics.axes * statistics.variances.sqrt()).T.float().cpu()
    sides = [max(side, 8) for side in G.layer_resolutions]
    kept = sorted({side for side in sides if side <= FINEST})
    groups = tuple(tuple(layer for layer, side in enumerate(sides) if side == each) for each in kept)
    return WalkSpace(axes, groups, G.num_ws)


class _Measured(NamedTuple):
    """Errors of a picture `[m]`: parts of each target's tolerance and of each bound, and what they should become."""

    errors: Tensor
    wanted: Tensor
    is_free: Tensor  # bool: errors that may grow in the direction in which they are

    @property
    def residual(self) -> Tensor:
        return self.wanted - self.errors.detach()

    @property
    def badness(self) -> float:
        return float(self.residual.square().sum())

    def is_done(self, largest: float) -> bool:
        return float(self.residual.abs().max()) <= largest


class Walk:
    """One walk of one person. `before` is what was read from the picture before the edit, in the order of `names`.

    Convention: `targets` in the analyzer's units; `bounds` in the units of the table of attributes, as Bounds has them.
    """

    def __init__(
        self,
        space: WalkSpace,
        names: tuple[str, ...],
        before: Look,
        targets: Mapping[str, float],
        bounds: Bounds,
        config: WalkConfig | None = None,
    ) -> None:
        self.space, self.names, self.before, self.bounds = space, names, before, bounds
        self.config = config or WalkConfig()
        self.targets = dict(targets)
        self.held = tuple(name for name in names if name in bounds.changes)
        self.looks = 0
        self._before = self.in_units(before)
        self._scales = {name: self._scale(name) for name in targets}

    def in_units(self, look: Look) -> dict[str, float]:
        """Return the values of a picture in the units of the table of attributes."""
        return to_units(dict(zip(self.names, look.values.tolist(), strict=True)))

    def measure_use(self, look: Look, limits: Bounds) -> dict[str, float]:
        """Return the used part of every one of some bounds."""
        return limits.measure_use(self._before, self.in_units(look), self.similarity(look))

    def similarity(self, look: Look) -> float:
        """Return the identity similarity (cosine) to the face before the edit."""
        return float(F.cosine_similarity(self.before.identity, look.identity, dim=0))

    def miss(self, look: Look) -> float:
        """Return the distance from the targets in tolerances, of several targets the largest; 1 is reached."""
        measured = self._measure(look)
        missing = measured.errors[: len(self.targets)].abs()
        is_beyond = measured.residual[: len(self.targets)] == 0
        return float(torch.where(is_beyond, missing.clamp(max=1), missing).max())

    def badness(self, look: Look) -> float:
        """Return the sum of the squared errors by which a picture misses the targets and comes near the bounds."""
        return self._measure(look).badness

    def go(self, read: Reader, start: Tensor, most_steps: int) -> list[Tensor]:
        """Walk on from a point `[groups, w_dim]`, by at most `most_steps` steps; return all points, the start first.

        A step costs one picture, and a pass backwards for every target and every bound that is nearly used up.
        """
        longest = self.config.first_step
        leaf, measured = self._look_at(read, start)
        trail = [start]
        for _ in range(most_steps):
            if measured.is_done(self.config.done):
                break
            active = self._find_active(measured)
            gradients = torch.stack(
                [torch.autograd.grad(measured.errors[index], leaf, retain_graph=True)[0].flatten() for index in active]
            )
            for attempt in range(self.config.attempts):
                damping = self.config.damping * 10**attempt
                step = self._compute_step(gradients, measured.residual[active], active, longest, damping)
                after = self._look_at(read, trail[-1] + step.view_as(leaf))
                if after[1].badness < measured.badness:
                    break
                longest *= 0.4
            else:
                break
            if float(after[0].detach().norm()) > self.config.farthest:
                break
            if after[1].badness < 0.6 * measured.badness:
                longest = min(1.5 * longest, self.config.longest_step)
            leaf, measured = after
            trail.append(leaf.detach())
        return trail

    def _look_at(self, read: Reader, point: Tensor) -> tuple[Tensor, _Measured]:
        """Return the point as a leaf, and what is read there."""
        with torch.enable_grad():
            leaf = point.detach().clone().requires_grad_()
            self.looks += 1
            return leaf, self._measure(read(self.space.to_change(leaf)))

    def _measure(self, look: Look) -> _Measured:
        """Compare a picture with the targets and the bounds: the targets, the held, identity, color, and hair."""
        values = dict(zip(self.names, look.values, strict=True))
        targets = [(values[name] - target) / self._scales[name] for name, target in self.targets.items()]
        held = [self._use(name, values[name]) for name in self.held]
        similarity = F.cosine_similarity(self.before.identity, look.identity, dim=0)
        identity = (1 - similarity) / max(1 - self.bounds.min_identity, 1e-6)
        hair = (look.low_hair - self.before.low_hair) / HAIR_BOUND
        errors = torch.stack([*targets, *held, identity, *(look.color - self.before.color) / COLOR_BOUND, hair])
        found = errors.detach()
        signs = [self.bounds.free_signs.get(name, 0) for name in self.held]
        is_free = F.pad(found[len(targets) : len(targets) + len(held)] * torch.tensor(signs) > 0, (len(targets), 5))
        is_free[-1] = found[-1] < 0  # less hair is as good
        wanted = torch.where(is_free, found, found.clamp(-self.config.room, self.config.room))
        wanted[: len(targets)] = torch.tensor(
            [self._wanted_of_target(name, float(found[index])) for index, name in enumerate(self.targets)]
        )
        return _Measured(errors, wanted, is_free)

    def _use(self, name: str, value: Tensor) -> Tensor:
        """Return the used part of the bound of a held attribute, with the sign of its change. Differentiable.

        A probability beyond the room that a walk has grows with its logit from there on: near 0 and 1 the probability
        itself has no slope that would lead back.
        """
        before, bound, room = self._before[name], self.bounds.changes[name], self.config.room
        if not is_probability(name):
            return (value - before) / bound
        use: Tensor = (value.sigmoid() - before) / bound
        if use.abs() <= room:
            return use
        sign = 1 if use > 0 else -1
        inner, outer = _logit(before + sign * room * bound), _logit(before + sign * bound)
        return sign * room + (value - inner) * (1 - room) / max(abs(outer - inner), 0.1)

    def _wanted_of_target(self, name: str, error: float) -> float:
        """Return the nearest error of a target that counts as reached; beyond a probability's is as good."""
        room = self.config.target_room
        if not is_probability(name):
            return _clamp(error, room)
        return max(error, -room) if self.targets[name] > 0 else min(error, room)

    def _find_active(self, measured: _Measured) -> list[int]:
        """Return the errors that a step regards: the targets, and those near a bound."""
        is_near = (measured.errors.detach().abs() > self.config.active) & ~measured.is_free
        is_near[: len(self.targets)] = True
        return is_near.nonzero().flatten().tolist()

    def _compute_step(
        self, gradients: Tensor, residual: Tensor, active: list[int], longest: float, damping: float
    ) -> Tensor:
        """Return the shortest step by which the errors become as wanted, to first order.

        Where it is too long, it goes only a part of the way to the targets and still repairs the bounds.
        """
        products = gradients @ gradients.T
        damped = products + damping * products.diagonal().mean().clamp_min(1e-6) * torch.eye(len(active))
        is_target = torch.tensor([index < len(self.targets) for index in active])

        def step(part: float) -> Tensor:
            aim = torch.where(is_target, part * residual, residual)
            found: Tensor = gradients.T @ torch.linalg.solve(damped, aim)
            return found

        whole = step(1.0)
        if float(whole.norm()) <= longest:
            return whole
        low, high = 0.0, 1.0
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if float(step(middle).norm()) <= longest else (low, middle)
        found = step(low)
        return found * min(1.0, longest / max(float(found.norm()), 1e-9))

    def _scale(self, name: str) -> float:
        """Return the tolerance of a target, in the analyzer's unit."""
        target = self.targets[name]
        in_units = to_units({name: target})[name]
        allowed = tolerance(name, in_units - self._before[name])
        if not is_probability(name):
            return allowed
        nearer = in_units - allowed if in_units > 0.5 else in_units + allowed
        return abs(target - _logit(nearer))


def _logit(p: float) -> float:
    p = min(max(p, 1e-3), 1 - 1e-3)
    return math.log(p / (1 - p))


def _clamp(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


def limits_of(use: Mapping[str, float], least: float) -> tuple[str, ...]:
    """Return the names of the bounds of which more than `least` is used, the tightest first."""
    return tuple(name for name, part in sorted(use.items(), key=lambda item: -item[1]) if part > least)


def point_on(trail: Sequence[Tensor], share: float) -> Tensor:
    """Return the point of a walk after a share of its steps, 0...1, on the straight lines between its points."""
    place = share * (len(trail) - 1)
    before = min(int(place), max(len(trail) - 2, 0))
    return trail[before].lerp(trail[min(before + 1, len(trail) - 1)], place - before)
