"""Clauses of a text about a face: phrases, ages and amounts, and the words of strength and negation beside them.

Works with names and numbers only, without torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import inf
from typing import Literal

from faceloom.analyze.attribute_phrases import SLIGHT_WORDS, STRONG_WORDS
from faceloom.analyze.attributes import TABLE
from faceloom.edit.numbers import DECADES, NUMBER_WORDS, QUANTITIES, is_number
from faceloom.edit.statements import CHANGES, STATES, Interval, Statement, Strength, known_phrases
from faceloom.errors import LatentError

TOLERANCES = {"years": 3.0, "degrees": 3.0, "probability": 0.1}
"""Half the width of the interval that a stated value stands for, by unit."""

AGE_TOLERANCE = TOLERANCES["years"]
MAX_AGE = 120.0
UNIT_WORDS = {
    "year": "years",
    "years": "years",
    "degree": "degrees",
    "degrees": "degrees",
    "°": "degrees",
    "point": "points",
    "points": "points",
    "percent": "probability",
    "%": "probability",
}
"""Units of the table of attributes by the words for them."""

_NEGATIONS = "not,no,without,never,neither,don't,doesn't,isn't,aren't,remove,lose,take off,no longer,no more"
NEGATIONS = tuple(_NEGATIONS.split(","))
STRENGTHS: dict[str, Strength] = {**dict.fromkeys(SLIGHT_WORDS, 0), **dict.fromkeys(STRONG_WORDS, 2)}
COMPARATIVES: dict[str, Literal[-1, 1]] = {"more": 1, "less": -1}
SEPARATORS = frozenset((*',;.:!?()/&–—-"', "and", "but", "then", "or", "nor"))
CARRYING = ("or", "nor")  # separators after which a negation goes on
_FILLERS = (
    "a an the of with who which is are was be being should has have having in on to at by it its his hers her their my "
    "your him them she he they i me this that please make made give given wear wearing wears add put get let look "
    "looks looking appear appears seem seems person people face head kind clear as so just also now about around circa "
    "roughly ahead year years old aged age same"
)
FILLERS = frozenset(_FILLERS.split())
NOUNS = ("hair", "skin", "eyes", "brows", "eyebrows", "mouth", "lips", "face", "beard")
"""Words that two adjectives may share, as in 'longer and darker hair'."""

KNOWN_WORDS = sorted(
    {word for phrase in (*STATES, *CHANGES, *NEGATIONS) for word in phrase.split()}
    | {*STRENGTHS, *COMPARATIVES, *UNIT_WORDS, *NUMBER_WORDS, *QUANTITIES, *DECADES, "decade", "decades"}
    | {"about", "over", "under", "between", "older", "younger"}
)

_KNOWN = frozenset(KNOWN_WORDS)

_NUMBER = r"(\d+(?:\.\d+)?)"
_OLD = r"(?: years? old| years? of age| old)"
_END = rf"(?:{_OLD}| years?)?+(?= |$)(?! (?:older|younger))"
_AGES: tuple[tuple[re.Pattern[str], Callable[..., tuple[float, float]]], ...] = (
    (re.compile(rf"(?:between |from )?{_NUMBER} (?:-|–|to|and) {_NUMBER}{_END}"), lambda n, m: (n, m)),
    (re.compile(rf"(?:over|above|older than|at least|more than) {_NUMBER}{_END}"), lambda n: (n, inf)),
    (re.compile(rf"(?:under|below|younger than|at most|less than) {_NUMBER}{_END}"), lambda n: (-inf, n)),
    (re.compile(rf"{_NUMBER} \+{_END}"), lambda n: (n, inf)),
)
_STATED_AGE = re.compile(rf"(?:(?:age|aged) (?:of )?{_NUMBER}{_END}|{_NUMBER}{_OLD}(?= |$))")


@dataclass(frozen=True)
class Item:
    """A part of a clause: a phrase with its meaning, or a word that says something about a phrase beside it."""

    kind: Literal["phrase", "strength", "comparative", "negation", "amount"]
    text: str
    meaning: tuple[Statement, ...] = ()
    value: float = 0.0  # of a comparative or an amount
    unit: str = ""  # of an amount
    strength: Strength = 1
    start: int = 0  # index of its first token
    end: int = 0  # index after its last token


def split_clauses(tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last index of each clause, the last excluded. Numbers stay beside 'and', 'to' and '-'."""
    start = 0
    for i, token in enumerate(tokens):
        joins_ages = token in ("and", "-", "–") and _is_between_numbers(tokens, i)
        if token in SEPARATORS and not joins_ages:
            yield start, i
            start = i + 1
    yield start, len(tokens)


