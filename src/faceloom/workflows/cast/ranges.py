"""Ranges of attributes in the words of a plan: '20-35', 'woman', 'yes', 'light'. Names and numbers only."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf

from faceloom.analyze.attributes import TABLE, Attribute
from faceloom.edit.description import AGE_TOLERANCE, MIDDLE_LOGIT, STRAIGHT_DEGREES, TURNED_DEGREES
from faceloom.errors import PlanError

CLEAR = 0.65  # least probability of a yes; 1 minus it is the highest of a no
CLEAR_SMILE = 0.75  # least probability of a smile: mouths that speak are read as smiles of up to 0.75
MIDDLE = 1 / (1 + math.exp(-MIDDLE_LOGIT))  # highest probability of neither yes nor no
MAX_AGE = 120.0

SKIN_TONES = {
    "very light": (55.0, inf),
    "light": (41.0, 55.0),
    "intermediate": (28.0, 41.0),
    "tan": (10.0, 28.0),
    "brown": (-30.0, 10.0),
    "dark": (-inf, -30.0),
}
"""Classes of the individual typology angle in degrees (Del Bino and Bernerd 2013)."""

ADULT = {"adult": (20.0, 65.0)}
"""An age that plans name and descriptions do not; the others are in the table of attributes."""

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_BETWEEN = re.compile(rf"{_NUMBER}\s*(?:-|to|\.\.)\s*{_NUMBER}")
_ABOVE = re.compile(rf"(?:>=?|over|above|at least)\s*{_NUMBER}|{_NUMBER}\s*\+")
_BELOW = re.compile(rf"(?:<=?|under|below|at most)\s*{_NUMBER}")
_ABOUT = re.compile(rf"(?:about|around)?\s*{_NUMBER}")


@dataclass(frozen=True)
class Range:
    """A range of one attribute, in the unit of the table of attributes: low <= value < high. `text` asked for it."""

    attribute: str
    low: float
    high: float
    text: str

    def holds(self, value: float) -> bool:
        """Return whether a value lies in the range."""
        return self.low <= value < self.high


def parse_range(name: str, text: str) -> Range:
    """Parse the range of an attribute.

    Probabilities take words: yes, no, and those of the table, as 'woman', 'smiling' or 'on'. Numbers take '20-35',
    'over 60', 'under 30' and 'about 40'; ages take 'child', skin tones 'light', turns 'left', 'straight' and 'right'.
    The upper age of '20-35' is included: it ends with the 36th birthday.
    Raises PlanError for an unknown attribute, for words that it does not know, and for an empty range.
    """
    row = _find_row(name)
    text = " ".join(str(text).lower().split())
    words = known_words(row.name)
    if text in words:
        return Range(row.name, *words[text], text)
    limits = None if row.unit == "probability" else _parse_numbers(row, text)
    if limits is None:
        near = get_close_matches(text, words, 1, 0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"it takes {', '.join(words) or 'numbers, as 20-35'}"
        raise PlanError(f"{row.name} cannot be '{text[:60]}'", hint)
    low, high = limits
    if not low < high:
        raise PlanError(f"{row.name} '{text}' is an empty range", "give the lower number first, as 20-35")
    if row.name == "age" and (high <= 0 or low > MAX_AGE):
        raise PlanError(f"'{text}' is not an age", f"give ages from 0 to {MAX_AGE:.0f}")
    return Range(row.name, low, high, text)


def known_words(name: str) -> dict[str, tuple[float, float]]:
    """Return the words of an attribute with their ranges."""
    row = TABLE[name]
    if name == "age":
        return ADULT | dict(row.phrases.ranges)
    if name == "skin_tone":
        return {**SKIN_TONES}
    phrases = row.phrases
    if row.unit == "probability":
        english = row.words["en"]
        yes = (CLEAR_SMILE if name == "smile" else CLEAR, inf)
        no, middle = (-inf, 1 - CLEAR), (1 - MIDDLE, MIDDLE)
        named = {} if name == "gender" else {"yes": yes, "no": no}
        high, low = (english.high, *phrases.high), (english.low, *phrases.low)
        return named | dict.fromkeys(high, yes) | dict.fromkeys(low, no) | dict.fromkeys(phrases.middle, middle)
    if row.unit == "degrees":
        words = dict.fromkeys(phrases.high, (TURNED_DEGREES, inf)) | dict.fromkeys(phrases.low, (-inf, -TURNED_DEGREES))
        words |= dict.fromkeys(phrases.middle, (-STRAIGHT_DEGREES, STRAIGHT_DEGREES))
        return words | {word.removeprefix("looking "): limits for word, limits in words.items()}
    return {}


def _find_row(name: str) -> Attribute:
    known = [row.name for row in TABLE.values() if row.name not in ("sharpness", "roll")]
    if name in known:
        return TABLE[name]
    near = get_close_matches(name, known, 1, 0.5)
    raise PlanError(f"there is no attribute '{name[:60]}'", f"did you mean '{near[0]}'?" if near else ", ".join(known))


def _parse_numbers(row: Attribute, text: str) -> tuple[float, float] | None:
    """Return the limits that a text of numbers states, or None for another text."""
    is_age = row.unit == "years"
    if match := _BETWEEN.fullmatch(text):
        low, high = float(match[1]), float(match[2])
        return low, high + (1.0 if is_age and high >= low else 0.0)
    if match := _ABOVE.fullmatch(text):
        return float(match[1] or match[2]), inf
    if match := _BELOW.fullmatch(text):
        return -inf, float(match[1])
    if match := _ABOUT.fullmatch(text):
        middle = float(match[1])
        half = AGE_TOLERANCE if is_age else 5.0
        return middle - half, middle + half
    return None
