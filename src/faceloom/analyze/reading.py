"""Reading of attributes and identity from aligned faces, in the units of the table of attributes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from math import nan

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.analyze.skin import skin_tone
from faceloom.images.tensors import Img
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS, Analyzer, Reading

_MIRROR_SIGNS, _MIRROR_SIGNS_OF_DETAILS = (
    torch.tensor([-1.0 if TABLE[name].flips_sign else 1.0 for name in names]) for names in (ATTRIBUTES, DETAILS)
)
PROBABILITIES = tuple(row.name for row in TABLE.values() if row.unit == "probability")


@dataclass(frozen=True)
class Attributes:
    """Attributes of one face, as estimated by a small network with the errors that its model card states."""

    age: float  # years
    smile: float  # probability, as the next four
    gender: float  # of a masculine presentation
    glasses: float
    mouth_open: float
    eyes_open: float
    yaw: float  # degrees, positive looks to the viewer's right
    pitch: float  # degrees, positive looks down
    roll: float  # degrees, positive is turned clockwise
    sharpness: float  # pixels that the aligned square's side truly resolves, up to 160
    # Details; NaN where the network does not read them.
    hair_lightness: float = nan  # CIELAB units, as the next one
    hair_warmth: float = nan
    brows: float = nan  # height over the eyes, in hundredths of an eye's width
    eye_opening: float = nan  # hundredths of an eye's width
    mouth_gap: float = nan  # hundredths of the mouth's width
    face_fullness: float = nan  # width of the jaw in hundredths of the face's height
    beard: float = nan  # probability, as the next three
    hair_length: float = nan
    hat: float = nan
    makeup: float = nan
    skin_tone: float = nan  # degrees of the individual typology angle, measured in the pixels

    def rounded(self) -> dict[str, float]:
        """Return the known values by name, rounded to the digits that carry information."""
        known = {name: value for name, value in asdict(self).items() if not math.isnan(value)}
        return {name: round(value, 3 if name in PROBABILITIES else 1) for name, value in known.items()}


@torch.no_grad()
def read(net: Analyzer, img: Tensor) -> Reading:
    """Read aligned faces `[n, 3, h, h]`, -1...1, as the mean over the pictures and their mirror images.

    The mean is steadier than a single reading and costs twice as much. Raises ShapeError for other shapes.
    """
    straight, mirrored = net(img), net(img.flip(3))
    attributes = (straight.attributes + mirrored.attributes * _MIRROR_SIGNS) / 2
    identity = F.normalize(straight.identity + mirrored.identity, dim=1)
    if not straight.details.numel():
        return Reading(attributes, identity)
    return Reading(attributes, identity, (straight.details + mirrored.details * _MIRROR_SIGNS_OF_DETAILS) / 2)


def read_attributes(net: Analyzer, img: Img) -> tuple[Attributes, ...]:
    """Read the attributes of aligned faces, with their skin tone. Convention and errors as `read`."""
    reading, tones = read(net, img), skin_tone(img).tolist()
    details = reading.details.tolist() or [[]] * len(tones)
    rows = zip(reading.attributes.tolist(), details, tones, strict=True)
    return tuple(_to_attributes(attributes, detail, tone) for attributes, detail, tone in rows)


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Compute the identity similarity of faces.

    Convention: identities `[n, 128]` -> `[n]`, 1 for the same face, about 0 for strangers.
    """
    return F.cosine_similarity(a, b, dim=-1)


def _to_attributes(attributes: list[float], details: list[float], tone: float) -> Attributes:
    """Convert rows of the network's outputs: logits to probabilities, log2 of the sharpness to pixels."""
    values = dict(zip(ATTRIBUTES, attributes, strict=True)) | dict(zip(DETAILS, details, strict=False))
    values |= {name: _probability(value) for name, value in values.items() if name in PROBABILITIES}
    values |= {"age": max(0.0, values["age"]), "sharpness": 2 ** values["sharpness"], "skin_tone": tone}
    return Attributes(**values)


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