def _is_between_numbers(tokens: Sequence[str], i: int) -> bool:
    sides = (*tokens[i - 1 : i], *tokens[i + 1 : i + 2])
    opened = tokens[i] != "and" or "between" in tokens[max(0, i - 2) : i]
    return len(sides) == 2 and all(is_number(side) for side in sides) and opened


def read_clause(tokens: Sequence[str], start: int, end: int, is_request: bool) -> list[Item]:
    """Return the items of a clause. Raises LatentError for an unknown word."""
    items, at = list[Item](), start
    while at < end:
        found, length = _read_item(tokens, at, end, is_request)
        items += [replace(item, start=at, end=at + length) for item in found]
        at += length
    return items


def _read_item(tokens: Sequence[str], at: int, end: int, is_request: bool) -> tuple[list[Item], int]:
    """Read what begins at a token; return its items, none for a filler word, and its number of tokens."""
    words = tokens[at:end]
    if age := _read_age(" ".join(words)):
        return age
    for negation in sorted(NEGATIONS, key=len, reverse=True):
        parts = negation.split()
        if list(words[: len(parts)]) == parts:
            return [Item("negation", negation)], len(parts)
    meanings = STATES | CHANGES if is_request else CHANGES | STATES
    if phrase := _match_phrase(words, meanings):
        return phrase
    if word := _read_word(words):
        return [word[0]], word[1]
    for noun in _nouns_near(tokens, at):
        if meaning := meanings.get(f"{words[0]} {noun}"):
            return [Item("phrase", f"{words[0]} {noun}", meaning)], 1
    if words[0] in FILLERS:
        return [], 1
    raise explain_unknown(words[0], is_request)


def has_unknown_words(tokens: Sequence[str], start: int, end: int, is_request: bool) -> bool:
    """Return whether a clause cannot be read, and holds a word that is on no list."""
    words = [token for token in tokens[start:end] if not is_number(token)]
    if all(word in _KNOWN or word in FILLERS for word in words):
        return False
    try:
        read_clause(tokens, start, end, is_request)
    except LatentError:
        return True
    return False


def find_statements(tokens: Sequence[str], start: int, end: int, is_request: bool) -> Iterator[Statement]:
    """Yield what the known phrases of a clause mean, without the words between them that are not known."""
    at = start
    while at < end:
        length = 1
        with suppress(LatentError):
            items, length = _read_item(tokens, at, end, is_request)
            yield from (statement for item in items for statement in item.meaning)
        at += length


def explain_unknown(word: str, is_request: bool) -> LatentError:
    """Return the error for a word that does not fit, with the nearest known word or what is known."""
    if word in KNOWN_WORDS:
        phrases = [phrase for phrase in (*STATES, *CHANGES) if word in phrase.split()]
        hint = f"it is known in {', '.join(map(repr, phrases[:8]))}" if phrases else "say what it belongs to"
        return LatentError(f"'{word}' says nothing here", hint)
    near = get_close_matches(word, KNOWN_WORDS, 1, 0.7)
    listed = ", ".join(("age 40" if is_request else "about 40", *known_phrases(is_request=is_request)))
    hint = f"did you mean '{near[0]}'?" if near else f"known phrases are {listed}"
    return LatentError(f"the text holds an unknown word: '{word}'", hint)


def _read_age(text: str) -> tuple[list[Item], int] | None:
    """Read an age that cannot be anything else, as 'over 60' and '60 years old', at the start of a text."""
    for pattern, limits in _AGES:
        if match := pattern.match(text):
            return [Item("phrase", match[0], (_age(*limits(*map(float, match.groups())), match[0]),))], _count(match)
    if match := _STATED_AGE.match(text):
        return [Item("phrase", match[0], (stated_interval("age", float(match[1] or match[2]), match[0]),))], _count(
            match
        )
    return None


