"""Briefs: a plan in one sentence, as '12 film extras, 20 to 70, half women, neutral'. Names and numbers only."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from difflib import get_close_matches
from math import inf
from typing import Any

from faceloom.analyze.attributes import TABLE
from faceloom.errors import PlanError
from faceloom.workflows.cast.plan import Plan, make_plan
from faceloom.workflows.cast.ranges import MAX_AGE, known_words

MAX_DIGITS = 9  # of a number in a brief
AGE_GROUP = 10  # years of the groups into which a range of ages is divided evenly
COUNTS = "one two three four five six seven eight nine ten eleven twelve"
NUMBERS = {word: number for number, word in enumerate(COUNTS.split(), start=1)}
NUMBERS |= {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "a hundred": 100,
    "a thousand": 1000,
    "a million": 10**6,
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6}
PSI = 0.8  # truncation of a cast for people, who need clean faces
PARTS = {"all": 1.0, "half": 1 / 2, "a third": 1 / 3, "two thirds": 2 / 3, "a quarter": 1 / 4, "three quarters": 3 / 4}
FILLERS = (
    "with",
    "of",
    "them",
    "are",
    "a",
    "an",
    "and",
    "wearing",
    "who",
    "the",
    "people",
    "aged",
    "ages",
    "years",
    "old",
)
PLURALS = {
    "women": "woman",
    "men": "man",
    "females": "female",
    "males": "male",
    "children": "child",
    "kids": "child",
    "babies": "baby",
    "teenagers": "teenager",
    "teens": "teenager",
    "adults": "adult",
    "seniors": "elderly",
    "smile": "smiling",
    "serious": "neutral",
}
MORE_WORDS: Mapping[str, tuple[str, str]] = {
    "beard": ("beard", "yes"),
    "beards": ("beard", "yes"),
    "bearded": ("beard", "yes"),
    "shaven": ("beard", "no"),
    "hat": ("hat", "yes"),
    "hats": ("hat", "yes"),
    "makeup": ("makeup", "yes"),
    "long hair": ("hair_length", "yes"),
    "short hair": ("hair_length", "no"),
    "light skin": ("skin_tone", "light"),
    "dark skin": ("skin_tone", "dark"),
    "brown skin": ("skin_tone", "brown"),
    "tan skin": ("skin_tone", "tan"),
}
HINT = "as in '12 film extras, 20 to 70, half women, a third with glasses, neutral'"
_AGES = re.compile(r"(?:between )?(\d+) (?:to|-|and) (\d+)")
_ONE_AGE = re.compile(r"((?:over|under|about|around|above|below|at least|at most) \d+|aged \d+|\d+ years old)")


def parse_brief(text: str, **fields: Any) -> Plan:
    """Parse a brief into a plan; `fields` are further fields of the plan, such as `seed`.

    The first part states the number of people and what they are: '12 film extras' names the cast. Each further part,
    after a comma, is a range of ages ('20 to 70' is divided evenly among groups of ten years), or a property, for
    all people or for a part of them: 'neutral', 'half women', '30 % with glasses', 'a third bearded', '2 with hats'.
    Raises PlanError for a word that it does not know, naming the nearest one, and for what contradicts itself.
    """
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.lower())  # 1,000
    parts = [part.strip() for part in re.split(r"[,;]", plain) if part.strip()]
    pattern = r"((?:\d+ (?:hundred|thousand|million))|\d+|a (?:hundred|thousand|million)|[a-z]+)\s+(.+)"
    match = re.fullmatch(pattern, parts[0]) if parts else None
    people = _read_number(match[1]) if match else None
    if match is None or people is None:
        raise PlanError(f"'{text[:60]}' does not begin with a number of people", "as in '12 film extras, half women'")
    if people < 1:
        raise PlanError(f"'{text[:60]}' asks for no people", "begin with a number from 1")
    attributes: dict[str, Any] = {}
    name = _read_title(match[2], attributes)
    for part in parts[1:]:
        for attribute, value in _read_part(part, people).items():
            if attribute in attributes:
                raise PlanError(f"'{part}' says again what {attribute} is", "leave one of them out")
            attributes[attribute] = value
    fields = {"psi": PSI} | fields
    return make_plan({"people": people, "name": name or "cast", "attributes": attributes, **fields})


def _read_title(text: str, attributes: dict[str, Any]) -> str:
    """Return the name of the cast, and take the properties out of it: 'smiling women' are both."""
    title = []
    for word in text.split():
        known = find_word(word)
        if known is None:
            near = get_close_matches(word, _single_words(), 1, 0.84)
            if near:
                raise PlanError(f"'{word}' is no word that a brief knows", f"did you mean '{near[0]}'?")
            title.append(word)
        elif attributes.setdefault(known[0], known[1]) != known[1]:
            raise PlanError(f"'{text}' says twice what {known[0]} is", "leave one of them out")
    return " ".join(title)


def _read_part(text: str, people: int) -> dict[str, Any]:
    """Return the attributes that a part of the brief names, with their ranges or shares."""
    if match := _AGES.fullmatch(_without_fillers(text)):
        return {"age": spread_ages(_to_int(match[1]), _to_int(match[2]), people)}
    if match := _ONE_AGE.fullmatch(text):
        return {"age": re.sub(r"aged | years old", "", match[1])}
    share, rest = _read_share(text, people)
    properties = _read_properties(rest, text)
    if share == 1.0:
        return properties
    if len(properties) != 1:
        raise PlanError(f"'{text}' names several properties of a part of the people", "give each its own share")
    ((name, value),) = properties.items()
    return {name: {value: share, opposite(name, value): 1 - share}}


def _read_share(text: str, people: int) -> tuple[float, str]:
    """Return the share that a part begins with, 1 without one, and the rest of the text."""
    if match := re.match(r"(\d+(?:\.\d+)?) ?(?:%|percent)\s*", text):
        share, rest = float(match[1]) / 100, text[match.end() :]
    elif match := re.match(r"(\d+|one|two|three|four|five|six) in (\d+|two|three|four|five|six|ten)\s+", text):
        share, rest = (_read_number(match[1]) or 0) / (_read_number(match[2]) or 1), text[match.end() :]
    else:
        word = next((word for word in sorted(PARTS, key=len, reverse=True) if re.match(rf"{word}\b", text)), None)
        number = re.match(r"(\d+|[a-z]+) ", text)
        count = _read_number(number[1]) if number else None
        if word is not None:
            share, rest = PARTS[word], text[len(word) :].strip()
        elif number and count is not None:
            share, rest = count / people, text[number.end() :]
        else:
            return 1.0, text
    if not 0 < share <= 1:
        raise PlanError(f"'{text}' is not a part of {people} people", "give a part from 1 % to 100 %")
    return share, rest


def _read_properties(text: str, part: str) -> dict[str, str]:
    """Return the attributes that words name. Raises PlanError for a word that is unknown."""
    words = text.replace("-", " ").split()
    found: dict[str, str] = {}
    negated = False
    while words:
        if words[0] in ("no", "not", "without"):
            negated, words = True, words[1:]
            continue
        known, length = next(
            ((known, n) for n in (2, 1) if len(words) >= n and (known := find_word(" ".join(words[:n])))), (None, 1)
        )
        if known is not None:
            name, value = known
            found[name] = opposite(name, value) if negated else value
            negated = False
        elif words[0] not in FILLERS:
            near = get_close_matches(words[0], _single_words(), 1, 0.6)
            raise PlanError(
                f"'{words[0]}' in '{part}' is no word that a brief knows",
                f"did you mean '{near[0]}'?" if near else HINT,
            )
        words = words[length:]
    if not found:
        raise PlanError(f"'{part}' says nothing about people", "as in 'half women' or 'neutral'")
    return found


def find_word(word: str) -> tuple[str, str] | None:
    """Return the attribute and the range that a word or a phrase names, or None."""
    word = PLURALS.get(word, word)
    if word in MORE_WORDS:
        return MORE_WORDS[word]
    for row in TABLE.values():
        phrases = {*row.phrases.low, *row.phrases.middle, *row.phrases.high}
        if word in phrases or (row.name == "age" and word in known_words("age")):
            return row.name, word
    return None


def opposite(name: str, value: str) -> str:
    """Return the range of those who are not in a range of an attribute: men for women.

    Raises PlanError for one that has no opposite.
    """
    words = known_words(name)
    low, high = words.get(value, (0.0, 0.0))
    found = next((word for word, limits in words.items() if _are_opposite(limits, (low, high))), None)
    if TABLE[name].unit != "probability" or found is None:
        raise PlanError(f"'{value}' has no opposite for the others", "write a plan with shares of every range")
    return found


def _are_opposite(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether one range is open above, a yes, and the other one below, a no."""
    return (one[0] == -inf and other[1] == inf) or (one[1] == inf and other[0] == -inf)


