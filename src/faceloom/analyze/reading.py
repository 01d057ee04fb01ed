"""Reading of attributes and identity from aligned faces, in the units of the table of attributes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer, Reading

_MIRROR_SIGNS = torch.tensor([-1.0 if TABLE[name].flips_sign else 1.0 for name in ATTRIBUTES])
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

    def rounded(self) -> dict[str, float]:
        """Return the values by name, rounded to the digits that carry information."""
        digits = {name: 3 if name in PROBABILITIES else 1 for name in asdict(self)}
        return {name: round(value, digits[name]) for name, value in asdict(self).items()}


@torch.no_grad()
def read(net: Analyzer, img: Tensor) -> Reading:
    """Read aligned faces `[n, 3, h, h]`, -1...1, as the mean over the pictures and their mirror images.

    The mean is steadier than a single reading and costs twice as much. Raises ShapeError for other shapes.
    """
    straight, mirrored = net(img), net(img.flip(3))
    attributes = (straight.attributes + mirrored.attributes * _MIRROR_SIGNS) / 2
    return Reading(attributes, F.normalize(straight.identity + mirrored.identity, dim=1))


def read_attributes(net: Analyzer, img: Tensor) -> tuple[Attributes, ...]:
    """Read the attributes of aligned faces. Convention and errors as `read`."""
    return tuple(_to_attributes(row) for row in read(net, img).attributes.tolist())


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Compute the identity similarity of faces.

    Convention: identities `[n, 128]` -> `[n]`, 1 for the same face, about 0 for strangers.
    """
    return F.cosine_similarity(a, b, dim=-1)


def _to_attributes(row: list[float]) -> Attributes:
    """Convert a row of the network's outputs: logits to probabilities, log2 of the sharpness to pixels."""
    values = dict(zip(ATTRIBUTES, row, strict=True))
    values |= {name: 1 / (1 + math.exp(-max(-50.0, min(50.0, values[name])))) for name in PROBABILITIES}
    return Attributes(**values | {"age": max(0.0, values["age"]), "sharpness": 2 ** values["sharpness"]})
