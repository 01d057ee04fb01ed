"""Statements about the attributes of a face, and the phrases for them: what descriptions and requests are made of.

Phrases come from the table of attributes. Works with names and numbers only, without torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from faceloom.analyze.attributes import TABLE, Attribute

Strength = Literal[0, 1, 2]
"""Index into the steps and aims of an attribute: slight, plain and strong."""


@dataclass(frozen=True)
class State:
    """A phrase for the low end (-1), the middle (0) or the high end (1) of a probability or an angle."""

    attribute: str
    level: Literal[-1, 0, 1]
    text: str
    strength: Strength = 1


@dataclass(frozen=True)
class Interval:
    """A range of an attribute in the unit of the table, and the value in it that was stated, if one was."""

    attribute: str
    low: float
    high: float
    text: str
    stated: float | None = None


@dataclass(frozen=True)
class Change:
    """A change of an attribute up (1) or down (-1), by a strength or by an amount in the attribute's unit."""

    attribute: str
    sign: Literal[-1, 1]
    text: str
    strength: Strength = 1
    amount: float | None = None


Statement = State | Interval | Change


def _statements_of(row: Attribute) -> Iterator[Statement]:
    """Yield what the phrases of an attribute mean."""
    phrases = row.phrases
    yield from (State(row.name, -1, phrase) for phrase in phrases.low)
    yield from (State(row.name, 0, phrase) for phrase in phrases.middle)
    yield from (State(row.name, 1, phrase) for phrase in phrases.high)
    yield from (Interval(row.name, *limits, phrase) for phrase, limits in phrases.ranges.items())
    yield from (Change(row.name, -1, phrase) for phrase in phrases.less)
    yield from (Change(row.name, 1, phrase) for phrase in phrases.more)


def _collect(*, changes: bool) -> dict[str, tuple[Statement, ...]]:
    meanings: dict[str, tuple[Statement, ...]] = {}
    for statement in (statement for row in TABLE.values() for statement in _statements_of(row)):
        if isinstance(statement, Change) == changes:
            meanings[statement.text] = (*meanings.get(statement.text, ()), statement)
    return meanings


STATES = _collect(changes=False)
"""States and ranges by phrase. Some phrases, as 'blond hair', say something about two attributes."""

CHANGES = _collect(changes=True)
"""Changes by phrase. A request takes a phrase that is in both tables for a change."""


def known_phrases(*, is_request: bool) -> tuple[str, ...]:
    """Return a phrase for each state that a text may name, and in a request for each change."""
    phrases = list[str]()
    for words in (row.phrases for row in TABLE.values() if row.requested_as or not is_request):
        phrases += [*words.low[:1], *words.middle[:1], *words.high[:1], *words.ranges]
        phrases += [*words.less[:1], *words.more[:1]] if is_request else []
    return tuple(dict.fromkeys(phrases))
