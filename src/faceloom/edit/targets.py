"""From what people say to where steering must go: '+20 years', 'a smile of 80 %'. Knows numbers only."""

from __future__ import annotations

import math
from collections.abc import Mapping

from faceloom.errors import LatentError

CHANGES = {"age": 60.0, "yaw": 40.0, "pitch": 30.0}
"""Said as a change; the number is the largest that makes sense, in years or degrees."""

PROBABILITIES = ("smile", "gender", "glasses", "mouth_open", "eyes_open")
"""Said as the probability, 0...1, that whoever looks would say yes; held as its logit."""

SURE = 0.97  # nobody can be made surer: the logit has no end


def targets(wishes: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Turn wishes into values that a face should come to, in the analyzer's units (years, degrees, logits).

    Raises LatentError for a wish that is not known or out of range.
    """
    return {name: _target(name, wish, before.get(name, math.nan)) for name, wish in wishes.items()}


def in_units(values: Mapping[str, float]) -> dict[str, float]:
    """Tell the analyzer's values as people say them: logits as probabilities."""
    return {name: 1 / (1 + math.exp(-x)) if name in PROBABILITIES else x for name, x in values.items()}


def _target(name: str, wish: float, before: float) -> float:
    if name in PROBABILITIES:
        if not 0 <= wish <= 1:
            raise LatentError(f"{name} {wish:g} is out of range", "give a probability from 0 to 1, as 0.8")
        p = min(max(wish, 1 - SURE), SURE)
        return math.log(p / (1 - p))
    if name not in CHANGES:
        known = ", ".join((*CHANGES, *PROBABILITIES))
        raise LatentError(f"faceloom cannot steer '{name}'", f"it steers {known}")
    if not abs(wish) <= CHANGES[name]:
        raise LatentError(f"{name} {wish:+g} is out of range", f"give at most {CHANGES[name]:g} either way")
    return before + wish