def spread_ages(low: int, high: int, people: int) -> str | dict[str, float]:
    """Divide a range of ages evenly into groups of about ten years, at most one for each person."""
    if high > MAX_AGE:
        return f"{low}-{high}"
    groups = min(max(1, round((high - low) / AGE_GROUP)), people)
    if groups == 1 or high <= low:
        return f"{low}-{high}"
    edges = [round(low + (high + 1 - low) * i / groups) for i in range(groups + 1)]
    return {f"{a}-{b - 1}": 1 / groups for a, b in itertools.pairwise(edges)}


def _without_fillers(text: str) -> str:
    return " ".join(re.sub(r"(\d)\s*-\s*(\d)", r"\1 - \2", text).replace("aged ", "").replace(" years old", "").split())


def _read_number(text: str) -> int | None:
    number, _, scale = text.partition(" ")
    if number.isdigit():
        return _to_int(number) * SCALES.get(scale, 1)
    return NUMBERS.get(text)


def _to_int(digits: str) -> int:
    """Return a number. Raises PlanError for one that is too long for any brief."""
    if len(digits) > MAX_DIGITS:
        raise PlanError(f"{digits[:MAX_DIGITS]}... is too large a number", HINT)
    return int(digits)


def _single_words() -> list[str]:
    words = {*PLURALS, *MORE_WORDS, *known_words("age")}
    for row in TABLE.values():
        words |= {*row.phrases.low, *row.phrases.middle, *row.phrases.high}
    return sorted(words)
