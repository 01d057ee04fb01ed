"""Steering: edits that are checked on the generated picture and corrected until the attributes reach their targets.

The unit of a direction holds on average; a single person may move half as far and change other attributes, too.
Steering takes the directions as a basis, reads the attributes after each step, estimates this person's response and
corrects, until the edited attributes reach their targets and all others are where they were. Works on latents; the
function that reads attributes is an argument.

There are three rounds. The first finds the direction of the edit in all attributes at once by Broyden's method (1965,
"good"), damped as in Levenberg's. The second finds its length by false position between too little and too much,
because faces respond in S-curves that no linear model follows to the end. The third runs when the edit breaks a bound:
it holds the attributes that moved too far more strongly, and where that does not help it shortens the edit. The result
is the edit closest to the targets of all that were tried and are within the bounds; no edit at all is always one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.edit.bounds import Bounds, tolerance
from faceloom.edit.directions import Direction
from faceloom.edit.targets import least_progress, longest_step, to_units
from faceloom.errors import LatentError

AttributeReader = Callable[[Mapping[str, float]], tuple[Tensor, Tensor]]
"""Function that draws an edit and reads the face.

It takes the coefficients of the edit, as `apply` takes them, and returns the attributes `[k + m]`: one for each
direction of the basis and in its units, then `m` that are only held, in the units of the table of attributes; and the
identity `[d]`.
"""

BEYOND = "generator"
"""Name of the limit of an edit that no bound stopped: the generator shows the requested value of no such face."""


@dataclass(frozen=True)
class SteerConfig:
    """Limits and weights of steering. Each reading costs one small picture."""

    direction_readings: int = 10  # maximum number of readings of the first round, with the one before the edit
    length_readings: int = 4  # maximum number of readings of the second round
    bound_readings: int = 4  # maximum number of readings of the third round, and again as many to shorten the edit
    tolerance: float = (
        0.04  # allowed error of an edited attribute in standard deviations; four times that of a held one
    )
    safe_use: float = 0.7  # used part of every bound below which an edit counts as reached
    hold_weight: float = 0.3  # weight of the error of a held attribute; an edited one has 1
    bound_weight: float = 1.5  # weight of a held attribute that has broken its bound, in the third round
    slack: float = 0.02  # part of the requested change that is given up for a shorter edit
    damping: float = 0.01  # damping of a correction, in squared standard deviations
    max_step: float = 1.5  # maximum length of one correction in standard deviations
    max_length: float = 3.0  # maximum length of the whole edit in standard deviations: beyond, pictures break


@dataclass(frozen=True, eq=False)
class SteeringResult:
    """An edited face, with its attributes before and after.

    Convention: `coefficients` are steps along directions by name, in their units, as `apply` takes them; `before`,
    `after` and `targets` have the same units; `identity` is the identity similarity (cosine) to the face before;
    `limited_by` names the bounds that stopped the edit before its targets, the tightest first, with `identity` for the
    identity similarity, or BEYOND when the generator goes no further; `kept` is true when there are none. `readings`
    counts the pictures that were read.
    """

    coefficients: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    targets: Mapping[str, float]
    identity: float
    limited_by: tuple[str, ...]
    readings: int

    @property
    def kept(self) -> bool:
        """Return whether the edit reached its targets without giving anything up."""
        return not self.limited_by


def steer(
    read: AttributeReader,
    basis: Sequence[Direction],
    targets: Mapping[str, float],
    *,
    bounds: Bounds | None = None,
    held: Sequence[str] = (),
    watched: Collection[str] = (),
    hints: Mapping[str, float] | None = None,
    start: Mapping[str, float] | None = None,
    since: tuple[Tensor, Tensor] | None = None,
    config: SteerConfig | None = None,
) -> SteeringResult:
    """Bring attributes to their targets and hold the others within bounds.

    Convention: `targets` are values (not changes) by a direction's name, in its units; `held` names the attributes that
    the reader gives after those of the basis; `watched` those of the basis that are not held until they break their
    bounds; `hints` are values, in a direction's units, to which attributes are drawn as strongly as held ones are held;
    `start` are coefficients that are tried first, as `apply` takes them; `since` is what the reader gave before earlier
    edits of the face, from which all bounds then count.
    Nothing limits an edit without `bounds`.
    Raises LatentError for a name that is not in the basis.
    """
    names = [direction.name for direction in basis]
    if missing := set(targets) - set(names):
        raise LatentError(f"cannot steer {', '.join(sorted(missing))}", f"there are {', '.join(names)}")
    steering = _Steering(read, basis, targets, bounds or Bounds(), held, watched, config or SteerConfig(), since)
    for name, value in (hints or {}).items():
        steering.draw_to(name, value)
    if not steering.is_reached_before():
        if start is not None:
            steering.start_at(start)
        steering.find_direction()
        steering.find_length()
        steering.keep_bounds()
    return steering.make_result()


@dataclass(frozen=True, eq=False)
class _Point:
    """An edit that was tried.

    Convention: coefficients and attributes `[k]` in standard deviations; `identity` is the identity similarity; `use`
    is the used part of each bound by name, at most 1 within the bounds.
    """

    coefficients: Tensor
    attributes: Tensor
    identity: float
    use: Mapping[str, float]

    @property
    def excess(self) -> float:
        """Return the used part of the tightest bound."""
        return max(self.use.values(), default=0.0)


class _Steering:
    """Steering of one person. All numbers inside are in standard deviations, `[k]` or `[k, k]`."""

    def __init__(
        self,
        read: AttributeReader,
        basis: Sequence[Direction],
        targets: Mapping[str, float],
        bounds: Bounds,
        held: Sequence[str],
        watched: Collection[str],
        config: SteerConfig,
        since: tuple[Tensor, Tensor] | None,
    ) -> None:
        self.read, self.basis, self.config = read, basis, config
        self.bounds, self.held = bounds, held
        self.limited_by: tuple[str, ...] = ()
        self.names = [direction.name for direction in basis]
        self.sigma = torch.tensor([direction.sigma for direction in basis])
        self.readings = 0
        now = self._read(torch.zeros(len(basis)))
        self.before, self.held_before, self.identity = now if since is None else self._split(*since)
        self.targets = self.before.clone()
        self.weight = torch.tensor([0.0 if name in watched else config.hold_weight for name in self.names])
        for name, value in targets.items():
            index = self.names.index(name)
            self.targets[index] = value / self.sigma[index]
            self.weight[index] = 1.0
        self.edited = self.weight == 1
        changes = ((self.targets - self.before) * self.sigma).tolist()
        steps = [longest_step(name, change) for name, change in zip(self.names, changes, strict=True)]
        self.longest = torch.tensor(steps) / self.sigma
        self.response = torch.eye(len(basis))  # change of each attribute by a step along each direction
        self.best = self._point(torch.zeros(len(basis)), *now)
        self.points = [self.best]

    def draw_to(self, name: str, value: float) -> None:
        """Set the value that an attribute should come near to, without being edited."""
        index = self.names.index(name)
        self.targets[index] = value / self.sigma[index]
        self.weight[index] = self.config.hold_weight

    def start_at(self, coefficients: Mapping[str, float]) -> None:
        """Try an edit, in the directions' units, to begin with it when it is closer to the targets."""
        lengths = [coefficients.get(direction.name, 0.0) / direction.sigma for direction in self.basis]
        point = self._try(self._limit_length(torch.tensor(lengths)))
        if self._error(point.attributes) < self._error(self.best.attributes):
            self.best = point

    def is_reached_before(self) -> bool:
        """Return whether every edited attribute is at its target already."""
        return bool(((self.targets - self.best.attributes).abs() * self.edited <= self.config.tolerance).all())

    def find_direction(self) -> None:
        """Correct until the edited attributes reach their targets and the held ones are close to theirs."""
        at = self.best
        while self.readings < self.config.direction_readings and not self._is_reached(at):
            coefficients = self._limit_length(at.coefficients + self._compute_correction(at.attributes))
            step = coefficients - at.coefficients
            if step.norm() < 1e-3:
                break
            after = self._try(coefficients)
            error = after.attributes - at.attributes - self.response @ step
            self.response += torch.outer(error, step) / step.square().sum()
            at = after
            if self._error(at.attributes) < self._error(self.best.attributes):
                self.best = at

    def find_length(self) -> None:
        """Shorten or lengthen the edit until the edited attributes reach their targets on average."""
        edit = self.best.coefficients
        points = [  # (length, progress)
            (0.0, self._progress(self.points[0].attributes)),
            (1.0, self._progress(self.best.attributes)),
        ]
        for _ in range(self.config.length_readings if edit.norm() > 0 else 0):
            is_close = abs(points[-1][1] - 1) * self._requested_change() <= self.config.tolerance
            if is_close and self._is_within_tolerances(self.best.attributes):
                return
            longest = torch.cat((self.longest / edit.clamp_min(0), self.config.max_length / edit.norm()[None])).min()
            length = min(_false_position(points), float(longest))
            if any(abs(length - known) < 1e-3 for known, _ in points):
                return
            point = self._try(edit * length)
            points.append((length, self._progress(point.attributes)))
            if self._target_error(point.attributes) < self._target_error(self.best.attributes):
                self.best = point

    def keep_bounds(self) -> None:
        """Bring the best edit within its bounds: by holding more strongly the attributes that broke them, then shorter.

        When the targets cannot be reached within the bounds, `limited_by` names the bounds that prevent it.
        """
        unbounded = self.best
        if unbounded.excess > 1:
            if any(use > 1 for name, use in unbounded.use.items() if name in self.names):
                self._hold_more(unbounded)
            if self._target_error(self._best_within_bounds().attributes) > self.config.tolerance:
                self._shorten(min(self.points[1:] or self.points, key=self._penalty).coefficients)
        self.best = self._best_within_bounds()
        if self._is_futile(self.best):
            self.best = self.points[0]
        if not self._is_within_tolerances(self.best.attributes):
            nearest = min(self.points, key=lambda point: self._target_error(point.attributes))
            broken = {name: use for name, use in nearest.use.items() if use > 1}
            self.limited_by = tuple(sorted(broken, key=lambda name: -broken[name])) or (BEYOND,)

    def make_result(self) -> SteeringResult:
        """Return the best edit."""
        point = self.best
        coefficients = self._to_units(point.coefficients)
        return SteeringResult(
            coefficients=coefficients,
            before=self._to_units(self.before),
            after=self._to_units(point.attributes),
            targets=self._to_units(self.targets),
            identity=point.identity,
            limited_by=self.limited_by,
            readings=self.readings,
        )

    def _limit_length(self, coefficients: Tensor) -> Tensor:
        """Shorten an edit whose steps along the directions, or as a whole, are longer than pictures bear."""
        return _limit(coefficients.minimum(self.longest), self.config.max_length)

    def _compute_correction(self, attributes: Tensor) -> Tensor:
        """Compute the step that reduces the error most by the estimated response: damped, weighted least squares."""
        weighted = self.weight[:, None] * self.response
        normal = weighted.T @ weighted + self.config.damping * torch.eye(len(attributes))
        step: Tensor = torch.linalg.solve(normal, weighted.T @ (self.weight * (self.targets - attributes)))
        return _limit(step, self.config.max_step)

    def _hold_more(self, at: _Point) -> None:
        """Correct on from a point with a greater weight of the attributes that break their bounds."""
        for _ in range(self.config.bound_readings):
            for name, use in at.use.items():
                if use > 1 and name in self.names:
                    self.weight[self.names.index(name)] = self.config.bound_weight
            coefficients = self._limit_length(at.coefficients + self._compute_correction(at.attributes))
            step = coefficients - at.coefficients
            if step.norm() < 1e-2:
                return
            after = self._try(coefficients)
            error = after.attributes - at.attributes - self.response @ step
            self.response += torch.outer(error, step) / step.square().sum()
            at = after
            if at.excess <= 1 and self._target_error(at.attributes) <= self.config.tolerance:
                return

    def _shorten(self, coefficients: Tensor) -> None:
        """Try parts of an edit, by bisection, to find the longest that is within the bounds."""
        low, high = 0.0, 1.0
        for _ in range(self.config.bound_readings):
            middle = (low + high) / 2
            low, high = (middle, high) if self._try(coefficients * middle).excess <= 1 else (low, middle)

    def _best_within_bounds(self) -> _Point:
        """Return the point closest to the targets of all that were tried and are within the bounds.

        Of those that are about as close, it is the one that changes the face least: where the generator goes no
        further, longer edits tear the picture without a gain.
        """
        within = [point for point in self.points if point.excess <= 1] or [self.points[0]]
        least = min(self._target_error(point.attributes) for point in within)
        close = max(least, self.config.tolerance) + self.config.slack * self._requested_change()
        near = [point for point in within if self._target_error(point.attributes) <= close]
        return min(near, key=lambda point: self._cost(point))

    def _cost(self, point: _Point) -> float:
        """Return how far a point is from its targets, and how much else it changes, in standard deviations."""
        held: float = math.sqrt(self._error(point.attributes))
        return held + 0.1 * float(point.coefficients.norm()) + (1 - point.identity)

    def _penalty(self, point: _Point) -> float:
        """Return the part of the requested change that is missing, and the part of a bound that is exceeded."""
        missing = self._target_error(point.attributes) / max(self._requested_change(), 1e-6)
        return missing + max(point.excess - 1, 0.0)

    def _try(self, coefficients: Tensor) -> _Point:
        point = self._point(coefficients, *self._read(coefficients))
        self.points.append(point)
        return point

    def _point(self, coefficients: Tensor, attributes: Tensor, held: Tensor, identity: Tensor) -> _Point:
        similarity = float(F.cosine_similarity(self.identity, identity, dim=0))
        before, after = (
            to_units(self._to_units(values)) | dict(zip(self.held, rest.tolist(), strict=True))
            for values, rest in ((self.before, self.held_before), (attributes, held))
        )
        return _Point(coefficients, attributes, similarity, self.bounds.measure_use(before, after, similarity))

    def _read(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read a face: attributes of the basis `[k]` in standard deviations, held ones `[m]`, and the identity."""
        self.readings += 1
        return self._split(*self.read(self._to_units(coefficients)))

    def _split(self, values: Tensor, identity: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return values[: len(self.basis)] / self.sigma, values[len(self.basis) :], identity

    def _to_units(self, values: Tensor) -> dict[str, float]:
        return dict(zip(self.names, (values * self.sigma).tolist(), strict=True))

    def _is_reached(self, point: _Point) -> bool:
        """Return whether the edited attributes are at their targets, and the held ones far within their bounds."""
        error = (self.targets - point.attributes).abs()
        if (error > self.config.tolerance)[self.edited].any() or not self._is_within_tolerances(point.attributes):
            return False
        if self.bounds.changes:
            return point.excess <= self.config.safe_use
        return bool((error <= 4 * self.config.tolerance)[self.weight > 0].all())

    def _is_within_tolerances(self, attributes: Tensor) -> bool:
        """Return whether every edited attribute is so close to its target that it counts as reached."""
        before, after, targets = (
            to_units(self._to_units(values)) for values in (self.before, attributes, self.targets)
        )
        edited = [name for name, is_edited in zip(self.names, self.edited.tolist(), strict=True) if is_edited]
        return all(abs(after[name] - targets[name]) <= tolerance(name, targets[name] - before[name]) for name in edited)

    def _is_futile(self, point: _Point) -> bool:
        """Return whether an edit ends so near to where it began that it is better not made.

        Half a pair of glasses is worse than none, and a beard that does not grow leaves only its side effects.
        """
        before, after, targets = (
            to_units(self._to_units(values)) for values in (self.before, point.attributes, self.targets)
        )
        edited = [name for name, is_edited in zip(self.names, self.edited.tolist(), strict=True) if is_edited]
        return all(
            abs(after[name] - before[name]) < least_progress(name) * abs(targets[name] - before[name])
            for name in edited
        )

    def _progress(self, attributes: Tensor) -> float:
        """Return the part of the requested change that was reached; 1 is all of it."""
        requested = (self.targets - self.before) * self.edited
        return float((attributes - self.before) @ requested / requested.square().sum().clamp_min(1e-9))

    def _requested_change(self) -> float:
        return self._target_error(self.before)

    def _target_error(self, attributes: Tensor) -> float:
        """Return the error of the edited attributes."""
        return float(((self.targets - attributes) * self.edited).norm())

    def _error(self, attributes: Tensor) -> float:
        """Return the squared, weighted error of all attributes."""
        return float((self.weight * (self.targets - attributes)).square().sum())


def _limit(step: Tensor, length: float) -> Tensor:
    """Shorten a step to `length` if it is longer."""
    return step * min(1.0, length / max(float(step.norm()), 1e-9))


def _false_position(points: Sequence[tuple[float, float]]) -> float:
    """Return the length to try next to reach progress 1.

    Convention: points are (length, progress). The result lies between the nearest points below and above, or is 1.5
    times the greatest length when none is above.
    """
    below = max((p for p in points if p[1] < 1), key=lambda p: p[1], default=(0.0, 0.0))
    above = min((p for p in points if p[1] >= 1), key=lambda p: p[1], default=None)
    if above is None:
        return 1.5 * max(length for length, _ in points)
    share = (1 - below[1]) / max(above[1] - below[1], 1e-6)
    return below[0] + min(max(share, 0.1), 0.9) * (above[0] - below[0])
