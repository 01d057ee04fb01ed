"""Descriptions of faces: 'about 40, smiling, glasses' becomes bounds on what an analyzer reads.

The grammar and the phrases are those of `edit.grammar`. Works with names and numbers only, without networks or latents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import inf

from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.edit.clauses import TOLERANCES
from faceloom.edit.grammar import parse
from faceloom.edit.statements import Change, Interval, State, Statement
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS

AGE_TOLERANCE = TOLERANCES["years"]  # years to either side of a stated age
CLEAR_LOGIT = 1.5  # least logit of a clear yes, a probability of 82 %
STRONG_LOGIT = 3.0  # least logit of a strong yes, as of a broad smile, 95 %
MIDDLE_LOGIT = 1.0  # largest logit, in absolute value, of neither yes nor no
TURNED_DEGREES = 10.0  # least angle at which a face looks aside
FAR_DEGREES = 20.0  # least angle at which it looks far aside
STRAIGHT_DEGREES = 6.0  # largest angle at which a face looks straight ahead
READ = (*ATTRIBUTES, *DETAILS)
"""The attributes that a search reads, in the order of its readings."""

PENALTY_UNITS = {name: TABLE[name].hold or 4.0 for name in READ if TABLE[name].unit in ("years", "degrees", "points")}
"""Years, degrees or points that weigh as much in the penalty as one logit of another attribute."""

_LOGITS = {0: (0.0, CLEAR_LOGIT), 1: (CLEAR_LOGIT, inf), 2: (STRONG_LOGIT, inf)}
_DEGREES = {0: (STRAIGHT_DEGREES, FAR_DEGREES), 1: (TURNED_DEGREES, inf), 2: (FAR_DEGREES, inf)}
_MIDDLES = {"probability": MIDDLE_LOGIT, "degrees": STRAIGHT_DEGREES}


@dataclass(frozen=True)
class Bound:
    """The requested range of an attribute, in the analyzer's units; `text` is the phrase that asked for it."""

    attribute: str
    low: float
    high: float
    text: str


def parse_description(text: str) -> tuple[Bound, ...]:
    """Parse a description of a face into bounds, at most one for each attribute.

    The language knows ages ('about 40', '30-45', 'over 60', 'in her thirties', 'young'), the phrases for states in the
    table of attributes, words of strength ('a faint smile', 'very dark hair'), and 'not', 'no', 'without' before each
    phrase that has an opposite.
    Raises LatentError for an unknown word, naming the nearest known one, for phrases that contradict each other, for a
    comparison such as 'older', and for an attribute that a search cannot read.
    """
    bounds: dict[str, Bound] = {}
    for statement in parse(text, is_request=False):
        bound = bound_of(_require_readable(statement))
        earlier = bounds.get(bound.attribute, Bound(bound.attribute, -inf, inf, ""))
        bounds[bound.attribute] = intersect(earlier, bound)
    return tuple(bounds.values())


def intersect(a: Bound, b: Bound) -> Bound:
    """Return the bound that meets both bounds of one attribute. Raises LatentError when no value does."""
    low, high = max(a.low, b.low), min(a.high, b.high)
    if low >= high:
        raise LatentError(f"'{a.text}' and '{b.text}' contradict each other", "leave one of them out")
    return Bound(a.attribute, low, high, f"{a.text} {b.text}".strip())


def bound_of(statement: State | Interval) -> Bound:
    """Return the bound that a state or a range sets, in the analyzer's units."""
    low, high = _limits(statement) if isinstance(statement, State) else (statement.low, statement.high)
    if isinstance(statement, Interval) and TABLE[statement.attribute].unit == "probability":
        low, high = _logit(low), _logit(high)
    return Bound(statement.attribute, low, high, statement.text)


def _require_readable(statement: Statement) -> State | Interval:
    """Return a statement that a search can check. Raises LatentError for another one."""
    if isinstance(statement, Change):
        raise LatentError(f"'{statement.text}' compares with another face", "say what it should be, as in 'over 60'")
    if statement.attribute not in READ:
        label = statement.attribute.replace("_", " ")
        raise LatentError(f"'{statement.text}': a search cannot read the {label}", "it depends on the light")
    return statement


def _limits(state: State) -> tuple[float, float]:
    """Return the limits of a state, in the analyzer's units."""
    unit = TABLE[state.attribute].unit
    if state.level == 0:
        return -_MIDDLES[unit], _MIDDLES[unit]
    low, high = (_DEGREES if unit == "degrees" else _LOGITS)[state.strength]
    return (low, high) if state.level == 1 else (-high, -low)


def _logit(p: float) -> float:
    if not 0 < p < 1:
        return -inf if p <= 0 else inf
    return math.log(p / (1 - p))


def penalty(readings: Tensor, bounds: tuple[Bound, ...], margin: float = 0.0) -> Tensor:
    """Measure how far readings lie outside the bounds; the result is 0 where every bound is met. Differentiable.

    Convention: readings `[n, 10]` or `[n, 20]` in the order of READ -> `[n]`, the sum over the bounds of the squared
    excess, in logits or PENALTY_UNITS; `margin`, in the same units, makes every bound stricter.
    Raises LatentError for a bound on an attribute that was not read.
    """
    total = readings.new_zeros(len(readings))
    for bound in bounds:
        if READ.index(bound.attribute) >= readings.shape[1]:
            raise LatentError(f"'{bound.text}': this generator's faces are read without it", "leave it out")
        unit = PENALTY_UNITS.get(bound.attribute, 1.0)
        value = readings[:, READ.index(bound.attribute)] / unit
        low, high = bound.low / unit, bound.high / unit
        room = min(margin, (high - low) / 2)
        total = total + (low + room - value).clamp_min(0).square() + (value - high + room).clamp_min(0).square()
    return total
