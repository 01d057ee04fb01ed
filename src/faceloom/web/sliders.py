"""Sliders that answer at once: how one person answers to steering, measured at a few places, interpolated between.

Exact steering looks at a dozen pictures before it answers. A rail remembers what it came to at some strengths of one
attribute; a preview adds rails up and costs a single picture. Knows numbers only.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faceloom.analyze.attributes import MAX_PROBABILITY, SLIDERS, TABLE
from faceloom.edit.targets import compute_targets

Coefficients = dict[str, float]
"""Steps along directions by name, in their units, as `edit.steer.apply` takes them."""

APART = 1.0  # logits that a knot must be away from what the person shows already
PLACES = 20  # that a slider is divided into for previews: 4 years, 5 %, 3 degrees
SAME = 1e-3  # a slider this near to where the person is, is not touched


@dataclass
class SliderCurves:
    """What is known of a person: `before` are the attributes in the directions' units, `knots` by attribute the steps
    (how far the wished attribute moves, in its unit) and the coefficients that brought it there.
    """

    before: Mapping[str, float]
    knots: dict[str, list[tuple[float, Coefficients]]] = field(default_factory=dict)

    def learn(self, name: str, wish: float, coefficients: Mapping[str, float]) -> None:
        """Remember what steering one attribute came to."""
        step = self.step(name, wish)
        others = [knot for knot in self.knots.get(name, []) if abs(knot[0] - step) > SAME]
        self.knots[name] = sorted([*others, (step, dict(coefficients))], key=lambda knot: knot[0])

    def coefficients(self, wishes: Mapping[str, float]) -> Coefficients:
        """What wishes would come to, without looking. Raises LatentError for a wish that is unknown or out of range."""
        total: Coefficients = {}
        for name, wish in wishes.items():
            for direction, value in self._along(name, self.step(name, wish)).items():
                total[direction] = total.get(direction, 0.0) + value
        return total

    def missing(self) -> Iterator[tuple[str, float]]:
        """The knots that are still to be measured, the most wanted first."""
        for place in range(max(len(slider.knots) for slider in SLIDERS.values())):
            for name, slider in SLIDERS.items():
                if place < len(slider.knots) and name in self.before and self._wanted(name, slider.knots[place]):
                    yield name, slider.knots[place]

    def step(self, name: str, wish: float) -> float:
        """How far a wish is from what the person shows, in the direction's unit."""
        return compute_targets({name: wish}, self.before)[name] - self.before.get(name, 0.0)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"before": dict(self.before), "knots": self.knots}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SliderCurves:
        """From plain data."""
        knots = {name: [(float(step), dict(found)) for step, found in known] for name, known in data["knots"].items()}
        return cls(dict(data["before"]), knots)

    def _wanted(self, name: str, wish: float) -> bool:
        step = self.step(name, wish)
        known = any(abs(knot - step) < SAME for knot, _ in self.knots.get(name, []))
        return not known and abs(step) > (0.0 if TABLE[name].is_change else APART)

    def _along(self, name: str, step: float) -> Coefficients:
        """Between the knots on this side of the person, or as far beyond the last as its steps were long."""
        side = sorted((knot for knot in self.knots.get(name, []) if knot[0] * step > 0), key=lambda knot: abs(knot[0]))
        if not side:
            return {name: step}
        below: tuple[float, Coefficients] = (0.0, {})
        for above in side:
            if abs(above[0]) >= abs(step):
                return _between(below, above, (step - below[0]) / (above[0] - below[0]))
            below = above
        return _between((0.0, {}), below, step / below[0])


def touched(wishes: Mapping[str, float], me: Mapping[str, float]) -> dict[str, float]:
    """The wishes that ask for something: those away from where the person is already, as steering can aim at them."""
    aimed = {name: wish if TABLE[name].is_change else sure(wish, me.get(name, 0.5)) for name, wish in wishes.items()}
    return {name: wish for name, wish in aimed.items() if abs(wish - me.get(name, 0.0)) > SAME}


def neutral(traits: Mapping[str, float]) -> dict[str, float]:
    """Where each slider stands when nothing was asked for: no years, no degrees, and the person's own smile."""
    return {name: 0.0 if TABLE[name].is_change else round(traits.get(name, 0.0), 3) for name in SLIDERS}


def sliders(traits: Mapping[str, float], movable: Collection[str]) -> list[dict[str, Any]]:
    """What a page needs to draw the sliders of what the generator can move: name, range, unit, and where 'me' is."""
    me = neutral(traits)
    return [
        {"name": name, "min": slider.low, "max": slider.high, "unit": TABLE[name].unit, "me": me[name]}
        for name, slider in SLIDERS.items()
        if name in movable
    ]


def snapped(name: str, wish: float) -> float:
    """The nearest of the places of a slider at which previews are drawn."""
    low, high = SLIDERS[name].low, SLIDERS[name].high
    step = (high - low) / PLACES
    return round(low + round((wish - low) / step) * step, 4)


def places(name: str, around: float) -> list[float]:
    """Every place of a slider, the nearest first."""
    low, high = SLIDERS[name].low, SLIDERS[name].high
    every = [round(low + i * (high - low) / PLACES, 4) for i in range(PLACES + 1)]
    return sorted(every, key=lambda place: abs(place - around))


def sure(wish: float, me: float) -> float:
    """A probability that steering can aim at; nobody who is surer already is made less so by asking for more."""
    if wish >= me > MAX_PROBABILITY or wish <= me < 1 - MAX_PROBABILITY:
        return me
    return min(max(wish, 1 - MAX_PROBABILITY), MAX_PROBABILITY)


def _between(a: tuple[float, Coefficients], b: tuple[float, Coefficients], part: float) -> Coefficients:
    names = {**a[1], **b[1]}
    mixed = {name: (1 - part) * a[1].get(name, 0.0) + part * b[1].get(name, 0.0) for name in names}
    return {name: value for name, value in mixed.items() if math.isfinite(value)}
