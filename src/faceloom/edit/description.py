"""Descriptions of faces in a small language: 'about 40, smiling, glasses' becomes bounds on what an analyzer reads.

Phrases come from the table of attributes. Works with names and numbers only, without networks or latents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf

from torch import Tensor

from faceloom.analyze.attributes import TABLE, Attribute
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES

AGE_TOLERANCE = 3.0  # years to either side of a stated age
CLEAR_LOGIT = 1.5  # least logit of a clear yes, a probability of 82 %
MIDDLE_LOGIT = 1.0  # largest logit, in absolute value, of neither yes nor no
TURNED_DEGREES = 10.0  # least angle at which a face looks aside
STRAIGHT_DEGREES = 6.0  # largest angle at which a face looks straight ahead
PENALTY_UNITS = {row.name: 4.0 for row in TABLE.values() if row.unit in ("years", "degrees")}
"""Years or degrees that weigh as much in the penalty as one logit of another attribute."""


@dataclass(frozen=True)
class Bound:
    """The requested range of an attribute, in the analyzer's units; `text` is the phrase that asked for it."""

    attribute: str
    low: float
    high: float
    text: str


def _ranges(row: Attribute) -> Iterator[tuple[str, tuple[str, float, float]]]:
    """Yield each phrase of an attribute with its range."""
    angle = row.unit == "degrees"
    end, middle = (TURNED_DEGREES, STRAIGHT_DEGREES) if angle else (CLEAR_LOGIT, MIDDLE_LOGIT)
    for phrases, low, high in (
        (row.phrases.high, end, inf),
        (row.phrases.low, -inf, -end),
        (row.phrases.middle, -middle, middle),
    ):
        for phrase in phrases:
            yield phrase, (row.name, low, high)


PHRASES: dict[str, tuple[str, float, float]] = {
    phrase: bound for row in TABLE.values() for phrase, bound in _ranges(row)
}
"""Attribute, low and high end by phrase."""

NEGATIONS = ("not", "no", "without")
FILLERS = frozenset(("a", "an", "and", "with", "who", "is", "but", "the", "of", "ahead", "-"))
FILLERS |= {"aged", "age", "years", "year", "old", "person", "people", "face"}
AGES = (
    (r"(?:about|around|circa|roughly) (\d+)", lambda n: (n - AGE_TOLERANCE, n + AGE_TOLERANCE)),
    (r"(?:between )?(\d+) (?:-|to|and) (\d+)", lambda n, m: (n, m)),
    (r"(?:over|above|older than|at least) (\d+)", lambda n: (n, inf)),
    (r"(?:under|below|younger than|at most) (\d+)", lambda n: (-inf, n)),
    (r"(\d+)", lambda n: (n - AGE_TOLERANCE, n + AGE_TOLERANCE)),
)
WORDS = sorted(
    {word for phrase in PHRASES for word in phrase.split()} | {*NEGATIONS, "about", "over", "under", "between"}
)


def parse_description(text: str) -> tuple[Bound, ...]:
    """Parse a description of a face into bounds, at most one for each attribute.

    The language knows ages ('about 40', '30-45', 'over 60', 'under 30'), smiling, neutral, glasses, man, woman,
    androgynous, mouth open or closed, eyes open or closed, looking left (the viewer's), right, up, down or straight,
    and 'not', 'no', 'without' before each of them that has an opposite.
    Raises LatentError for an unknown word, naming the nearest known one, and for phrases that contradict each other.
    """
    bounds: dict[str, Bound] = {}
    for bound in _parse_bounds(" ".join(re.findall(r"\d+|[a-z]+|-", text.lower()))):
        earlier = bounds.get(bound.attribute, Bound(bound.attribute, -inf, inf, ""))
        low, high = max(earlier.low, bound.low), min(earlier.high, bound.high)
        if low >= high:
            raise LatentError(f"'{earlier.text}' and '{bound.text}' contradict each other", "leave one of them out")
        bounds[bound.attribute] = Bound(bound.attribute, low, high, f"{earlier.text} {bound.text}".strip())
    if not bounds:
        raise LatentError(f"'{text}' says nothing about a face", "as in 'about 40, smiling, glasses'")
    return tuple(bounds.values())


def _parse_bounds(text: str) -> Iterator[Bound]:
    while text:
        negation = re.match(rf"(?:{'|'.join(NEGATIONS)}) ", text)
        rest = text[negation.end() :] if negation else text
        bound, length = _parse_first(rest)
        text = rest[length:].lstrip()
        if bound:
            yield _negate(bound) if negation else bound


def _parse_first(text: str) -> tuple[Bound | None, int]:
    """Parse the bound at the start of a text; return it with its number of characters, or None for a filler word."""
    for pattern, limits in AGES:
        if match := re.match(rf"{pattern}\b", text):
            low, high = limits(*(float(number) for number in match.groups()))
            return _age_bound(low, high, match[0]), match.end()
    words = text.split()
    for count in (2, 1):
        phrase = " ".join(words[:count])
        if phrase in PHRASES:
            return Bound(*PHRASES[phrase], phrase), len(phrase)
    if words[0] in FILLERS:
        return None, len(words[0])
    near = get_close_matches(words[0], WORDS, 1, 0.5)
    hint = f"did you mean '{near[0]}'?" if near else "known phrases are " + ", ".join(("about 40", *PHRASES))
    raise LatentError(f"the description holds an unknown word: '{words[0]}'", hint)


def _age_bound(low: float, high: float, text: str) -> Bound:
    if low >= high or high < 0 or 120 < low < inf:
        raise LatentError(f"'{text}' is not a range of ages", "as in '30-45'")
    return Bound("age", low, high, text)


def _negate(bound: Bound) -> Bound:
    one_sided = (bound.low == -inf) != (bound.high == inf)
    if TABLE[bound.attribute].unit != "probability" or not one_sided:
        raise LatentError(f"'not {bound.text}' says too little", "say what it should be instead")
    return Bound(bound.attribute, -bound.high, -bound.low, f"not {bound.text}")


def penalty(readings: Tensor, bounds: tuple[Bound, ...], margin: float = 0.0) -> Tensor:
    """Measure how far readings lie outside the bounds; the result is 0 where every bound is met. Differentiable.

    Convention: readings `[n, 10]` in the order of the analyzer -> `[n]`, the sum over the bounds of the squared
    excess, in logits or PENALTY_UNITS; `margin`, in the same units, makes every bound stricter.
    """
    total = readings.new_zeros(len(readings))
    for bound in bounds:
        unit = PENALTY_UNITS.get(bound.attribute, 1.0)
        value = readings[:, ATTRIBUTES.index(bound.attribute)] / unit
        low, high = bound.low / unit, bound.high / unit
        room = min(margin, (high - low) / 2)
        total = total + (low + room - value).clamp_min(0).square() + (value - high + room).clamp_min(0).square()
    return total
