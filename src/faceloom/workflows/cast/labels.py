"""Labels of pictures: what several networks read from them, how far they differ, and how sure a label is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from faceloom.analyze.attributes import TABLE
from faceloom.analyze.ensemble import MAX_SPREAD, correct_ages, read_latents, read_opinions, to_units
from faceloom.analyze.skin import skin_tone
from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.checkpoints.shipped import load_analyzer, load_latent_reader, load_second_analyzer
from faceloom.edit.search import GUESS_WEIGHT
from faceloom.latents import W
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS
from faceloom.workflows.cast.ranges import Range
from faceloom.workflows.studio import Studio

READ = (*ATTRIBUTES, *DETAILS)
LABELED = tuple(name for name in (*READ, "skin_tone") if name not in ("roll", "sharpness"))
"""The attributes that every picture is labeled with."""

MIN_SPREAD: Mapping[str, float] = {"years": 2.0, "degrees": 2.0, "probability": 0.05, "points": 1.0}
"""Least standard deviation by unit: networks that agree are not free of error."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of one picture.

    Convention: `values` and `spreads` by attribute, in the units of the table; the spread is a standard deviation over
    networks and views, and is missing where there is one reading only. `identity [128]` has unit length.
    """

    values: Mapping[str, float]
    spreads: Mapping[str, float]
    identity: Tensor

    def agree(self, ranges: Sequence[Range]) -> bool:
        """Return whether the readings agree on the attributes of the ranges."""
        return all(self.spread_use(part.attribute) <= 1 for part in ranges)

    def spread_use(self, name: str) -> float:
        """Return the spread of an attribute as a part of the largest that counts as agreement."""
        limit = MAX_SPREAD.get(TABLE[name].unit, math.inf)
        return self.spreads.get(name, 0.0) / limit

    def meet(self, ranges: Sequence[Range]) -> bool:
        """Return whether the picture lies in all ranges, and the readings agree about it."""
        return all(part.holds(self.values[part.attribute]) for part in ranges) and self.agree(ranges)

    def facts(self) -> dict[str, Any]:
        """Return the labels as columns of a table: NAME, NAME_spread and NAME_confidence for probabilities."""
        columns: dict[str, Any] = {}
        for name in LABELED:
            digits = 3 if TABLE[name].unit == "probability" else 1
            columns[name] = round(self.values[name], digits)
            if name in self.spreads:
                columns[f"{name}_spread"] = round(self.spreads[name], digits)
            if TABLE[name].unit == "probability":
                columns[f"{name}_confidence"] = round(self.confidence(name), 3)
        return columns

    def confidence(self, name: str) -> float:
        """Return the probability that the side of 0.5 on which an attribute lies is right, with normal errors."""
        spread = max(self.spreads.get(name, 0.0), MIN_SPREAD[TABLE[name].unit])
        return 0.5 * (1 + math.erf(abs(self.values[name] - 0.5) / spread / math.sqrt(2)))


class LabelReader:
    """The networks that label pictures of one generator."""

    def __init__(self, studio: Studio) -> None:
        self.analyzer, self.second = load_analyzer(), load_second_analyzer()
        self.latent_reader = load_latent_reader() if studio.generator.name == DEFAULT_GENERATOR else None

    @torch.no_grad()
    def read(self, img: Tensor, w: W | None = None) -> Labels:
        """Label a picture `[1, 3, 256, 256]`; `w [1, w_dim]` is its style where one style draws all of it.

        The latent's own reading is a third opinion about the attributes that it shows.
        """
        opinions = read_opinions(self.analyzer, self.second, img)
        values, spread = opinions.reading.attributes, opinions.spread
        if w is not None and self.latent_reader is not None:
            guessed = read_latents(self.latent_reader, w)
            apart = to_units(guessed) - opinions.mean
            # the sample variance of three opinions, two of which have the mean and the spread that were read
            spread = torch.where(apart.isnan(), spread, (spread.square() / 2 + apart.square() / 3).sqrt())
            values = torch.where(guessed.isnan(), values, values.lerp(guessed.nan_to_num(), GUESS_WEIGHT))
        means = to_units(torch.cat((correct_ages(values), opinions.reading.details), 1))[0].tolist()
        spreads = torch.cat((spread, opinions.details_spread), 1)[0].tolist()
        by_name = dict(zip(READ, means, strict=True))
        by_name |= {"age": max(by_name["age"], 0.0), "skin_tone": float(skin_tone(img))}
        return Labels(by_name, dict(zip(READ, spreads, strict=True)), opinions.reading.identity[0])
