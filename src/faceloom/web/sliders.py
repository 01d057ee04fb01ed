"""Sliders and their curves: how one person responds to edits, measured at a few values and interpolated between them.

An exact edit draws and reads a dozen pictures. A curve stores the coefficients of exact edits of one attribute; a
preview adds the curves of all sliders and draws a single picture.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faceloom.analyze.attributes import MAX_PROBABILITY, SLIDERS, TABLE
from faceloom.edit.targets import compute_targets
from faceloom.store.models import Slider

Coefficients = dict[str, float]
"""Steps along directions by name, in their units, as `edit.apply.apply` takes them."""

MIN_LOGIT_STEP = 1.0  # logits between a knot and the face; nearer knots are not measured
YOUNGEST, OLDEST = 5.0, 90.0  # years: ends of the slider of age, because the generator draws no faces beyond them
POSITIONS = 20  # intervals of a slider between positions for previews: 4 years, 5 %, 3 degrees
MIN_LIMIT_PART = 0.02  # least part of a requested change at which a limit is placed, where nothing could change
UNCHANGED = 1e-3  # largest distance of a value to the neutral one at which the slider counts as unchanged


@dataclass(frozen=True)
class Knot:
    """A measured point of a curve.

    Convention: `step` is a change in the direction's unit, and `coefficients` are those of the exact edit that reached
    it. `is_limit` says that bounds stopped the edit there: larger changes have the same coefficients.
    """

    step: float
    coefficients: Coefficients
    is_limit: bool = False

    def stops(self, step: float) -> bool:
        """Return whether the knot is a limit, and `step` lies beyond it."""
        return self.is_limit and self.step * step > 0 and abs(step) > abs(self.step)


@dataclass
class SliderCurves:
    """The curves of a person.

    Convention: `before` are the attributes of the person in the directions' units (years, degrees, logits). `knots`
    holds the knots of each attribute in the order of their steps. None lies beyond a limit.
    """

    before: Mapping[str, float]
    knots: dict[str, list[Knot]] = field(default_factory=dict)

    def add_knot(self, name: str, value: float, coefficients: Mapping[str, float]) -> None:
        """Store the coefficients of an exact edit of one attribute that reached the requested value."""
        self._add(name, Knot(self.step(name, value), dict(coefficients)))

    def add_limit(self, name: str, value: float, reached: float, coefficients: Mapping[str, float]) -> None:
        """Store the coefficients of an edit to `value` that stopped at the change `reached` in the direction's unit."""
        requested = self.step(name, value)
        part = min(max(reached / requested, MIN_LIMIT_PART), 1.0) if requested else 1.0
        self._add(name, Knot(part * requested, dict(coefficients), is_limit=True))

    def _add(self, name: str, knot: Knot) -> None:
        """Add a knot in place of those that it contradicts: at the same step, beyond its limit, or limits before it."""
        others = [
            other
            for other in self.knots.get(name, [])
            if abs(other.step - knot.step) > UNCHANGED and not knot.stops(other.step) and not other.stops(knot.step)
        ]
        self.knots[name] = sorted([*others, knot], key=lambda knot: knot.step)

    def predict(self, values: Mapping[str, float]) -> Coefficients:
        """Return the coefficients that an edit to `values` would have. Raises LatentError for an invalid value."""
        total: Coefficients = {}
        for name, value in values.items():
            for direction, coefficient in self._interpolate(name, self.step(name, value)).items():
                total[direction] = total.get(direction, 0.0) + coefficient
        return total

    def missing_knots(self) -> Iterator[tuple[str, float]]:
        """Yield the knots (name, value) that are not measured yet, the most useful one first."""
        for number in range(max(len(slider.knots) for slider in SLIDERS.values())):
            for name, slider in SLIDERS.items():
                if number < len(slider.knots) and name in self.before and self._is_missing(name, slider.knots[number]):
                    yield name, slider.knots[number]

    def reach(self) -> dict[str, tuple[float, float]]:
        """Return the lowest and the highest slider value that the bounds allow, of changes where a limit was measured.

        Probabilities have words at the ends of their sliders, not values, and are left out.
        """
        reach: dict[str, tuple[float, float]] = {}
        for name, knots in self.knots.items():
            limits = [knot.step for knot in knots if knot.is_limit]
            if limits and name in SLIDERS and TABLE[name].is_change:
                low = max((step for step in limits if step < 0), default=SLIDERS[name].low)
                high = min((step for step in limits if step > 0), default=SLIDERS[name].high)
                reach[name] = (float(math.ceil(low)), float(math.floor(high)))
        return reach

    def step(self, name: str, value: float) -> float:
        """Return the change from the person's attribute to a requested value, in the direction's unit."""
        return compute_targets({name: value}, self.before)[name] - self.before.get(name, 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the curves as plain data."""
        return {
            "before": dict(self.before),
            "knots": {name: [vars(knot) for knot in knots] for name, knots in self.knots.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SliderCurves:
        """Return the curves that `to_json` wrote. Raises TypeError for the knots of versions without limits."""
        knots = {name: [Knot(**entry) for entry in entries] for name, entries in data["knots"].items()}
        return cls(dict(data["before"]), knots)

    def _is_missing(self, name: str, value: float) -> bool:
        step = self.step(name, value)
        measured = any(abs(knot.step - step) < UNCHANGED or knot.stops(step) for knot in self.knots.get(name, []))
        return not measured and abs(step) > (0.0 if TABLE[name].is_change else MIN_LOGIT_STEP)

    def _interpolate(self, name: str, step: float) -> Coefficients:
        """Interpolate between the knots on the step's side of 0, or extrapolate from the farthest one up to a limit."""
        side = sorted((knot for knot in self.knots.get(name, []) if knot.step * step > 0), key=lambda k: abs(k.step))
        if not side:
            return {name: step}
        below = Knot(0.0, {})
        for above in side:
            if abs(above.step) >= abs(step):
                part = (step - below.step) / (above.step - below.step)
                return _mix_coefficients(below.coefficients, above.coefficients, part)
            below = above
        return _mix_coefficients({}, below.coefficients, 1.0 if below.is_limit else step / below.step)


def changed_values(values: Mapping[str, float], neutral: Mapping[str, float]) -> dict[str, float]:
    """Return the values that differ from the neutral ones, with probabilities limited to what an edit can reach."""
    limited = {
        name: value if TABLE[name].is_change else limit_probability(value, neutral.get(name, 0.5))
        for name, value in values.items()
    }
    return {name: value for name, value in limited.items() if abs(value - neutral.get(name, 0.0)) > UNCHANGED}


def neutral_slider_values(traits: Mapping[str, float]) -> dict[str, float]:
    """Return the slider values that change nothing: no years, no degrees, and the person's own probabilities."""
    return {name: 0.0 if TABLE[name].is_change else round(traits.get(name, 0.0), 3) for name in SLIDERS}


def make_sliders(traits: Mapping[str, float], movable: Collection[str]) -> list[Slider]:
    """Return the sliders of a person with these attributes, for the attributes that the generator can move."""
    neutral = neutral_slider_values(traits)
    sliders = [
        Slider.model_validate(
            {"name": name, "min": slider.low, "max": slider.high, "unit": TABLE[name].unit, "me": neutral[name]}
        )
        for name, slider in SLIDERS.items()
        if name in movable
    ]
    if "age" not in traits:
        return sliders
    ages = (math.ceil(YOUNGEST - traits["age"]), math.floor(OLDEST - traits["age"]))
    return clamp_sliders(sliders, {"age": (float(ages[0]), float(ages[1]))})


def clamp_sliders(sliders: Iterable[Slider], reach: Mapping[str, tuple[float, float]]) -> list[Slider]:
    """Return sliders whose ends are within the reach of a person; the value `me` stays between the ends."""
    clamped = []
    for slider in sliders:
        low, high = reach.get(slider.name, (slider.min, slider.max))
        ends = {"min": min(max(slider.min, low), slider.me), "max": max(min(slider.max, high), slider.me)}
        clamped.append(slider.model_copy(update=ends) if ends["min"] < ends["max"] else slider)
    return clamped


def snap_to_position(name: str, value: float) -> float:
    """Return the slider position that is nearest to a value. Previews are drawn at these positions."""
    low, high = SLIDERS[name].low, SLIDERS[name].high
    interval = (high - low) / POSITIONS
    return round(low + round((value - low) / interval) * interval, 4)


def slider_positions(name: str, around: float) -> list[float]:
    """Return all positions of a slider, those nearest to the value `around` first."""
    low, high = SLIDERS[name].low, SLIDERS[name].high
    positions = [round(low + i * (high - low) / POSITIONS, 4) for i in range(POSITIONS + 1)]
    return sorted(positions, key=lambda position: abs(position - around))


def limit_probability(value: float, neutral: float) -> float:
    """Return a probability that an edit can reach. It never pulls back a face that is already beyond the limit."""
    if value >= neutral > MAX_PROBABILITY or value <= neutral < 1 - MAX_PROBABILITY:
        return neutral
    return min(max(value, 1 - MAX_PROBABILITY), MAX_PROBABILITY)


def _mix_coefficients(a: Coefficients, b: Coefficients, part: float) -> Coefficients:
    """Return (1 - part) * a + part * b, without numbers that are not finite."""
    mixed = {name: (1 - part) * a.get(name, 0.0) + part * b.get(name, 0.0) for name in {**a, **b}}
    return {name: value for name, value in mixed.items() if math.isfinite(value)}
