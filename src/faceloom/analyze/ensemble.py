"""Reading of attributes by several networks and several views, with a spread that tells where they disagree.

A small network can be wrong about a face without any sign of it. Two networks of different trunk, crop, augmentation
and labels are rarely wrong in the same way, so that their disagreement is the sign (Lakshminarayanan et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS, Analyzer, Reading
from faceloom.networks.latent_reader import LatentReader
from faceloom.networks.second_analyzer import SECOND_ATTRIBUTES, SecondAnalyzer

VIEWS = (
    (False, 0.0, 0.0, 1.0),
    (True, 0.0, 0.0, 1.0),
    (False, 0.0, 0.03, 0.96),
    (True, 0.04, 0.01, 0.96),
)
"""Views of a face: mirrored or not, left and upper edge, and side, all as fractions of the aligned square's side."""

CALIBRATION: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "age": (2.81, 0.965),
        "smile": (0.0, 0.953),
        "gender": (0.16, 0.88),
        "glasses": (0.58, 1.114),
        "mouth_open": (0.22, 1.215),
        "yaw": (-0.08, 1.031),
        "pitch": (0.42, 1.063),
    }
)
"""Offset and factor that turn a value of the second analyzer into the first one's scale, by attribute."""

SECOND_WEIGHT = 0.4  # of the second network in the mean; its error is larger (recipes/second_analyzer)

AGES_READ = (0.0, 4.0, 7.3, 11.0, 16.5, 20.0)
LIKELY_AGES = (0.0, 2.9, 5.0, 9.0, 15.4, 20.0)
"""Ages that are read from generated children, and the mean ages by the teachers of those who are read so."""

MAX_SPREAD: Mapping[str, float] = MappingProxyType({"years": 5.0, "degrees": 5.0, "probability": 0.25, "points": 5.0})
"""Largest spread at which the readings of a face count as agreeing, by unit."""

_SIGNS = torch.tensor([-1.0 if TABLE[name].flips_sign else 1.0 for name in ATTRIBUTES])
LATENT_ATTRIBUTES = ("age", "smile", "gender", "glasses", "yaw", "pitch")
"""The attributes that are read from latents."""

_FROM_LATENTS = [ATTRIBUTES.index(name) for name in LATENT_ATTRIBUTES]
_SHARED = [ATTRIBUTES.index(name) for name in SECOND_ATTRIBUTES]
_READ = (*ATTRIBUTES, *DETAILS)
_PROBABILITIES = torch.tensor([TABLE[name].unit == "probability" for name in _READ])
_PIXELS = torch.tensor([TABLE[name].unit == "pixels" for name in _READ])


@dataclass(frozen=True, eq=False)
class Opinions:
    """The readings of faces by an ensemble.

    Convention: `mean [n, 10]` and `spread [n, 10]` have the order of ATTRIBUTES and the units of the table of
    attributes: years, degrees, probabilities, pixels. The spread is a standard deviation over networks and views.
    Attributes that only the first network reads vary over the views alone. `reading` holds the same means in the
    analyzer's units, with logits in place of probabilities, and the identity. `details_spread [n, 10]` is the spread of
    the details in the order of DETAILS, and in the same units; the details are those of the first network alone.
    """

    mean: Tensor
    spread: Tensor
    reading: Reading
    details_spread: Tensor = field(default_factory=lambda: torch.zeros(0, 0))

    def agree(self, names: tuple[str, ...]) -> Tensor:
        """Return for each face whether the readings of the named attributes agree: bool `[n]`."""
        limits = torch.tensor([MAX_SPREAD.get(TABLE[name].unit, torch.inf) for name in names])
        return (self.spread[:, [ATTRIBUTES.index(name) for name in names]] <= limits).all(1)


def read_both(analyzer: Analyzer, second: SecondAnalyzer, img: Tensor) -> Reading:
    """Read aligned faces `[n, 3, h, h]` once by each network, and return the means. Differentiable."""
    reading = analyzer(img)
    other = _replace_shared(reading.attributes, second, img)
    return Reading(reading.attributes.lerp(other, SECOND_WEIGHT), reading.identity, reading.details)


def read_each(analyzer: Analyzer, second: SecondAnalyzer, img: Tensor) -> Tensor:
    """Read aligned faces `[n, 3, h, h]` once by each network: `[2, n, 10]`, the same where the second does not read."""
    first = analyzer(img).attributes
    return torch.stack((first, _replace_shared(first, second, img)))


