"""Steering: edits whose units are true for this very person, because something looks at the result.

A direction's unit holds on average; a real person may move half as far, and drag other attributes along. Steering takes
the directions as a basis, looks at what a step did, learns this person's response and corrects, until the wanted
attributes are where they should be and all others where they were. Knows latents; who looks is given.

Two rounds: the way, in all attributes at once, by Broyden's method (1965, "good"), damped as Levenberg's; then how
far to go on it, by false position between too little and too much, since faces answer in S-curves that
no linear model follows to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.edit.directions import Direction
from faceloom.edit.directions import step as move
from faceloom.edit.mix import towards_w
from faceloom.errors import LatentError
from faceloom.latents import WPlus

PULL = 0.3  # of the way towards W: half of it makes cleaner pictures of people who are less themselves
PULLED = 1.2  # standard deviations of an edit from which a face is pulled all of PULL towards W

Look = Callable[[WPlus], tuple[Tensor, Tensor]]
"""w_plus `[1, num_ws, w_dim]` -> (an attribute a direction, in the direction's units `[k]`; identity `[d]`)."""


@dataclass(frozen=True)
class SteerConfig:
    """How patiently to steer. A look costs one small picture."""

    looks: int = 12  # at most, the first one included, to find the way
    measured: int = 5  # at most, then, to find how far to go on it
    tolerance: float = 0.04  # standard deviations that a wanted attribute may be off; a held one, four times that
    hold: float = 0.3  # how much a held attribute counts against a wanted one
    damping: float = 0.01  # of a step, in standard deviations: what little is known is not trusted far
    stride: float = 1.5  # standard deviations that one correction may add
    reach: float = 2.7  # standard deviations that all coefficients together may come to: beyond, pictures break


@dataclass(frozen=True, eq=False)
class Steered:
    """Where steering ended.

    Convention: `coefficients` in the directions' units by name, as `apply` takes them; `before`, `after` and `wanted`
    in the same units; `identity` is the cosine to the face before, `kept` whether it stayed above the bound without
    giving anything up.
    """

    w_plus: WPlus
    coefficients: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    wanted: Mapping[str, float]
    identity: float
    kept: bool
    looks: int


def steer(
    look: Look,
    w_plus: WPlus,
    basis: Sequence[Direction],
    wanted: Mapping[str, float],
    *,
    keep_identity: float | None = None,
    config: SteerConfig | None = None,
) -> Steered:
    """Bring the wanted attributes to their values and leave the others where they are.

    Convention: w_plus `[1, num_ws, w_dim]`; `wanted` are values (not changes), by a direction's name, in its units.
    With `keep_identity` (a cosine) the way is cut short where the person would cease to be alike.
    Raises LatentError for a name that is not in the basis.
    """
    names = [direction.name for direction in basis]
    if missing := set(wanted) - set(names):
        raise LatentError(f"cannot steer {', '.join(sorted(missing))}", f"there are {', '.join(names)}")
    search = _Steering(look, w_plus, basis, wanted, config or SteerConfig())
    search.find_way()
    search.go_as_far()
    return search.result(keep_identity)


def apply(w_plus: WPlus, basis: Sequence[Direction], coefficients: Mapping[str, float]) -> WPlus:
    """Take the steps that steering found: the sum of all, on a face that is pulled towards W as far as they are long.

    Real people lie far out in W+, where a long step tears the picture; invented ones are in W, and are not moved by it.
    """
    sigmas = {direction.name: coefficients.get(direction.name, 0.0) / direction.sigma for direction in basis}
    length = sum(value**2 for value in sigmas.values()) ** 0.5
    w_plus = towards_w(w_plus, PULL * min(1.0, length / PULLED))
    for direction in basis:
        if sigmas[direction.name]:
            w_plus = move(w_plus, direction, coefficients[direction.name])
    return w_plus


class _Steering:
    """One person's search. Everything inside is in standard deviations, `[k]` or `[k, k]`."""

    def __init__(
        self, look: Look, w_plus: WPlus, basis: Sequence[Direction], wanted: Mapping[str, float], config: SteerConfig
    ) -> None:
        self.look, self.w_plus, self.basis, self.config = look, w_plus, basis, config
        self.names = [direction.name for direction in basis]
        self.sigma = torch.tensor([direction.sigma for direction in basis])
        self.before, self.identity = self._see(torch.zeros(len(basis)))
        self.looks = 1
        self.goal = self.before.clone()
        self.weight = torch.full((len(basis),), config.hold)
        for name, value in wanted.items():
            index = self.names.index(name)
            self.goal[index] = value / self.sigma[index]
            self.weight[index] = 1.0
        self.response = torch.eye(len(basis))  # what a step in each direction does to each attribute
        self.best = torch.zeros(len(basis)), self.before, 1.0

    def find_way(self) -> None:
        """Correct until the wanted attributes are there and the held ones are not far off."""
        at, seen, _ = self.best
        while self.looks < self.config.looks and not self._arrived(seen):
            step = self._correction(seen)
            following = _within(at + step, self.config.reach)
            step = following - at
            if step.norm() < 1e-3:
                break
            found, identity = self._see(following)
            self.looks += 1
            self.response += torch.outer(found - seen - self.response @ step, step) / step.square().sum()
            at, seen = following, found
            if self._miss(seen) < self._miss(self.best[1]):
                self.best = at, seen, _alike(self.identity, identity)

    def go_as_far(self) -> None:
        """Go less or more far on the way that was found, until the wanted attributes are there on average."""
        way, seen, _ = self.best
        points = [(0.0, 0.0), (1.0, self._progress(seen))]  # how far on the way -> how much of what is wanted
        for _ in range(self.config.measured if way.norm() > 0 else 0):
            if abs(points[-1][1] - 1) * self._distance() <= self.config.tolerance:
                return
            part = min(_false_position(points), self.config.reach / float(way.norm()))
            if any(abs(part - known) < 1e-3 for known, _ in points):
                return
            seen, identity = self._see(way * part)
            self.looks += 1
            points.append((part, self._progress(seen)))
            if self._lacks(seen) < self._lacks(self.best[1]):
                self.best = way * part, seen, _alike(self.identity, identity)

    def result(self, keep_identity: float | None) -> Steered:
        """Say where the search ended, after a retreat if the person is no longer alike."""
        at, seen, alike = self.best
        kept = keep_identity is None or alike >= keep_identity
        if keep_identity is not None and not kept:
            at, seen, alike = self._retreat(at, keep_identity)
        coefficients = dict(zip(self.names, (at * self.sigma).tolist(), strict=True))
        before, after, goal = (
            dict(zip(self.names, (x * self.sigma).tolist(), strict=True)) for x in (self.before, seen, self.goal)
        )
        moved = apply(self.w_plus, self.basis, coefficients)
        return Steered(moved, coefficients, before, after, goal, alike, kept, self.looks)

    def _correction(self, seen: Tensor) -> Tensor:
        """The step that the response promises to help most: damped, weighted least squares."""
        weighted = self.weight[:, None] * self.response
        normal = weighted.T @ weighted + self.config.damping * torch.eye(len(seen))
        step: Tensor = torch.linalg.solve(normal, weighted.T @ (self.weight * (self.goal - seen)))
        length = float(step.norm())
        return step * min(1.0, self.config.stride / max(length, 1e-9))

    def _retreat(self, at: Tensor, bound: float) -> tuple[Tensor, Tensor, float]:
        """Halve the way back until the person is alike again; the start is always."""
        low, high, found = 0.0, 1.0, (torch.zeros_like(at), self.before, 1.0)
        for _ in range(5):
            middle = (low + high) / 2
            seen, identity = self._see(at * middle)
            self.looks += 1
            alike = _alike(self.identity, identity)
            if alike >= bound:
                low, found = middle, (at * middle, seen, alike)
            else:
                high = middle
        return found

    def _see(self, at: Tensor) -> tuple[Tensor, Tensor]:
        coefficients = dict(zip(self.names, (at * self.sigma).tolist(), strict=True))
        attributes, identity = self.look(apply(self.w_plus, self.basis, coefficients))
        return attributes / self.sigma, identity

    def _arrived(self, seen: Tensor) -> bool:
        allowed = torch.where(self.weight == 1, self.config.tolerance, 4 * self.config.tolerance)
        return bool(((self.goal - seen).abs() <= allowed).all())

    def _progress(self, seen: Tensor) -> float:
        """What part of the wished change is there: 1 is all of it."""
        wished = (self.goal - self.before) * (self.weight == 1)
        return float((seen - self.before) @ wished / wished.square().sum().clamp_min(1e-9))

    def _distance(self) -> float:
        return float(((self.goal - self.before) * (self.weight == 1)).norm())

    def _lacks(self, seen: Tensor) -> float:
        return float(((self.goal - seen) * (self.weight == 1)).norm())

    def _miss(self, seen: Tensor) -> float:
        return float((self.weight * (self.goal - seen)).square().sum())


def _within(way: Tensor, length: float) -> Tensor:
    """A way, shortened to `length` if it is longer."""
    return way * min(1.0, length / max(float(way.norm()), 1e-9))


def _false_position(points: Sequence[tuple[float, float]]) -> float:
    """Where to look next for progress 1: between the nearest below and above, or half as far again as the furthest."""
    below = max((p for p in points if p[1] < 1), key=lambda p: p[1], default=(0.0, 0.0))
    above = min((p for p in points if p[1] >= 1), key=lambda p: p[1], default=None)
    if above is None:
        return 1.5 * max(part for part, _ in points)
    share = (1 - below[1]) / max(above[1] - below[1], 1e-6)
    return below[0] + min(max(share, 0.1), 0.9) * (above[0] - below[0])


def _alike(a: Tensor, b: Tensor) -> float:
    return float(F.cosine_similarity(a, b, dim=0))
