"""Limits of ranges in the analyzer's units, in which probabilities are logits."""

from __future__ import annotations

import math

from faceloom.edit.targets import is_probability
from faceloom.workflows.cast.ranges import Range

MAX_LOGIT = 15.0  # of a reading; the sigmoid is flat beyond


def to_raw(name: str, value: float) -> float:
    """Convert a value of the table's unit to the analyzer's unit: probabilities become logits of at most MAX_LOGIT."""
    if not is_probability(name):
        return value
    if value <= 0 or value >= 1:
        return math.copysign(MAX_LOGIT, value - 0.5)
    return max(-MAX_LOGIT, min(MAX_LOGIT, math.log(value / (1 - value))))


def to_raw_limits(part: Range) -> tuple[float, float]:
    """Return the limits of a range in the analyzer's unit."""
    low, high = (bound if math.isinf(bound) else to_raw(part.attribute, bound) for bound in (part.low, part.high))
    return low, high
