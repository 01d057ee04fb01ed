"""The way of a candidate into its cell: an edit that is corrected after each reading.

Unlike an edit of a person, it holds nothing: the candidate is no known person yet. The response of the attributes to
the directions is corrected after each picture (Broyden 1965, "good"), so that attributes that fall with each other, as
long hair and a masculine look, are moved together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

import numpy as np

from faceloom.analyze.attributes import TABLE
from faceloom.edit.directions import Direction
from faceloom.workflows.cast.labels import Labels
from faceloom.workflows.cast.ranges import Range
from faceloom.workflows.cast.raw import to_raw, to_raw_limits

MAX_READINGS = 7  # of one candidate
MAX_STEP = 1.2  # longest step between two readings in standard deviations
MAX_LENGTH = 2.6  # longest edit: beyond, pictures break
DAMPING = 0.02  # of a correction, in squared standard deviations
STALLED = 0.9  # of the distance from the cell that must be left after two steps for a candidate to be given up
MARGINS = {"years": 2.0, "degrees": 2.0, "probability": 0.7, "points": 2.0}
"""Distance from the ends of its range at which an edit aims, by unit, probabilities in logits."""


class Approach:
    """The edits of one candidate. `steps` yields edits, and `take` receives the labels of each one's picture.

    All numbers inside are in standard deviations, `[k]` or `[k, k]`, for the k directions whose attributes the cell
    names.
    """

    def __init__(self, basis: Sequence[Direction], ranges: Sequence[Range]) -> None:
        sigmas = {direction.name: direction.sigma for direction in basis}
        self.ranges = ranges
        self.parts = [part for part in ranges if part.attribute in sigmas]
        self.sigma = np.array([sigmas[part.attribute] for part in self.parts])
        self.labels: Labels | None = None

    def take(self, labels: Labels) -> None:
        """Receive the labels of the picture of the last edit."""
        self.labels = labels

    def steps(self) -> Iterator[dict[str, float]]:
        """Yield edits by a direction's name, in its unit: first none, then each corrected by the labels so far."""
        at = np.zeros(len(self.parts))
        response = np.eye(len(self.parts))
        yield {}
        distances = [self._distance()]
        for _ in range(MAX_READINGS - 1):
            before = self._values()
            wanted = self._changes()
            normal = response.T @ response + DAMPING * np.eye(len(at))
            step = np.linalg.solve(normal, response.T @ wanted) if len(at) else at
            step *= min(1.0, MAX_STEP / max(float(np.linalg.norm(step)), 1e-9))
            if np.linalg.norm(step) < 1e-2 or np.linalg.norm(at + step) > MAX_LENGTH:
                return
            at = at + step
            yield {part.attribute: float(x) for part, x in zip(self.parts, at * self.sigma, strict=True)}
            error = self._values() - before - response @ step
            response += np.outer(error, step) / float(step @ step)
            distances.append(self._distance())
            if len(distances) > 3 and distances[-1] > STALLED * distances[-3]:
                return

    def _values(self) -> np.ndarray:
        assert self.labels is not None
        values = [to_raw(part.attribute, self.labels.values[part.attribute]) for part in self.parts]
        return np.asarray(np.array(values) / self.sigma)

    def _changes(self) -> np.ndarray:
        assert self.labels is not None
        changes = np.array([wanted_change(self.labels, part) for part in self.parts])
        return np.asarray(changes / self.sigma)

    def _distance(self) -> float:
        assert self.labels is not None
        return miss(self.labels, self.ranges) + sum(self.labels.spread_use(part.attribute) for part in self.ranges)


def miss(labels: Labels, ranges: Sequence[Range]) -> float:
    """Return how far a picture lies outside its ranges, in margins, squared and summed; 0 inside."""
    total = 0.0
    for part in ranges:
        low, high = to_raw_limits(part)
        value = to_raw(part.attribute, labels.values[part.attribute])
        total += (max(low - value, value - high, 0.0) / margin_of(part.attribute)) ** 2
    return total


def wanted_change(labels: Labels, part: Range) -> float:
    """Return the change that an attribute needs, in the analyzer's unit: 0 inside its range, where readings agree."""
    name = part.attribute
    value, (low, high) = to_raw(name, labels.values[name]), to_raw_limits(part)
    margin = min(margin_of(name), (high - low) / 2)
    change = max(low + margin - value, 0.0) + min(high - margin - value, 0.0)
    if part.holds(labels.values[name]) and labels.spread_use(name) <= 1:
        return 0.0
    if not change:  # inside, but the readings differ: further in, where the range is open
        change = margin_of(name) * ((high == inf) - (low == -inf))
    return change


def margin_of(name: str) -> float:
    """Return how far inside its range an edit aims, in the analyzer's unit."""
    return MARGINS[TABLE[name].unit]
