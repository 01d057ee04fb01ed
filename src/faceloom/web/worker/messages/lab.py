"""Messages of the Lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from faceloom.store.models import Box, Quality
from faceloom.web.worker.messages.base import PersonRef, Point, Task
from faceloom.web.worker.messages.encoding import PersonFacts

AxisMethod = Literal["pca", "sefa"]


@dataclass(frozen=True)
class LayerFacts:
    """A layer's resolution in pixels and its group: coarse, middle or fine."""

    resolution: int
    group: str


@dataclass(frozen=True)
class GeneratorFacts:
    """The generator's name, resolution, layers, and the methods that discover axes."""

    name: str
    resolution: int
    layers: tuple[LayerFacts, ...]
    methods: tuple[str, ...]


@dataclass(frozen=True)
class DescribeGenerator(Task[GeneratorFacts]):
    """Describe the generator."""


@dataclass(frozen=True)
class Axis:
    """A discovered axis: its number from 1, a name by the attributes that it changes, and its share of the variance."""

    number: int
    name: str
    explained: float


@dataclass(frozen=True)
class DiscoverAxes(Task[tuple[Axis, ...]]):
    """Discover the strongest axes of a method."""

    method: AxisMethod


@dataclass(frozen=True)
class LabFace:
    """A face of the Lab: of a seed or a person, truncated, and moved along axes by standard deviations."""

    seed: int
    person: PersonRef | None
    psi: float
    cutoff: int
    method: AxisMethod
    along: tuple[tuple[int, float], ...]
    layers: str
    size: int


@dataclass(frozen=True)
class RenderLabFace(Task[bytes]):
    """Draw a face of the Lab as JPEG."""

    face: LabFace


@dataclass(frozen=True)
class DetectorTrace:
    """The boxes that passed each of the detector's three networks, and five points a face; fractions of the photo."""

    proposed: tuple[Box, ...]
    sieved: tuple[Box, ...]
    boxes: tuple[Box, ...]
    scores: tuple[float, ...]
    points: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True)
class LayerStyleFacts:
    """One layer's style: how rare it is (1 is usual), and its channels' factors against the mean face."""

    layer: int
    resolution: int
    group: str
    rarity: float
    channels: tuple[float, ...]


@dataclass(frozen=True)
class Inspection:
    """Intermediate results of the detector, LPIPS and the generator for a person."""

    detector: DetectorTrace
    distance: float
    quality: Quality
    layers: tuple[LayerStyleFacts, ...]


@dataclass(frozen=True)
class InspectPerson(Task[Inspection]):
    """Inspect a person who was encoded from `photo`."""

    person: PersonRef
    photo: str


@dataclass(frozen=True)
class RenderDistanceMap(Task[bytes]):
    """Draw a map of the LPIPS distance between photo and likeness, as JPEG."""

    person: PersonRef
    photo: str


@dataclass(frozen=True)
class DragProgress:
    """Progress of a drag: `distance` is the largest distance of a handle to its target, in fractions of the picture."""

    number: int
    distance: float
    arrived: bool
    handles: tuple[Point, ...]
    jpeg: bytes
    running: bool = True


@dataclass(frozen=True)
class Drag(Task[DragProgress]):
    """Start drag `id` (with `start`) or continue it, for some seconds. Reports DragProgress.

    `around` is the radius around the paths inside which the face may change; 0 is no limit. Lengths are fractions of
    the picture.
    """

    id: str
    start: bool
    face: LabFace
    handles: tuple[Point, ...]
    targets: tuple[Point, ...]
    around: float


@dataclass(frozen=True)
class KeepDrag(Task[PersonFacts]):
    """Store the result of drag `id` as the person's new base `base`."""

    id: str
    person: PersonRef
    base: str
