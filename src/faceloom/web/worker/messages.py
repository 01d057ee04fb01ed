"""Messages between the server and its worker process: one frozen dataclass a task. Imports nothing heavy.

A task is a request of type `Task[Result]`: `result = await client.run(Encode(...))` has the type that `Encode` names.
The table in `tasks.py` names the function that runs each task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from faceloom.errors import FaceloomError
from faceloom.store.models import Box, EditOutcome, Failure, PhotoFace, Quality, Slider

Result = TypeVar("Result", covariant=True)
AttributeValues = Mapping[str, float]
"""Values by attribute name, in the units of `analyze.attributes`."""

Point = tuple[float, float]
"""(x, y) as fractions of the picture's sides, 0...1; the origin is the top left corner."""


class Priority(IntEnum):
    """Priority of a task; the task with the lowest value runs first.

    PREVIEW and INTERACTIVE have a thread each. The others share one thread. From PRERENDER on, a task is canceled when
    a task with a lower value waits for that thread.
    """

    PREVIEW = -2
    INTERACTIVE = -1
    ENCODE = 0
    FILM = 1
    CALIBRATE = 2
    PRERENDER = 3
    IMPROVE = 4


class WorkerError(FaceloomError):
    """An error that the worker reported: `failure.code` is its code."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, failure.hint)
        self.failure = failure

    @property
    def code(self) -> str:
        """The code of the failure."""
        return self.failure.code


@dataclass(frozen=True)
class PersonRef:
    """A reference to a person in a folder of a visit: a base latent code, moved by coefficients.

    `base` is `''` for the likeness as encoded, or the number of a base that was made by mixing or dragging. `edited`
    names the attributes that the coefficients edit: the picture changes only in their regions.
    """

    folder: str
    person: str
    base: str = ""
    coefficients: AttributeValues = field(default_factory=dict)
    edited: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The path of the base's likeness file."""
        return Path(self.folder) / f"{self.person}{'.' if self.base else ''}{self.base}.likeness"

    @property
    def encoded_path(self) -> Path:
        """The path of the likeness as encoded, which holds the tuned weights for all bases of the person."""
        return Path(self.folder) / f"{self.person}.likeness"


class Task(Generic[Result]):
    """A task for the worker; `Result` is the type of its result."""


