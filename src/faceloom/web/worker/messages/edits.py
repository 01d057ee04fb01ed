"""Messages of tasks that edit, mix and generate people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faceloom.store.models import EditOutcome
from faceloom.web.worker.messages.base import AttributeValues, PersonRef, Task
from faceloom.web.worker.messages.encoding import PersonFacts
from faceloom.web.worker.messages.prints import PrintDesign, PrintSize

Reach = Mapping[str, tuple[float, float]]
"""The lowest and the highest value that edits of one slider reached within the bounds, by slider, where known."""


@dataclass(frozen=True)
class Edited:
    """An edit: its coefficients and outcome, the attributes and the identity similarity after it, and the reach."""

    coefficients: dict[str, float]
    after: dict[str, float]
    identity: float
    outcome: EditOutcome
    reach: Reach = field(default_factory=dict)


@dataclass(frozen=True)
class Edit(Task[Edited]):
    """Steer a person's base to attribute values within the bounds of the table of attributes; `force` lifts them."""

    person: PersonRef
    values: AttributeValues
    force: bool = False


@dataclass(frozen=True)
class Calibrated:
    """A step of the calibration: whether a knot was missing, and the reach of the sliders measured so far."""

    was_missing: bool
    reach: Reach


@dataclass(frozen=True)
class CalibrateSlider(Task[Calibrated]):
    """Measure one more knot of the slider curves, if one is missing."""

    person: PersonRef


@dataclass(frozen=True)
class Mix(Task[PersonFacts]):
    """Replace some layers of a person with those of another person or of a seed, as the new base `base`."""

    person: PersonRef
    other: PersonRef | int
    layers: str
    base: str


@dataclass(frozen=True)
class Child:
    """A child: the share of parent `b`, 0...1, by layer group, and the facts of a new base."""

    inherited: dict[str, float]
    facts: PersonFacts


@dataclass(frozen=True)
class MakeFamily(Task[PrintSize]):
    """Write a family portrait to `path`: the parents above, the children below."""

    parents: tuple[PersonRef, PersonRef]
    children: tuple[PersonRef, ...]
    path: str
    design: PrintDesign = field(default_factory=PrintDesign)


@dataclass(frozen=True)
class MakeChild(Task[Child]):
    """Make child `number` of two people at an age in years, and store it as `person`.

    `balance` is 0 for a child that takes after `a`, 1 for one that takes after `b`.
    """

    a: PersonRef
    b: PersonRef
    seed: int
    number: int
    folder: str
    person: str
    age: float = 6.0
    balance: float = 0.5


@dataclass(frozen=True)
class Generate(Task[PersonFacts]):
    """Generate a face from a seed and store it as `person`."""

    folder: str
    person: str
    seed: int
    psi: float
