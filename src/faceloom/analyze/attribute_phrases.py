"""English phrases of the table of attributes, by which descriptions and requests in words name its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType

Range = tuple[float, float]

SLIGHT_WORDS = ("slight", "slightly", "faint", "faintly", "subtle", "bit", "little", "touch", "somewhat")
STRONG_WORDS = ("broad", "broadly", "big", "wide", "strong", "strongly", "very", "really", "much", "lot", "far")
"""Words that weaken or strengthen the phrase beside them, as in 'a faint smile' and 'much older'."""


@dataclass(frozen=True)
class Phrases:
    """English phrases for an attribute, by which a description names a state and a request names a state or a change.

    Convention: `low`, `middle` and `high` name states of a probability or an angle. `ranges` name states of another
    attribute, as the lowest and the highest value in its unit. Phrases of `less` and `more` ask for a change by one of
    `steps`, in the attribute's unit: with a word of SLIGHT_WORDS, without one, and with a word of STRONG_WORDS. A
    request for a state of a probability aims at one of `aims` or `low_aims`, in the same order. A change that is asked
    for without a number stays within `reach`. The two words of a phrase may follow in either order, and an attribute
    may share a phrase with another one.
    """

    low: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    less: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    steps: tuple[float, float, float] = (0.2, 0.4, 0.7)
    aims: tuple[float, float, float] = (0.6, 0.9, 0.97)
    low_aims: tuple[float, float, float] = (0.4, 0.05, 0.03)
    reach: Range = (-inf, inf)


PHRASES: Mapping[str, Phrases] = MappingProxyType(
    {
        "age": Phrases(
            ranges={
                "baby": (0.0, 3.0),
                "child": (3.0, 13.0),
                "kid": (3.0, 13.0),
                "teenager": (13.0, 20.0),
                "teenage": (13.0, 20.0),
                "young": (18.0, 32.0),
                "youthful": (18.0, 32.0),
                "middle aged": (40.0, 58.0),
                "old": (65.0, inf),
                "elderly": (65.0, inf),
                "senior": (65.0, inf),
            },
            less=("younger",),
            more=("older",),
            steps=(5.0, 10.0, 25.0),
        ),
        "smile": Phrases(
            low=("neutral", "serious", "neutral expression", "unsmiling", "stern", "solemn"),
            high=("smiling", "smile", "smiles", "happy", "cheerful", "joyful", "grin", "grinning", "laughing"),
            more=("happier",),
        ),
        "glasses": Phrases(high=("glasses", "spectacles", "eyeglasses", "specs")),
        "yaw": Phrases(
            low=("looking left", "looks left", "turned left", "facing left"),
            middle=("looking straight", "looks straight", "straight", "frontal", "facing forward"),
            high=("looking right", "looks right", "turned right", "facing right"),
            less=("turn left", "look left", "left"),
            more=("turn right", "look right", "right"),
            steps=(6.0, 15.0, 25.0),
        ),
        "pitch": Phrases(
            low=("looking up", "looks up"),
            middle=("looking straight", "looks straight", "straight", "frontal", "facing forward"),
            high=("looking down", "looks down"),
            less=("look up", "turn up", "tilt up", "up"),
            more=("look down", "turn down", "tilt down", "down"),
            steps=(4.0, 10.0, 18.0),
        ),
        "mouth_open": Phrases(
            low=("mouth closed", "lips closed", "close mouth"),
            high=("mouth open", "lips open", "lips apart"),
        ),
        "gender": Phrases(
            low=("woman", "feminine", "female"), middle=("androgynous",), high=("man", "masculine", "male")
        ),
        "eyes_open": Phrases(low=("eyes closed", "eyes shut", "close eyes"), high=("eyes open",)),
        "eye_opening": Phrases(
            ranges={
                "narrow eyes": (-inf, 23.0),
                "wide eyes": (32.0, inf),
                "wide open eyes": (32.0, inf),
                "eyes wide open": (32.0, inf),
            },
            less=("narrower eyes", "narrow eyes", "squinting", "squint"),
            more=(
                "wider eyes",
                "eyes wide open",
                "eyes open wider",
                "open eyes wider",
                "wider open eyes",
                "wide eyes",
                "wide open eyes",
            ),
            steps=(2.0, 4.0, 6.0),
        ),
        "brows": Phrases(
            ranges={
                "low brows": (-inf, 31.5),
                "low eyebrows": (-inf, 31.5),
                "raised brows": (41.0, inf),
                "raised eyebrows": (41.0, inf),
            },
            less=("lower brows", "lower eyebrows", "lowered brows", "lowered eyebrows"),
            more=(
                "raised brows",
                "raised eyebrows",
                "raise brows",
                "raise eyebrows",
                "higher brows",
                "higher eyebrows",
            ),
            steps=(2.0, 5.0, 8.0),
        ),
        "beard": Phrases(
            low=("clean shaven", "shaven", "shaved", "shave", "beardless"),
            high=("beard", "bearded", "mustache", "moustache", "facial hair", "unshaven", "goatee"),
            less=("shorter beard",),
            more=("longer beard", "fuller beard"),
        ),
        "hair_lightness": Phrases(
            ranges={
                "black hair": (-inf, 18.0),
                "dark hair": (-inf, 25.0),
                "brown hair": (20.0, 42.0),
                "red hair": (20.0, 45.0),
                "reddish hair": (20.0, 45.0),
                "light hair": (45.0, inf),
                "fair hair": (45.0, inf),
                "blond hair": (45.0, inf),
                "blonde hair": (45.0, inf),
                "golden hair": (45.0, inf),
                "gray hair": (45.0, inf),
                "grey hair": (45.0, inf),
                "white hair": (60.0, inf),
            },
            less=("darker hair",),
            more=("lighter hair", "fairer hair", "brighter hair"),
            steps=(6.0, 15.0, 25.0),
        ),
        "hair_warmth": Phrases(
            ranges={
                "black hair": (-inf, 8.0),
                "brown hair": (4.0, inf),
                "red hair": (15.0, inf),
                "reddish hair": (15.0, inf),
                "blond hair": (11.0, inf),
                "blonde hair": (11.0, inf),
                "golden hair": (11.0, inf),
                "gray hair": (-inf, 5.0),
                "grey hair": (-inf, 5.0),
                "white hair": (-inf, 5.0),
            },
            less=("grayer hair", "greyer hair", "colder hair"),
            more=("redder hair", "warmer hair"),
            steps=(2.0, 4.0, 6.0),
            reach=(-3.0, 6.0),  # below, hair turns blue
        ),
        "hair_length": Phrases(
            low=("short hair", "cropped hair"),
            high=("long hair", "shoulder length hair"),
            less=("shorter hair",),
            more=("longer hair",),
        ),
        "skin_tone": Phrases(
            ranges={
                "dark skin": (-inf, -30.0),
                "brown skin": (-30.0, 10.0),
                "tanned skin": (10.0, 28.0),
                "tan skin": (10.0, 28.0),
                "light skin": (41.0, inf),
                "fair skin": (41.0, inf),
                "pale skin": (55.0, inf),
            },
            less=("darker skin", "browner skin"),
            more=("lighter skin", "fairer skin", "paler skin", "paler"),
            steps=(6.0, 15.0, 25.0),
        ),
        "makeup": Phrases(high=("makeup",)),
        "face_fullness": Phrases(
            ranges={
                "slim face": (-inf, 75.5),
                "thin face": (-inf, 75.5),
                "chubby": (82.5, inf),
                "full face": (82.5, inf),
                "round face": (82.5, inf),
            },
            less=("slimmer face", "thinner face", "narrower face", "slim face", "thin face", "slimmer", "thinner"),
            more=("fuller face", "rounder face", "wider face", "full face", "round face", "chubby"),
            steps=(0.8, 1.5, 2.0),
        ),
        "hat": Phrases(high=("hat", "cap")),
    }
)
"""The phrases of every attribute that has any, by its name."""
