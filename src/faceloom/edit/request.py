"""Requests for edits in words: 'ten years older, no glasses, a broad smile' becomes values for `Studio.edit`.

The grammar and the phrases are those of `edit.grammar`. Works with names and numbers only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from faceloom.analyze.attributes import EDITABLE, MAX_PROBABILITY, TABLE
from faceloom.edit.description import bound_of, intersect
from faceloom.edit.grammar import parse
from faceloom.edit.statements import Change, Interval, State, Statement
from faceloom.errors import LatentError

ANGLES = (8.0, 15.0, 25.0)  # degrees that a request to look aside aims at: slightly, plainly, far


def parse_request(text: str) -> tuple[Statement, ...]:
    """Parse a request for an edit into statements, one for each attribute.

    The language knows changes ('ten years older', 'much longer hair', 'turn left by 20 degrees', 'a bit more smile'),
    ages ('60 years old', 'in her thirties'), the phrases for states in the table of attributes, words of strength
    ('a faint smile'), and 'no', 'not', 'without', 'remove' before each phrase that has an opposite.
    Raises LatentError for an unknown word, naming the nearest known one, for statements that contradict each other, and
    for an attribute that cannot be edited.
    """
    statements: dict[str, Statement] = {}
    for statement in parse(text, is_request=True):
        name = statement.attribute
        if name not in EDITABLE:
            raise LatentError(f"'{statement.text}': faceloom cannot edit '{name}'", f"it edits {', '.join(EDITABLE)}")
        statements[name] = _join(statements[name], statement) if name in statements else statement
    lids, opening = statements.get("eyes_open"), statements.get("eye_opening")
    if opening and isinstance(lids, State) and lids.level == -1:
        raise LatentError(f"'{lids.text}' and '{opening.text}' contradict each other", "leave one of them out")
    return tuple(statements.values())


def resolve_request(request: tuple[Statement, ...], shown: Mapping[str, float]) -> dict[str, float]:
    """Return the values by attribute that `Studio.edit` takes, for a face that shows certain attributes.

    A state, such as 'blond hair', asks for no more than the largest change that the table of attributes allows. A
    stated change is passed on as it is.

    Convention: `shown` has the units of the table of attributes, as `Studio.attributes` returns them; the result is
    changes of age, pose and measures, and probabilities of the others.
    Raises LatentError for an attribute that is not known of the face and is needed, and for a stated value that is too
    far from what the face shows.
    """
    return {statement.attribute: _value(statement, shown) for statement in request}


def _join(a: Statement, b: Statement) -> Statement:
    """Return the statement that says what two statements about one attribute say. Raises LatentError otherwise."""
    if replace(a, text="") == replace(b, text=""):
        return a
    if isinstance(a, Change) or isinstance(b, Change):
        raise LatentError(f"'{a.text}' and '{b.text}' contradict each other", "leave one of them out")
    bounds = bound_of(a), bound_of(b)
    both = intersect(*bounds)
    for statement, bound in zip((a, b), bounds, strict=True):
        if (bound.low, bound.high) == (both.low, both.high):
            return statement
    return Interval(both.attribute, both.low, both.high, both.text)


def _value(statement: Statement, shown: Mapping[str, float]) -> float:
    """Return the value that an edit of one attribute takes."""
    name = statement.attribute
    row = EDITABLE[name]
    if isinstance(statement, Change):
        change = _change(statement)
        return change if row.is_change else _clip(_known(shown, name) + change)
    if not row.is_change:
        return _aim_at_probability(statement)
    before = _known(shown, name)
    if isinstance(statement, State):
        change = statement.level * ANGLES[statement.strength] - before
    elif statement.stated is not None:
        return _require_in_range(statement, statement.stated - before)
    else:
        change = _nearest(statement, before, row.phrases.steps[0]) - before
    low, high = row.phrases.reach
    return min(max(change, -row.limit, low), row.limit, high)


def _change(statement: Change) -> float:
    """Return the change that a statement asks for: its amount, or a step of the table."""
    if statement.amount is not None:
        return statement.sign * statement.amount
    phrases = TABLE[statement.attribute].phrases
    low, high = phrases.reach
    return min(max(statement.sign * phrases.steps[statement.strength], low), high)


def _require_in_range(statement: Statement, change: float) -> float:
    """Return the change that a stated value asks for. Raises LatentError for one that is too large."""
    row = TABLE[statement.attribute]
    if abs(change) > row.limit:
        message = f"'{statement.text}' is {change:+.0f} {row.unit} away from this face"
        raise LatentError(message, f"ask for at most {row.limit:g} either way")
    return change


def _aim_at_probability(statement: State | Interval) -> float:
    """Return the probability that a statement asks for."""
    row = TABLE[statement.attribute]
    if isinstance(statement, Interval):
        return _clip((statement.low + statement.high) / 2 if statement.stated is None else statement.stated)
    if row.is_all_or_nothing:
        return MAX_PROBABILITY if statement.level == 1 else 1 - MAX_PROBABILITY
    if statement.level == 0:
        return 0.5
    return (row.phrases.low_aims if statement.level == -1 else row.phrases.aims)[statement.strength]


def _nearest(interval: Interval, value: float, margin: float) -> float:
    """Return the value of an interval that is nearest to a value; a value outside moves a margin into the interval."""
    if interval.low <= value <= interval.high:
        return value
    margin = min(margin, (interval.high - interval.low) / 2)
    return interval.low + margin if value < interval.low else interval.high - margin


def _known(shown: Mapping[str, float], name: str) -> float:
    value = shown.get(name, math.nan)
    if math.isnan(value):
        label = name.replace("_", " ")
        raise LatentError(f"the {label} of this face is not known", "give the change as a number")
    return value


def _clip(p: float) -> float:
    return min(max(p, 1 - MAX_PROBABILITY), MAX_PROBABILITY)
