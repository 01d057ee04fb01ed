"""The table of attributes: one row for each property of a face that is read, edited, described or shown on a slider.

Sliders, options of the command line, fields of the REST API, words of descriptions and limits of edits are derived from
this table. Adding an attribute means adding one row, its words in `attribute_words`, and the phrases that name it in
`attribute_phrases`. The module imports neither torch nor anything else that is slow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from faceloom.analyze.attribute_phrases import PHRASES, Phrases
from faceloom.analyze.attribute_words import WORDS, Language, Words

Unit = Literal["years", "degrees", "probability", "points", "pixels"]

Region = Literal["background", "clothes", "neck", "skin", "hair", "brows", "eyes", "lips", "glasses", "ears"]
REGIONS: tuple[Region, ...] = get_args(Region)
"""The parts of a portrait. An edit may change only those that its attribute names."""

AROUND_LIPS: Literal["around_lips"] = "around_lips"
"""The skin near the lips, which an attribute may name in place of all the skin."""

Part = Region | Literal["around_lips"]

MAX_PROBABILITY = 0.97
"""Highest probability that an edit aims at; 1 minus it is the lowest. The logit of 1 is infinite."""


@dataclass(frozen=True)
class Slider:
    """A slider of the page.

    Convention: `low`, `high` and `knots` are requested values in the attribute's unit. The curve of a slider is
    measured at its `knots`, the most useful one first.
    """

    low: float
    high: float
    knots: tuple[float, ...]


@dataclass(frozen=True)
class Attribute:
    """A row of the table.

    Convention: `requested_as` says what a requested value means: a "change" is added to the value that the face shows,
    a "probability" is the value itself, and None stands for an attribute that cannot be edited. `limit` is the largest
    change in either direction, or the highest probability that an edit aims at. `hold` is the largest change that an
    edit of other attributes may cause. `identity` is the least identity similarity that an edit of this attribute may
    leave at its limit; smaller changes are held to more. A point is a hundredth of a stated length, or one unit of
    CIELAB.
    """

    name: str
    unit: Unit
    words: Mapping[Language, Words]
    requested_as: Literal["change", "probability"] | None = None
    limit: float = 0.0
    hold: float | None = None
    identity: float = 0.0
    slider: Slider | None = None
    option: str = ""  # name of the command-line option without its dashes; empty: the command line has none
    help: str = ""  # help text of that option
    phrases: Phrases = field(default_factory=Phrases)
    read_by_analyzer: bool = True  # otherwise it is measured in the pixels
    flips_sign: bool = False  # the value changes its sign when the picture is mirrored
    carries: tuple[str, ...] = ()  # attributes that may rise with it, and fall with it, but not the other way round
    shown_by: Region | None = None  # the region in which it is seen; an edit that leaves the region leaves it, too
    is_all_or_nothing: bool = False  # a person has it or not
    least_progress: float = 0.1  # part of a requested change of a probability below which an edit is better not made
    is_walked_on: bool = False  # where bounds stop its edit, a walk may go on (`edit.walked_edits`)
    longest_step: float = math.inf  # in its unit, upwards; beyond, pictures tear
    moves_outline: bool = False  # an edit of it may move the outline of the face against the background
    faint: tuple[Region, ...] = ()  # those of its regions that change at half strength
    frees: tuple[str, ...] = ()  # attributes that an edit of this one changes by nature, and does not hold
    regions: tuple[Part, ...] = REGIONS  # the parts that an edit of this attribute may change; by default all

    @property
    def is_change(self) -> bool:
        """Return whether a requested value is added to the value that the face shows."""
        return self.requested_as == "change"


DETAILS_OF_POSE = (
    "eye_opening",
    "brows",
    "mouth_gap",
    "beard",
    "hair_lightness",
    "hair_warmth",
    "hair_length",
    "face_fullness",
)
"""Attributes that look different from another side, although the face is the same."""

_ROWS = (
    Attribute(
        name="age",
        unit="years",
        requested_as="change",
        limit=60.0,
        hold=4.0,
        identity=0.3,
        longest_step=28.0,
        slider=Slider(-40.0, 40.0, knots=(20.0, -20.0, 40.0, -40.0)),
        option="age",
        help="Years to add; a negative number makes the face younger.",
        regions=("neck", "skin", "hair", "brows", "eyes", "lips"),
        faint=("hair",),
        frees=("hair_lightness", "hair_warmth", "hair_length", "brows", "eye_opening", "face_fullness", "makeup"),
        phrases=PHRASES["age"],
        words=WORDS["age"],
    ),
    Attribute(
        name="smile",
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.15,
        identity=0.7,
        is_walked_on=True,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="smile",
        help="Probability of a smile: 0.9 is a clear smile, 0 is none.",
        regions=("neck", "skin", "brows", "eyes", "lips"),
        frees=("brows", "eye_opening", "mouth_gap", "face_fullness"),
        carries=("mouth_open",),
        phrases=PHRASES["smile"],
        words=WORDS["smile"],
    ),
    Attribute(
        name="glasses",
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.2,
        identity=0.6,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="glasses",
        help="Probability of glasses: 0 is without, 1 is with.",
        regions=("skin", "brows", "eyes", "glasses", "ears"),
        faint=("skin",),
        frees=("brows", "eye_opening", "makeup"),
        is_all_or_nothing=True,
        least_progress=0.5,
        phrases=PHRASES["glasses"],
        words=WORDS["glasses"],
    ),
    Attribute(
        name="yaw",  # positive looks to the viewer's right
        unit="degrees",
        requested_as="change",
        limit=40.0,
        hold=4.0,
        identity=0.5,
        slider=Slider(-30.0, 30.0, knots=(20.0, -20.0)),
        option="yaw",
        help="Degrees to turn the head; positive turns it to the viewer's right.",
        flips_sign=True,
        frees=DETAILS_OF_POSE,
        phrases=PHRASES["yaw"],
        words=WORDS["yaw"],
    ),
    Attribute(
        name="pitch",  # positive looks down
        unit="degrees",
        requested_as="change",
        limit=30.0,
        hold=4.0,
        identity=0.5,
        slider=Slider(-20.0, 20.0, knots=(12.0, -12.0)),
        option="pitch",
        help="Degrees to nod; positive looks down.",
        frees=DETAILS_OF_POSE,
        phrases=PHRASES["pitch"],
        words=WORDS["pitch"],
    ),
    Attribute(
        name="mouth_open",
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.2,
        identity=0.7,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="mouth",
        least_progress=0.5,
        help="Probability that the lips are apart: 0 is closed, 1 is open.",
        regions=("neck", AROUND_LIPS, "lips"),
        frees=("mouth_gap", "face_fullness"),
        phrases=PHRASES["mouth_open"],
        words=WORDS["mouth_open"],
    ),
    Attribute(
        name="gender",  # of presentation
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.15,
        identity=0.4,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="gender",
        help="Gender presentation: 0 is feminine, 1 is masculine.",
        regions=("neck", "skin", "hair", "brows", "eyes", "lips", "ears"),
        frees=("brows", "face_fullness", "beard", "hair_length", "makeup"),
        moves_outline=True,
        phrases=PHRASES["gender"],
        words=WORDS["gender"],
    ),
    Attribute(
        name="eyes_open",
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.3,
        identity=0.75,
        regions=("skin", "brows", "eyes"),
        frees=("eye_opening", "brows"),
        phrases=PHRASES["eyes_open"],
        words=WORDS["eyes_open"],
    ),
    Attribute(
        name="eye_opening",  # distance of the lids in percent of the width of an eye
        unit="points",
        requested_as="change",
        limit=8.0,
        hold=3.0,
        identity=0.75,
        slider=Slider(-6.0, 6.0, knots=(4.0, -4.0)),
        option="eyes",
        help="Points to open the eyes, in percent of their width; negative narrows them.",
        regions=("skin", "brows", "eyes"),
        frees=("eyes_open", "brows"),
        phrases=PHRASES["eye_opening"],
        words=WORDS["eye_opening"],
    ),
    Attribute(
        name="brows",  # distance of brows and eyes in percent of the width of an eye
        unit="points",
        requested_as="change",
        limit=10.0,
        hold=3.0,
        identity=0.7,
        slider=Slider(-8.0, 8.0, knots=(5.0, -5.0)),
        option="brows",
        help="Points to raise the brows, in percent of the width of an eye; negative lowers them.",
        regions=("skin", "brows", "eyes"),
        phrases=PHRASES["brows"],
        words=WORDS["brows"],
    ),
    Attribute(
        name="mouth_gap",  # distance of the lips in percent of the width of the mouth
        unit="points",
        requested_as="change",
        limit=12.0,
        hold=2.5,
        identity=0.7,
        regions=("neck", AROUND_LIPS, "lips"),
        frees=("mouth_open", "face_fullness"),
        words=WORDS["mouth_gap"],
    ),
    Attribute(
        name="beard",  # or mustache
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.2,
        identity=0.65,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="beard",
        help="Probability of a beard or mustache: 0 is shaven, 1 is a beard.",
        regions=("neck", "skin", "lips"),
        frees=("gender",),
        phrases=PHRASES["beard"],
        words=WORDS["beard"],
    ),
    Attribute(
        name="hair_lightness",  # CIELAB lightness of the hair
        unit="points",
        requested_as="change",
        limit=35.0,
        hold=6.0,
        identity=0.65,
        slider=Slider(-25.0, 25.0, knots=(15.0, -15.0)),
        option="hair",
        help="Points of lightness to add to the hair; negative makes it darker.",
        regions=("hair", "brows"),
        shown_by="hair",
        phrases=PHRASES["hair_lightness"],
        words=WORDS["hair_lightness"],
    ),
    Attribute(
        name="hair_warmth",  # CIELAB b of the hair: low is gray or black, high is blond or red
        unit="points",
        requested_as="change",
        limit=6.0,
        hold=4.0,
        identity=0.65,
        slider=Slider(-3.0, 6.0, knots=(4.0, -2.0)),
        option="hair-warmth",
        help="Points of warmth to add to the color of the hair: negative is gray, positive is blond or red.",
        regions=("hair", "brows"),
        shown_by="hair",
        phrases=PHRASES["hair_warmth"],
        words=WORDS["hair_warmth"],
    ),
    Attribute(
        name="hair_length",  # hair that reaches the shoulders
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.25,
        identity=0.5,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="hair-length",
        help="Probability of hair down to the shoulders: 0 is short, 1 is long.",
        regions=("background", "clothes", "neck", "hair", "ears"),
        frees=("gender",),
        shown_by="hair",
        moves_outline=True,
        phrases=PHRASES["hair_length"],
        words=WORDS["hair_length"],
    ),
    Attribute(
        name="skin_tone",  # individual typology angle of the skin: above 55 very light, below -30 dark
        unit="degrees",
        requested_as="change",
        limit=45.0,
        hold=6.0,
        identity=0.75,
        slider=Slider(-30.0, 30.0, knots=(15.0, -15.0)),
        option="skin",
        help="Degrees of the individual typology angle to add to the skin tone; positive is lighter.",
        read_by_analyzer=False,
        regions=("neck", "skin", "ears"),
        phrases=PHRASES["skin_tone"],
        words=WORDS["skin_tone"],
    ),
    Attribute(
        name="makeup",  # of lips or eyes
        unit="probability",
        phrases=PHRASES["makeup"],
        words=WORDS["makeup"],
    ),
    Attribute(
        name="face_fullness",  # width of the jaw in percent of the face's height
        unit="points",
        requested_as="change",
        limit=3.0,
        hold=2.0,
        identity=0.65,
        slider=Slider(-2.0, 2.0, knots=(1.5, -1.5)),
        option="fullness",
        help="Points of width to add to the face, in percent of its height; negative makes it slimmer.",
        regions=("neck", "skin", "brows", "eyes", "lips", "glasses"),  # a jaw that moves alone tears the face
        moves_outline=True,
        phrases=PHRASES["face_fullness"],
        words=WORDS["face_fullness"],
    ),
    Attribute(
        name="hat",  # or another cover of the head
        unit="probability",
        shown_by="hair",
        phrases=PHRASES["hat"],
        words=WORDS["hat"],
    ),
    Attribute(
        name="roll",  # positive is turned clockwise
        unit="degrees",
        flips_sign=True,
        words=WORDS["roll"],
    ),
    Attribute(
        name="sharpness",  # number of pixels that the side of the aligned square truly resolves, up to 160
        unit="pixels",
        words=WORDS["sharpness"],
    ),
)

TABLE: Mapping[str, Attribute] = MappingProxyType({row.name: row for row in _ROWS})
"""Every attribute by its name, in the order of the sliders."""

EDITABLE: Mapping[str, Attribute] = MappingProxyType({row.name: row for row in _ROWS if row.requested_as})
"""The attributes that an edit can change."""

HELD: Mapping[str, float] = MappingProxyType({row.name: row.hold for row in _ROWS if row.hold is not None})
"""The largest change that an edit of other attributes may cause, by attribute, in its unit."""

SLIDERS: Mapping[str, Slider] = MappingProxyType({row.name: row.slider for row in _ROWS if row.slider})
"""The sliders of the page by attribute, in their order."""


def words(language: Language) -> dict[str, Words]:
    """Return the words of one language by attribute."""
    return {row.name: row.words[language] for row in _ROWS}
