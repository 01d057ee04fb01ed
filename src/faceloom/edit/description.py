"""A small language for what a face should show: 'about 40, smiling, glasses' -> bounds on what an analyzer reads.

Knows the analyzer's traits by name: no networks, no latents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf

from torch import Tensor

from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES

ABOUT = 3.0  # years to either side of an age
CLEAR = 1.5  # a logit that leaves little doubt: 82 %
TURNED = 10.0  # degrees from which a face looks aside
STRAIGHT = 6.0  # degrees up to which it looks straight ahead
UNIT = {"age": 4.0, "yaw": 4.0, "pitch": 4.0}
"""How much of a trait weighs as much as one of a logit."""


@dataclass(frozen=True)
class Bound:
    """A trait's wanted range, in the units of TRAITS; `text` is how it was asked for."""

    trait: str
    low: float
    high: float
    text: str


def _yes(trait: str) -> tuple[str, float, float]:
    return trait, CLEAR, inf


def _no(trait: str) -> tuple[str, float, float]:
    return trait, -inf, -CLEAR


PHRASES: dict[str, tuple[str, float, float]] = {
    **dict.fromkeys(("smiling", "smile", "smiles", "happy"), _yes("smile")),
    **dict.fromkeys(("neutral", "serious"), _no("smile")),
    **dict.fromkeys(("glasses", "spectacles"), _yes("glasses")),
    **dict.fromkeys(("man", "masculine", "male"), _yes("gender")),
    **dict.fromkeys(("woman", "feminine", "female"), _no("gender")),
    "androgynous": ("gender", -1.0, 1.0),
    **dict.fromkeys(("mouth open", "open mouth"), _yes("mouth_open")),
    **dict.fromkeys(("mouth closed", "closed mouth"), _no("mouth_open")),
    **dict.fromkeys(("eyes open", "open eyes"), _yes("eyes_open")),
    **dict.fromkeys(("eyes closed", "closed eyes"), _no("eyes_open")),
    "looking left": ("yaw", -inf, -TURNED),
    "looking right": ("yaw", TURNED, inf),
    "looking up": ("pitch", -inf, -TURNED),
    "looking down": ("pitch", TURNED, inf),
    **dict.fromkeys(("looking straight", "straight"), ("yaw", -STRAIGHT, STRAIGHT)),
}
LOGITS = ("smile", "glasses", "gender", "mouth_open", "eyes_open")
NOT = ("not", "no", "without")
FILLERS = frozenset(("a", "an", "and", "with", "who", "is", "but", "the", "of", "ahead", "-"))
FILLERS |= {"aged", "age", "years", "year", "old", "person", "people", "face"}
AGES = (
    (r"(?:about|around|circa|roughly) (\d+)", lambda n: (n - ABOUT, n + ABOUT)),
    (r"(?:between )?(\d+) (?:-|to|and) (\d+)", lambda n, m: (n, m)),
    (r"(?:over|above|older than|at least) (\d+)", lambda n: (n, inf)),
    (r"(?:under|below|younger than|at most) (\d+)", lambda n: (-inf, n)),
    (r"(\d+)", lambda n: (n - ABOUT, n + ABOUT)),
)
WORDS = sorted({word for phrase in PHRASES for word in phrase.split()} | {*NOT, "about", "over", "under", "between"})


def parse_description(text: str) -> tuple[Bound, ...]:
    """Read what a face should show; at most one bound a trait.

    It knows ages ('about 40', '30-45', 'over 60', 'under 30'), smiling, neutral, glasses, man, woman, androgynous,
    mouth open or closed, eyes open or closed, looking left (the viewer's), right, up, down or straight, and 'not',
    'no', 'without' before any of them that can be turned round.
    Raises LatentError for a word that it does not know, naming the nearest, and for wishes that contradict each other.
    """
    wanted: dict[str, Bound] = {}
    for bound in _bounds(" ".join(re.findall(r"\d+|[a-z]+|-", text.lower()))):
        before = wanted.get(bound.trait, Bound(bound.trait, -inf, inf, ""))
        both = Bound(
            bound.trait, max(before.low, bound.low), min(before.high, bound.high), f"{before.text} {bound.text}".strip()
        )
        if both.low >= both.high:
            raise LatentError(f"'{before.text}' and '{bound.text}' contradict each other", "leave one of them out")
        wanted[bound.trait] = both
    if not wanted:
        raise LatentError(f"'{text}' says nothing about a face", "as in 'about 40, smiling, glasses'")
    return tuple(wanted.values())


def _bounds(text: str) -> Iterator[Bound]:
    while text:
        negated = re.match(rf"(?:{'|'.join(NOT)}) ", text)
        rest = text[negated.end() :] if negated else text
        bound, length = _first(rest)
        text = rest[length:].lstrip()
        if bound:
            yield _turned_round(bound) if negated else bound


def _first(text: str) -> tuple[Bound | None, int]:
    """The bound that a text begins with, and how many characters say it; None for a filler."""
    for pattern, limits in AGES:
        if match := re.match(rf"{pattern}\b", text):
            low, high = limits(*(float(number) for number in match.groups()))
            return _age(low, high, match[0]), match.end()
    words = text.split()
    for count in (2, 1):
        phrase = " ".join(words[:count])
        if phrase in PHRASES:
            return Bound(*PHRASES[phrase], phrase), len(phrase)
    if words[0] in FILLERS:
        return None, len(words[0])
    near = get_close_matches(words[0], WORDS, 1, 0.5)
    hint = f"did you mean '{near[0]}'?" if near else "it knows " + ", ".join(("about 40", *PHRASES))
    raise LatentError(f"find does not know '{words[0]}'", hint)


def _age(low: float, high: float, text: str) -> Bound:
    if low >= high or high < 0 or 120 < low < inf:
        raise LatentError(f"'{text}' is no range of ages", "as in '30-45'")
    return Bound("age", low, high, text)


def _turned_round(bound: Bound) -> Bound:
    if bound.trait not in LOGITS or (bound.low, bound.high) == (-1.0, 1.0):
        raise LatentError(f"'not {bound.text}' says too little", "say what it should be instead")
    return Bound(bound.trait, -bound.high, -bound.low, f"not {bound.text}")


def penalty(traits: Tensor, wanted: tuple[Bound, ...], margin: float = 0.0) -> Tensor:
    """How far readings are from what is wanted: 0 where every bound is met.

    Convention: traits `[n, 10]` -> `[n]`, the sum over the bounds of what is beyond them, squared, in logits or UNIT;
    `margin`, in the same, makes every bound stricter. Differentiable.
    """
    total = traits.new_zeros(len(traits))
    for bound in wanted:
        value = traits[:, ATTRIBUTES.index(bound.trait)] / UNIT.get(bound.trait, 1.0)
        low, high = (limit / UNIT.get(bound.trait, 1.0) for limit in (bound.low, bound.high))
        room = min(margin, (high - low) / 2)
        total = total + (low + room - value).clamp_min(0).square() + (value - high + room).clamp_min(0).square()
    return total
