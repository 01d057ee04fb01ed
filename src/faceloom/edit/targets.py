"""Targets of an edit: requested values such as '+20 years' or 'a smile of 80 %' turned into the analyzer's units."""

from __future__ import annotations

import math
from collections.abc import Mapping

from faceloom.analyze.attributes import EDITABLE, TABLE
from faceloom.errors import LatentError

CLEARLY_YES, CLEARLY_NO = 0.8, 0.2  # requested probabilities from which more of the same is welcome


def compute_targets(values: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Turn requested values into the values that a face should reach, in the analyzer's units (years, degrees, logits).

    Convention: `values` as in the table of attributes: changes of age, yaw and pitch, probabilities 0...1 of the
    others; `before` is what the face shows, in the analyzer's units.
    Raises LatentError for an attribute that cannot be edited, and for a value out of range.
    """
    return {name: _target(name, value, before.get(name, math.nan)) for name, value in values.items()}


def drop_met(values: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Return the requested values that a face does not meet yet.

    Convention: both in the units of the table of attributes. A requested probability of at least 0.8 is a minimum, one
    of at most 0.2 is a maximum, and one in between is the value itself.
    """
    return {name: value for name, value in values.items() if not _is_met(name, value, before.get(name, math.nan))}


def _is_met(name: str, value: float, before: float) -> bool:
    if name not in EDITABLE or EDITABLE[name].is_change:
        return value == 0
    return before >= value >= CLEARLY_YES or before <= value <= CLEARLY_NO


def to_units(values: Mapping[str, float]) -> dict[str, float]:
    """Convert the analyzer's values to the units of the table of attributes: logits become probabilities."""
    return {name: 1 / (1 + math.exp(-x)) if is_probability(name) else x for name, x in values.items()}


def is_probability(name: str) -> bool:
    """Return whether an attribute is a probability, which the analyzer reads as a logit."""
    return name in TABLE and TABLE[name].unit == "probability"


def least_progress(name: str) -> float:
    """Return the part of the requested change below which an edit is better not made: 0 without such a limit.

    Half a pair of glasses is worse than none, and lips that do not part are a grimace. A probability that hardly moves
    has side effects only.
    """
    row = TABLE.get(name)
    return 0.0 if row is None or row.is_change else row.least_progress


def longest_step(name: str, change: float) -> float:
    """Return the longest step upwards that an edit may take along an attribute's direction, in the attribute's unit.

    It is as long as the requested change where that is longer. Faces that respond weakly, as those of old people to
    years, would otherwise be torn for the last part of a change. Steps down, as to fewer years, do not tear.
    """
    row = TABLE.get(name)
    return math.inf if row is None else max(row.longest_step, change)


def _target(name: str, value: float, before: float) -> float:
    attribute = EDITABLE.get(name)
    if attribute is None:
        raise LatentError(f"faceloom cannot edit '{name}'", f"it edits {', '.join(EDITABLE)}")
    if attribute.is_change:
        if not abs(value) <= attribute.limit:
            raise LatentError(f"{name} {value:+g} is out of range", f"give at most {attribute.limit:g} either way")
        return before + value
    if not 0 <= value <= 1:
        raise LatentError(f"{name} {value:g} is out of range", "give a probability from 0 to 1, as 0.8")
    p = min(max(value, 1 - attribute.limit), attribute.limit)
    return math.log(p / (1 - p))