def _replace_shared(values: Tensor, second: SecondAnalyzer, img: Tensor) -> Tensor:
    """Return values of the first analyzer `[n, 10]` with those of the second one where it reads."""
    both = values.clone()
    both[:, _SHARED] = _calibrate(second(img))
    return both


def read_latents(reader: LatentReader, w: Tensor) -> Tensor:
    """Predict attributes of generated faces from w, without pictures. Differentiable.

    Convention: w `[n, 512]` of the default generator; the result `[n, 10]` has the order and units of ATTRIBUTES, with
    NaN where a latent is not read.
    """
    values = w.new_full((len(w), len(ATTRIBUTES)), torch.nan)
    values[:, _FROM_LATENTS] = reader(w)[:, [SECOND_ATTRIBUTES.index(name) for name in LATENT_ATTRIBUTES]]
    return values


@torch.no_grad()
def read_opinions(analyzer: Analyzer, second: SecondAnalyzer, img: Tensor) -> Opinions:
    """Read aligned faces by both networks in all VIEWS: mirrored, shifted and scaled.

    Convention: img `[n, 3, h, h]`, -1...1, h >= 80. Takes about 40 ms a face on one core. Raises ShapeError for other
    shapes.
    """
    views = [_view(img, *view) for view in VIEWS]
    readings = [analyzer(view) for view in views]
    signs = [_SIGNS if mirrored else torch.ones_like(_SIGNS) for mirrored, *_ in VIEWS]
    first = torch.stack([reading.attributes * sign for reading, sign in zip(readings, signs, strict=True)])  # [v n 10]
    other = torch.stack([_calibrate(second(view)) * sign[_SHARED] for view, sign in zip(views, signs, strict=True)])
    both = first.clone()
    both[:, :, _SHARED] = other
    identity = F.normalize(torch.stack([reading.identity for reading in readings[:2]]).sum(0), dim=1)
    means = torch.stack([first.mean(0), both.mean(0)])  # [2 n 10]
    values = means[0].lerp(means[1], SECOND_WEIGHT)
    between = to_units(means).std(0)
    within = (to_units(first).var(0) + to_units(both).var(0)) / 2
    details, details_spread = _combine_details(readings)
    spread = (between.square() + within).sqrt()
    return Opinions(to_units(values), spread, Reading(values, identity, details), details_spread)


def _combine_details(readings: list[Reading]) -> tuple[Tensor, Tensor]:
    """Return the mean of the details over the views `[n, 10]`, and their spread, or `[0, 0]` where there are none."""
    views = torch.stack([reading.details for reading in readings])  # [v n 10]
    if not views.numel():
        return torch.zeros(0, 0), torch.zeros(0, 0)
    probabilities = _PROBABILITIES[len(ATTRIBUTES) :]
    return views.mean(0), torch.where(probabilities, views.sigmoid(), views).std(0)


def correct_ages(values: Tensor) -> Tensor:
    """Correct the ages of generated children, who are read as too old. Differentiable.

    Convention: values `[n, 10]` in the analyzer's units; ages above 20 stay as they are.
    """
    read, likely = values.new_tensor(AGES_READ), values.new_tensor(LIKELY_AGES)
    age = values[:, :1]
    place = torch.bucketize(age.detach().clamp(0, AGES_READ[-1] - 1e-3), read, right=True).clamp(1, len(read) - 1)
    share = (age - read[place - 1]) / (read[place] - read[place - 1])
    corrected = likely[place - 1] + share * (likely[place] - likely[place - 1])
    return torch.cat((torch.where(age < AGES_READ[-1], corrected, age), values[:, 1:]), 1)


def to_units(values: Tensor) -> Tensor:
    """Convert the analyzer's values `[..., 10]`, or `[..., 20]` with details, to the units of the table."""
    count = values.shape[-1]
    values = torch.where(_PROBABILITIES[:count], values.sigmoid(), values)
    return torch.where(_PIXELS[:count], values.clamp(max=20).exp2(), values)


def _view(img: Tensor, mirrored: bool, left: float, top: float, size: float) -> Tensor:
    """Return a view `[n, 3, k, k]` of aligned squares `[n, 3, h, h]`."""
    side = img.shape[-1]
    x, y, k = round(left * side), round(top * side), round(size * side)
    view = img[..., y : y + k, x : x + k]
    return view.flip(3) if mirrored else view


def _calibrate(values: Tensor) -> Tensor:
    """Convert values of the second analyzer `[n, 7]` to the first one's scale."""
    pairs = torch.tensor([CALIBRATION.get(name, (0.0, 1.0)) for name in SECOND_ATTRIBUTES])
    return values * pairs[:, 1] + pairs[:, 0]
