"""What the analyzer reads, in the units that people use."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.networks.analyzer import ATTRIBUTES, Analyzer, Reading

_SIDED = torch.tensor([-1.0 if name in ("yaw", "roll") else 1.0 for name in ATTRIBUTES])
PROBABILITIES = ("smile", "gender", "glasses", "mouth_open", "eyes_open")


@dataclass(frozen=True)
class Attributes:
    """One face. An opinion of a small network, with the errors that its model card states."""

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
        """Give the numbers with as many digits as they are worth."""
        digits = {name: 3 if name in PROBABILITIES else 1 for name in asdict(self)}
        return {name: round(value, digits[name]) for name, value in asdict(self).items()}


@torch.no_grad()
def read(net: Analyzer, img: Tensor) -> Reading:
    """Read aligned faces `[n, 3, h, h]`, -1...1, as they are and mirrored: steadier, at twice the cost.

    Raises ShapeError for other shapes.
    """
    straight, mirrored = net(img), net(img.flip(3))
    traits = (straight.traits + mirrored.traits * _SIDED) / 2
    return Reading(traits, F.normalize(straight.identity + mirrored.identity, dim=1))


def read_attributes(net: Analyzer, img: Tensor) -> tuple[Attributes, ...]:
    """Say what aligned faces show. Convention and errors as `read`."""
    return tuple(_traits(row) for row in read(net, img).traits.tolist())


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Say how much faces are alike, by their identities `[n, 128]`: `[n]`, 1 for the same, about 0 for strangers."""
    return F.cosine_similarity(a, b, dim=-1)


def _traits(row: list[float]) -> Attributes:
    values = dict(zip(ATTRIBUTES, row, strict=True))
    values |= {name: 1 / (1 + math.exp(-max(-50.0, min(50.0, values[name])))) for name in PROBABILITIES}
    return Attributes(**values | {"age": max(0.0, values["age"]), "sharpness": 2 ** values["sharpness"]})
