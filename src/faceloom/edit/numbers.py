"""Numbers and tokens of English text: 'twenty-five' and 'a decade' become digits. Works with text only."""

from __future__ import annotations

import re

_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS, TENS = _UNITS.split(), _TENS.split()
NUMBER_WORDS = {word: i for i, word in enumerate(UNITS, start=1)} | {word: 10 * i for i, word in enumerate(TENS, 2)}
"""The words for 1 to 19 and for the tens up to 90."""

QUANTITIES = {"couple": "2", "few": "3", "several": "5", "dozen": "12"}
"""Numbers that words for a small quantity stand for."""

DECADES = {f"{word.removesuffix('y')}ies": 10 * i for i, word in enumerate(TENS, 2)}
"""Words for the age between two tens, such as 'thirties'."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|\S")  # a number, a word, or another character


def tokenize(text: str) -> list[str]:
    """Split a text into lower-case words, numbers in digits, and other characters.

    Hyphens between words are dropped. Number words from one to ninety-nine become digits, and so do small quantities;
    'decade' becomes the number of years.
    """
    joined = re.sub(r"(?<=\w)-(?=[^\W\d_])", " ", text.lower().replace("’", "'"))
    return list(_merge_decades(_merge_number_words(_TOKEN.findall(joined))))


def is_number(token: str) -> bool:
    """Return whether a token is a number in digits."""
    return _NUMBER.fullmatch(token) is not None


def _merge_number_words(tokens: list[str]) -> list[str]:
    """Replace number words by digits: 'twenty', 'five' becomes '25'."""
    merged: list[str] = []
    after_tens = False
    for token in tokens:
        value = NUMBER_WORDS.get(token, 0)
        if after_tens and 1 <= value <= 9:
            merged[-1] = str(int(merged[-1]) + value)
        elif value:
            merged.append(str(value))
        else:
            merged.append(QUANTITIES.get(token, token))
        after_tens = value >= 20
    return merged


def _merge_decades(tokens: list[str]) -> list[str]:
    """Replace 'decade' and '2 decades' by years, and 'thirties' and '30 s' by the range of ages."""
    merged: list[str] = []
    for token in tokens:
        after_number = bool(merged) and is_number(merged[-1])
        if token in ("decade", "decades"):
            count = float(merged.pop()) if after_number else 1.0
            merged += [f"{10 * count:g}", "years"]
        elif token in DECADES or (token == "s" and after_number and merged[-1] in map(str, DECADES.values())):
            low = DECADES.get(token) or int(merged.pop())
            merged += [str(low), "-", str(low + 10)]
        else:
            merged.append(token)
    return merged