# -- photos -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenedPhoto:
    """The faces of a photo, largest first; `size` is (width, height) in pixels."""

    faces: tuple[PhotoFace, ...]
    size: tuple[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class OpenPhoto(Task[OpenedPhoto]):
    """Decode an uploaded photo, store its pixels as `folder/name`, and detect the faces."""

    folder: str
    name: str
    data: bytes


@dataclass(frozen=True)
class FrameFace:
    """A face in a camera frame: left, top, width and height as fractions of the frame."""

    box: Box


@dataclass(frozen=True)
class DetectInFrame(Task[tuple[FrameFace, ...]]):
    """Detect the faces in one camera frame; the frame is not stored."""

    data: bytes


@dataclass(frozen=True)
class AnalyzedPhotoFace:
    """A face of a stored photo and its attributes."""

    number: int
    box: Box
    traits: dict[str, float]


@dataclass(frozen=True)
class AnalyzePhoto(Task[tuple[AnalyzedPhotoFace, ...]]):
    """Read the attributes of every face of a stored photo."""

    folder: str
    photo: str


# -- encoding ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonFacts:
    """Facts about a new base that the booth stores: quality, attributes, sliders, and the seconds of encoding."""

    quality: Quality
    traits: dict[str, float]
    sliders: tuple[Slider, ...]
    seconds: float


@dataclass(frozen=True)
class EncodeProgress:
    """Progress of an encoding. With `crop`, the aligned crop was just written, and nothing else is set."""

    crop: bool = False
    seconds: float = 0.0
    seconds_left: float = 0.0
    identity: float | None = None
    jpeg: bytes = b""


@dataclass(frozen=True)
class Encode(Task[PersonFacts]):
    """Encode one face of a stored photo within `seconds`. Reports EncodeProgress."""

    folder: str
    photo: str
    face: int
    person: str
    seconds: float


@dataclass(frozen=True)
class Improved:
    """The quality after a slice of improvement, and the seconds that it took."""

    quality: Quality
    seconds: float


@dataclass(frozen=True)
class Improve(Task[Improved]):
    """Continue pivotal tuning for `seconds`; the latent code stays."""

    folder: str
    photo: str
    person: str
    seconds: float


# -- pictures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview(Task[bytes]):
    """Predict and draw the face at slider `values`, without steering.

    The prediction starts from `person`, who was edited to the values `anchor`.
    """

    person: PersonRef
    anchor: AttributeValues
    values: AttributeValues
    size: int


@dataclass(frozen=True)
class Prerender(Task[None]):
    """Draw the previews of all positions of some sliders in advance; `refresh` drops the previews drawn before."""

    person: PersonRef
    anchor: AttributeValues
    sliders: tuple[str, ...]
    refresh: bool


@dataclass(frozen=True)
class Render(Task[bytes]):
    """Draw a person as JPEG; `size` None is the generator's own size. Without `marked` the picture has no marks."""

    person: PersonRef
    size: int | None = None
    marked: bool = True


@dataclass(frozen=True)
class RenderBetween(Task[bytes]):
    """Draw the face between two people, `t` 0...1."""

    a: PersonRef
    b: PersonRef
    t: float
    size: int


@dataclass(frozen=True)
class RenderSeed(Task[bytes]):
    """Draw the generated face of a seed."""

    seed: int
    psi: float
    size: int


LabelPlace = Literal["bottom right", "bottom left", "top right", "top left"]


@dataclass(frozen=True)
class VisibleLabel:
    """The label in a picture that says that it is AI-generated: its words and its corner."""

    text: str = "AI-generated with faceloom"
    place: LabelPlace = "bottom right"
    shown: bool = True


@dataclass(frozen=True)
class FilmProgress:
    """The part of a film that is drawn, 0...1."""

    progress: float


@dataclass(frozen=True)
class MakeFilm(Task[str]):
    """Write a film that morphs through people and back; the result is the file's name. Reports FilmProgress.

    `path` has no suffix: the suffix depends on which encoders are installed.
    """

    people: tuple[PersonRef, ...]
    path: str
    frames: int
    size: int
    label: VisibleLabel = VisibleLabel()


ShowKind = Literal["reveal", "boomerang"]
"""A film of one person: from a child to an old face, or a smile there and back."""


@dataclass(frozen=True)
class MakeShow(Task[str]):
    """Write a short film of one person, who was edited to the values `anchor`; the result is the file's name.

    `animated` writes an animated WebP instead of MP4. Reports FilmProgress.
    """

    person: PersonRef
    anchor: AttributeValues
    kind: ShowKind
    path: str
    size: int
    animated: bool = False
    label: VisibleLabel = VisibleLabel()


# -- the live mirror --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A person as the mirror shows them: `years` older or younger, mixed with a friend (`mix` 1 is the friend).

    The person was edited to the values `anchor`.
    """

    person: PersonRef
    anchor: AttributeValues = field(default_factory=dict)
    years: float = 0.0
    friend: PersonRef | None = None
    mix: float = 1.0


@dataclass(frozen=True)
class LivePicture:
    """A picture of the mirror as JPEG, and whether a face was seen in the camera's frame."""

    jpeg: bytes
    has_face: bool


@dataclass(frozen=True)
class DrawLive(Task[LivePicture]):
    """Draw a person with the pose, smile, lips, eyes and brows of a camera's frame, which is not stored.

    `viewer` names the stream whose motion is smoothed: the visit.
    """

    viewer: str
    look: Look
    frame: bytes
    size: int


@dataclass(frozen=True)
class PrintSize:
    """Width and height of a print in pixels."""

    width: int
    height: int


PrintForm = Literal["single", "strip", "4x6", "paste_back"]
PrintTemplate = Literal["portrait", "landscape"]
MAIN_PLACE = 50.0
"""Place of the main picture on the paper of a print."""


@dataclass(frozen=True)
class PrintStep:
    """A picture that may stand beside the main one: a person, moved to `values` as the slider curves predict it.

    `place` orders the pictures on the paper: the photo has place 0, and the main picture has MAIN_PLACE.
    """

    person: PersonRef
    place: float
    values: AttributeValues = field(default_factory=dict)


@dataclass(frozen=True)
class PrintDesign:
    """The look of paper: its texts and colors (as #rrggbb), and the paths of the logo and of the frame, or ''.

    The frame is laid over the paper, from edge to edge.
    """

    event: str = ""
    date: str = ""
    paper: str = "#ffffff"
    ink: str = "#201e1c"
    template: PrintTemplate = "portrait"
    logo: str = ""
    frame: str = ""
    label: str = VisibleLabel.text


@dataclass(frozen=True)
class MakePrint(Task[PrintSize]):
    """Write a picture for the visitor to `path`.

    `steps` are candidates for the pictures beside the main one, the most important one first. `anchor` holds the slider
    values to which `person` was edited.
    """

    person: PersonRef
    steps: tuple[PrintStep, ...]
    form: PrintForm
    path: str
    photo: str | None
    anchor: AttributeValues = field(default_factory=dict)
    design: PrintDesign = PrintDesign()
    label: VisibleLabel = VisibleLabel()


# -- marks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VerifiedLayer:
    """One layer of marks in a file: its state, and a sentence about it."""

    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class Verified:
    """The marks in a file: the verdict, its layers, and what they say about the making; '' where they do not."""

    verdict: str
    layers: tuple[VerifiedLayer, ...]
    kind: str
    generator: str
    day: str


@dataclass(frozen=True)
class VerifyUpload(Task[Verified]):
    """Read the marks of a picture, film or likeness. The file is not stored."""

    data: bytes


# -- edits ------------------------------------------------------------------------------------------------------------


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
    design: PrintDesign = PrintDesign()


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


# -- the Lab ----------------------------------------------------------------------------------------------------------

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


# -- the envelope -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """A task, with the facts that decide its place in the queue.

    Among waiting requests with the same `key`, the one with the highest `sequence` replaces the others. `client` is the
    visit, or the address, that takes turns with others; '' is the visit.
    """

    id: int
    task: Task[Any]
    priority: Priority = Priority.INTERACTIVE
    visit: str = ""
    key: str = ""
    sequence: int = 0
    client: str = ""


@dataclass(frozen=True)
class Cancel:
    """Cancel request `id`."""

    id: int


@dataclass(frozen=True)
class Forget:
    """Cancel the requests of `visit`, and drop everything cached of `folder`, or of its files that begin with `prefix`.

    Afterwards the worker writes none of these files. The answer is Done.
    """

    id: int
    visit: str
    folder: str
    prefix: str = ""


@dataclass(frozen=True)
class Quit:
    """End the worker."""


@dataclass(frozen=True)
class Ready:
    """Facts of a worker that is ready: the generator's name, whether it has sliders, and the number of workers."""

    generator: str
    sliders: bool
    workers: int = 1


@dataclass(frozen=True)
class CannotStart:
    """The worker cannot start."""

    failure: Failure


@dataclass(frozen=True)
class Progress:
    """Progress of request `id`."""

    id: int
    report: Any


@dataclass(frozen=True)
class Done:
    """Request `id` is done."""

    id: int
    result: Any


@dataclass(frozen=True)
class Failed:
    """Request `id` failed."""

    id: int
    failure: Failure


ToWorker = Request | Cancel | Forget | Quit
FromWorker = Ready | CannotStart | Progress | Done | Failed