def _count(match: re.Match[str]) -> int:
    return len(match[0].split())


def _age(low: float, high: float, text: str, stated: float | None = None) -> Interval:
    if low >= high or high < 0 or MAX_AGE < low < inf:
        raise LatentError(f"'{text}' is not a range of ages", "as in '30-45'")
    return Interval("age", low, high, text, stated)


def stated_interval(attribute: str, value: float, text: str) -> Interval:
    """Return the interval that a stated value stands for."""
    half = TOLERANCES[TABLE[attribute].unit]
    if attribute == "age":
        return _age(value - half, value + half, text, value)
    return Interval(attribute, value - half, value + half, text, value)


def _read_amount(words: Sequence[str]) -> tuple[Item, int]:
    """Read a number with its unit, as '20 years'."""
    length = (
        2 if words[1:2] and words[1] in UNIT_WORDS else 3 if words[1:2] == ["of"] and words[2:3] == ["years"] else 1
    )
    unit = UNIT_WORDS[words[length - 1]] if length > 1 else ""
    value = float(words[0]) / (100 if unit == "probability" else 1)
    return Item("amount", " ".join(words[:length]), value=value, unit=unit), length


def _match_phrase(words: Sequence[str], meanings: Mapping[str, tuple[Statement, ...]]) -> tuple[list[Item], int] | None:
    """Match the longest phrase at the start of a clause; fillers and words of strength may lie inside of it."""
    best: tuple[list[Item], int] | None = None
    best_rank = (0, 0)
    for phrase in _BY_FIRST_WORD.get(words[0], ()):
        if not (matched := _match_words(words, phrase)):
            continue
        inside, length = matched
        if (rank := (len(phrase), -length)) > best_rank:
            written = " ".join(phrase)
            meaning = meanings.get(written) or meanings[" ".join(reversed(phrase))]
            best, best_rank = ([*inside, Item("phrase", written, meaning)], length), rank
    return best


def _match_words(words: Sequence[str], phrase: tuple[str, ...]) -> tuple[list[Item], int] | None:
    """Match the words of a phrase in their order; return the words of strength between them, and the length."""
    inside, at = list[Item](), 0
    for word in phrase:
        while 0 < at < len(words) and words[at] != word:
            if words[at] not in FILLERS:
                if not (found := _read_word(words[at:])):
                    return None
                inside.append(found[0])
                at += found[1] - 1
            at += 1
        if at >= len(words) or words[at] != word:
            return None
        at += 1
    return inside, at


def _read_word(words: Sequence[str]) -> tuple[Item, int] | None:
    """Read a word of strength, a comparative or an amount at the start of a clause."""
    if is_number(words[0]):
        return _read_amount(words)
    if words[0] in STRENGTHS:
        return Item("strength", words[0], strength=STRENGTHS[words[0]]), 1
    if words[0] in COMPARATIVES:
        return Item("comparative", words[0], value=COMPARATIVES[words[0]]), 1
    return None


def _orders(phrase: str) -> tuple[tuple[str, ...], ...]:
    """Return the orders in which the words of a phrase may follow: 'open mouth' and 'mouth open'."""
    words = tuple(phrase.split())
    return (words,) if len(words) != 2 else (words, words[::-1])


def _index_phrases() -> dict[str, tuple[tuple[str, ...], ...]]:
    index: dict[str, tuple[tuple[str, ...], ...]] = {}
    for words in (words for phrase in (*STATES, *CHANGES) for words in _orders(phrase)):
        index[words[0]] = (*index.get(words[0], ()), words)
    return index


_BY_FIRST_WORD = _index_phrases()


def _nouns_near(tokens: Sequence[str], at: int) -> Iterator[str]:
    """Yield the nouns of a text, those after a token first, the nearest first."""
    yield from (token for token in tokens[at + 1 :] if token in NOUNS)
    yield from (token for token in reversed(tokens[:at]) if token in NOUNS)
