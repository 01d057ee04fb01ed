"""The table of attributes: one row for each property of a face that is read, edited, described or shown on a slider.

Sliders, options of the command line, fields of the REST API, words of descriptions and limits of edits are derived from
this table. Adding an attribute means adding one row. The module imports neither torch nor anything else that is slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Literal, get_args

Unit = Literal["years", "degrees", "probability", "points", "pixels"]
Language = Literal["en", "de", "es", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "es", "fr")

Region = Literal["background", "clothes", "neck", "skin", "hair", "brows", "eyes", "lips", "glasses", "ears"]
REGIONS: tuple[Region, ...] = get_args(Region)
"""The parts of a portrait. An edit may change only those that its attribute names."""

MAX_PROBABILITY = 0.97
"""Highest probability that an edit aims at; 1 minus it is the lowest. The logit of 1 is infinite."""


@dataclass(frozen=True)
class Words:
    """Words of one language for an attribute: its label, and the low and the high end of its slider."""

    label: str
    low: str
    high: str


@dataclass(frozen=True)
class Slider:
    """A slider of the page.

    Convention: `low`, `high` and `knots` are requested values in the attribute's unit. The curve of a slider is
    measured at its `knots`, the most useful one first.
    """

    low: float
    high: float
    knots: tuple[float, ...]


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
    moves_outline: bool = False  # an edit of it may move the outline of the face against the background
    faint: tuple[Region, ...] = ()  # those of its regions that change at half strength
    frees: tuple[str, ...] = ()  # attributes that an edit of this one changes by nature, and does not hold
    regions: tuple[Region, ...] = REGIONS  # the regions that an edit of this attribute may change; by default all

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
        slider=Slider(-40.0, 40.0, knots=(20.0, -20.0, 40.0, -40.0)),
        option="age",
        help="Years to add; a negative number makes the face younger.",
        regions=("neck", "skin", "hair", "brows", "eyes", "lips"),
        faint=("hair",),
        frees=("hair_lightness", "hair_warmth", "hair_length", "brows", "eye_opening", "face_fullness", "makeup"),
        phrases=Phrases(
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
        words={
            "en": Words("Age", "younger", "older"),
            "de": Words("Alter", "jünger", "älter"),
            "es": Words("Edad", "más joven", "mayor"),
            "fr": Words("Âge", "plus jeune", "plus âgé"),
        },
    ),
    Attribute(
        name="smile",
        unit="probability",
        requested_as="probability",
        limit=MAX_PROBABILITY,
        hold=0.15,
        identity=0.7,
        slider=Slider(0.0, 1.0, knots=(0.95, 0.05)),
        option="smile",
        help="Probability of a smile: 0.9 is a clear smile, 0 is none.",
        regions=("neck", "skin", "brows", "eyes", "lips"),
        frees=("brows", "eye_opening", "mouth_gap", "face_fullness"),
        carries=("mouth_open",),
        phrases=Phrases(
            low=("neutral", "serious", "neutral expression", "unsmiling", "stern", "solemn"),
            high=("smiling", "smile", "smiles", "happy", "cheerful", "joyful", "grin", "grinning", "laughing"),
            more=("happier",),
        ),
        words={
            "en": Words("Smile", "serious", "laughing"),
            "de": Words("Lächeln", "ernst", "lachend"),
            "es": Words("Sonrisa", "en serio", "riendo"),
            "fr": Words("Sourire", "sérieux", "rieur"),
        },
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
        frees=("brows", "eye_opening", "makeup"),
        is_all_or_nothing=True,
        least_progress=0.5,
        phrases=Phrases(high=("glasses", "spectacles", "eyeglasses", "specs")),
        words={
            "en": Words("Glasses", "none", "on"),
            "de": Words("Brille", "ohne", "mit"),
            "es": Words("Gafas", "sin", "con"),
            "fr": Words("Lunettes", "sans", "avec"),
        },
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
        phrases=Phrases(
            low=("looking left", "looks left", "turned left", "facing left"),
            middle=("looking straight", "looks straight", "straight", "frontal", "facing forward"),
            high=("looking right", "looks right", "turned right", "facing right"),
            less=("turn left", "look left", "left"),
            more=("turn right", "look right", "right"),
            steps=(6.0, 15.0, 25.0),
        ),
        words={
            "en": Words("Turn", "left", "right"),
            "de": Words("Drehen", "links", "rechts"),
            "es": Words("Girar", "izquierda", "derecha"),
            "fr": Words("Tourner", "gauche", "droite"),
        },
    ),
    Attribute(
        name="pitch",  # positive looks down
        unit="degrees",
        requested_as="change",
        limit=30.0,
        hold=4.0,
        identity=0.6,
        slider=Slider(-20.0, 20.0, knots=(12.0, -12.0)),
        option="pitch",
        help="Degrees to nod; positive looks down.",
        frees=DETAILS_OF_POSE,
        phrases=Phrases(
            low=("looking up", "looks up"),
            middle=("looking straight", "looks straight", "straight", "frontal", "facing forward"),
            high=("looking down", "looks down"),
            less=("look up", "turn up", "tilt up", "up"),
            more=("look down", "turn down", "tilt down", "down"),
            steps=(4.0, 10.0, 18.0),
        ),
        words={
            "en": Words("Nod", "up", "down"),
            "de": Words("Nicken", "oben", "unten"),
            "es": Words("Inclinar", "arriba", "abajo"),
            "fr": Words("Incliner", "haut", "bas"),
        },
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
        regions=("neck", "skin", "lips"),
        frees=("mouth_gap", "face_fullness"),
        phrases=Phrases(
            low=("mouth closed", "lips closed", "close mouth"),
            high=("mouth open", "lips open", "lips apart"),
        ),
        words={
            "en": Words("Mouth", "closed", "open"),
            "de": Words("Mund", "zu", "offen"),
            "es": Words("Boca", "cerrada", "abierta"),
            "fr": Words("Bouche", "fermée", "ouverte"),
        },
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
        phrases=Phrases(
            low=("woman", "feminine", "female"), middle=("androgynous",), high=("man", "masculine", "male")
        ),
        words={
            "en": Words("Man, woman", "woman", "man"),
            "de": Words("Mann, Frau", "Frau", "Mann"),
            "es": Words("Hombre, mujer", "mujer", "hombre"),
            "fr": Words("Homme, femme", "femme", "homme"),
        },
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
        phrases=Phrases(low=("eyes closed", "eyes shut", "close eyes"), high=("eyes open",)),
        words={
            "en": Words("Eyes", "closed", "open"),
            "de": Words("Augen", "zu", "offen"),
            "es": Words("Ojos", "cerrados", "abiertos"),
            "fr": Words("Yeux", "fermés", "ouverts"),
        },
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
        phrases=Phrases(
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
        words={
            "en": Words("Eyes", "narrow", "wide"),
            "de": Words("Augen", "schmal", "weit"),
            "es": Words("Ojos", "entornados", "muy abiertos"),
            "fr": Words("Yeux", "plissés", "grands ouverts"),
        },
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
        phrases=Phrases(
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
        words={
            "en": Words("Brows", "low", "raised"),
            "de": Words("Augenbrauen", "tief", "hochgezogen"),
            "es": Words("Cejas", "bajas", "levantadas"),
            "fr": Words("Sourcils", "bas", "levés"),
        },
    ),
    Attribute(
        name="mouth_gap",  # distance of the lips in percent of the width of the mouth
        unit="points",
        requested_as="change",
        limit=12.0,
        hold=2.5,
        identity=0.7,
        regions=("neck", "skin", "lips"),
        frees=("mouth_open", "face_fullness"),
        words={
            "en": Words("Gap between the lips", "closed", "wide"),
            "de": Words("Lippenabstand", "zu", "weit"),
            "es": Words("Separación de los labios", "cerrados", "abiertos"),
            "fr": Words("Écart des lèvres", "fermées", "ouvertes"),
        },
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
        phrases=Phrases(
            low=("clean shaven", "shaven", "shaved", "shave", "beardless"),
            high=("beard", "bearded", "mustache", "moustache", "facial hair", "unshaven", "goatee"),
            less=("shorter beard",),
            more=("longer beard", "fuller beard"),
        ),
        words={
            "en": Words("Beard", "shaven", "full"),
            "de": Words("Bart", "rasiert", "voll"),
            "es": Words("Barba", "afeitado", "poblada"),
            "fr": Words("Barbe", "rasé", "fournie"),
        },
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
        phrases=Phrases(
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
        words={
            "en": Words("Hair color", "dark", "light"),
            "de": Words("Haarfarbe", "dunkel", "hell"),
            "es": Words("Color del pelo", "oscuro", "claro"),
            "fr": Words("Couleur des cheveux", "foncés", "clairs"),
        },
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
        phrases=Phrases(
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
        words={
            "en": Words("Warmth of the hair", "gray", "golden"),
            "de": Words("Haarton", "grau", "golden"),
            "es": Words("Tono del pelo", "canoso", "dorado"),
            "fr": Words("Teinte des cheveux", "gris", "dorés"),
        },
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
        phrases=Phrases(
            low=("short hair", "cropped hair"),
            high=("long hair", "shoulder length hair"),
            less=("shorter hair",),
            more=("longer hair",),
        ),
        words={
            "en": Words("Hair length", "short", "long"),
            "de": Words("Haarlänge", "kurz", "lang"),
            "es": Words("Largo del pelo", "corto", "largo"),
            "fr": Words("Longueur des cheveux", "courts", "longs"),
        },
    ),
    Attribute(
        name="skin_tone",  # individual typology angle of the cheeks: above 55 very light, below -30 dark
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
        phrases=Phrases(
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
        words={
            "en": Words("Skin tone", "darker", "lighter"),
            "de": Words("Hautton", "dunkler", "heller"),
            "es": Words("Tono de piel", "más oscuro", "más claro"),
            "fr": Words("Teint", "plus foncé", "plus clair"),
        },
    ),
    Attribute(
        name="makeup",  # of lips or eyes
        unit="probability",
        phrases=Phrases(high=("makeup",)),
        words={
            "en": Words("Makeup", "none", "strong"),
            "de": Words("Schminke", "keine", "stark"),
            "es": Words("Maquillaje", "ninguno", "intenso"),
            "fr": Words("Maquillage", "aucun", "prononcé"),
        },
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
        phrases=Phrases(
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
        words={
            "en": Words("Face", "slim", "full"),
            "de": Words("Gesicht", "schmal", "voll"),
            "es": Words("Cara", "delgada", "llena"),
            "fr": Words("Visage", "mince", "rond"),
        },
    ),
    Attribute(
        name="hat",  # or another cover of the head
        unit="probability",
        shown_by="hair",
        phrases=Phrases(high=("hat", "cap")),
        words={
            "en": Words("Hat", "none", "on"),
            "de": Words("Hut", "ohne", "mit"),
            "es": Words("Sombrero", "sin", "con"),
            "fr": Words("Chapeau", "sans", "avec"),
        },
    ),
    Attribute(
        name="roll",  # positive is turned clockwise
        unit="degrees",
        flips_sign=True,
        words={
            "en": Words("Tilt", "left", "right"),
            "de": Words("Neigen", "links", "rechts"),
            "es": Words("Ladear", "izquierda", "derecha"),
            "fr": Words("Pencher", "gauche", "droite"),
        },
    ),
    Attribute(
        name="sharpness",  # number of pixels that the side of the aligned square truly resolves, up to 160
        unit="pixels",
        words={
            "en": Words("Sharpness", "blurred", "sharp"),
            "de": Words("Schärfe", "unscharf", "scharf"),
            "es": Words("Nitidez", "borrosa", "nítida"),
            "fr": Words("Netteté", "floue", "nette"),
        },
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
