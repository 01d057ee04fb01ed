"""Models of the REST API's answers and events. `build_views` builds them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from faceloom.store.models import (
    Box,
    Consent,
    DownloadForm,
    EditOutcome,
    Failure,
    PhotoFace,
    Quality,
    Slider,
    VisitState,
)
from faceloom.web.settings import CameraChoice, PublicSettings

API = "/api/v1"
"""Prefix of every address of the REST API."""

DragState = Literal["running", "stopped", "done", "failed"]


class View(BaseModel):
    """An answer of the REST API."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class ErrorBody(View):
    """The body of every error response."""

    error: Failure


# -- the server -------------------------------------------------------------------------------------------------------


class HealthView(View):
    """Readiness of the worker; `error` is the reason why it cannot start."""

    ready: bool
    error: Failure | None


class BoothView(PublicSettings):
    """Facts that every page reads: settings, whether the worker is ready, and whether phones reach the booth.

    `camera` is the camera for this page: `browser` on every screen except the booth's own.
    """

    ready: bool
    lan: bool
    styles: list[str] = Field(description="Names of the styles that a person can be drawn in")
    camera: CameraChoice


# -- visits and people ------------------------------------------------------------------------------------------------


class PictureView(View):
    """A picture: the id of what it shows, and its address."""

    id: str
    image: str


class PersonView(View):
    """A person of the visit."""

    id: str
    number: int
    playable: bool = Field(description="Whether the likeness is ready to be edited")
    better: bool = Field(description="Whether the likeness is still being improved in the background")
    error: Failure | None
    image: str = Field(description="Address of the current picture")
    found: str | None = Field(description="Address of the picture as encoded, before any edit")
    crop: str | None = Field(description="Address of the aligned crop of the photo")
    preview: str = Field(description="Address of previews; slider values are its query parameters")
    quality: Quality
    traits: dict[str, float] = Field(description="Attributes of the current picture")
    sliders: list[Slider]
    controls: dict[str, float] = Field(description="Requested value of every slider")
    outcome: EditOutcome = Field(description="Outcome of the edit to these values")
    style: str = Field(description="Name of the style of the picture; empty for a photo")
    can_undo: bool
    can_redo: bool
    kept: list[PictureView] = Field(description="Steps that the visitor kept")
    lineage: list[str] = Field(description="Ids of the parents and of their ancestors")


class VisitView(View):
    """A visit: everything that a page needs to show its current screen."""

    id: str
    state: VisitState
    expires: str = Field(description="Time at which the visit is erased, ISO 8601, UTC")
    seconds_left: int
    consent: Consent | None
    photo: str | None = Field(description="Address of the photo")
    size: tuple[int, int] | None = Field(description="Width and height of the photo in pixels")
    faces: list[PhotoFace]
    notes: list[str]
    people: list[PersonView]
    friends: list[PictureView] = Field(description="People of visits that joined this one; they cannot be edited here")
    phone: str | None = Field(description="Address of the page on which a phone can send the photo")


class WipedView(View):
    """A visit that is over and erased."""

    state: Literal["wiped"] = "wiped"


class WipePendingView(WipedView):
    """A visit that is over, of which something could not be erased yet: the booth tries again every few seconds."""

    pending: Literal[True] = True


class ChildrenView(View):
    """The children of two people."""

    children: list[PersonView]


class FriendCodeView(View):
    """A code with which another visit can join, and the seconds for which it is valid."""

    code: str
    seconds: float


class ExportCodeView(View):
    """A code with which a phone can take the visitor's own data."""

    page: str = Field(description="Address of the page that offers the data")
    qr: str = Field(description="Address of the QR code of that page")
    reachable: bool = Field(description="Whether a phone reaches the page; otherwise only this machine does")
    expires: str = Field(description="Time at which the code expires, ISO 8601, UTC; it ends with the visit, too")


class ExportView(View):
    """The data of a visit that a code leads to."""

    file: str = Field(description="Address of the zip")
    expires: str = Field(description="Time at which the address expires, ISO 8601, UTC")


class ShutterView(View):
    """The shutter button of the booth was pressed."""

    pressed: Literal[True] = True


class FriendCountView(View):
    """The number of visits that joined this one."""

    friends: int


class PhoneView(View):
    """The state of the visit for which a phone sent a photo."""

    state: VisitState


# -- photos -----------------------------------------------------------------------------------------------------------


class FrameFaceView(View):
    """A face in a camera frame: left, top, width and height as fractions of the frame."""

    box: Box


class FrameFacesView(View):
    """The faces in a camera frame."""

    faces: list[FrameFaceView]


class DetectedView(View):
    """The faces of a photo, largest first; `size` is width and height of the photo in pixels."""

    faces: list[PhotoFace]
    size: tuple[int, int]
    notes: list[str]


class VerifiedLayerView(View):
    """One layer of marks in a file: its state, and a sentence about it."""

    name: str
    state: str
    detail: str


class VerifiedView(View):
    """The marks in a file: the verdict, its layers, and what they say about the making; '' where they do not."""

    verdict: str
    layers: list[VerifiedLayerView]
    kind: str
    generator: str
    day: str


class AnalyzedFaceView(View):
    """A face of a photo and its attributes."""

    number: int
    box: Box
    traits: dict[str, float]


class AnalyzedView(View):
    """The attributes of every face of a photo, the largest face first."""

    faces: list[AnalyzedFaceView]
    size: tuple[int, int]
    notes: list[str]


# -- events -----------------------------------------------------------------------------------------------------------


class ProgressView(View):
    """Progress of an encoding; `quality` is the identity similarity to the photo, 0...1."""

    person: str
    seconds: float
    seconds_left: float
    quality: float | None
    word: str | None
    image: str
    playable: bool


class QueueView(View):
    """The number of encodings before the visit's own."""

    place: int


# -- downloads and the gallery ----------------------------------------------------------------------------------------


class DownloadView(View):
    """The addresses of a download."""

    id: str
    form: DownloadForm
    download: str = Field(description="Address of the file")
    page: str = Field(description="Address of the page for a phone")
    qr: str = Field(description="Address of the QR code of that page")
    reachable: bool = Field(description="Whether a phone reaches the page")
    recipe: str = Field(description="Address of the recipe, as JSON")
    expires: str
    gallery: bool


class DownloadsView(View):
    """The downloads of a visit."""

    takes: list[DownloadView]


class PrintedView(View):
    """The answer of a printer that accepted a picture; `left` is how many more this visit may print, or null."""

    printed: bool = True
    left: int | None = None


class PrinterView(View):
    """A printer of this machine, its state, and the reason that CUPS gives for it."""

    name: str
    state: Literal["idle", "printing", "stopped"]
    reason: str


class PrintersView(View):
    """The printers of this machine."""

    printers: list[PrinterView]


class RecentPrintView(View):
    """A picture that was printed and is still stored: its download, the copies, and the time."""

    id: str
    image: str
    copies: int
    at: str


class RecentPrintsView(View):
    """The last prints, the latest first."""

    prints: list[RecentPrintView]


class GalleryPictureView(View):
    """A picture of the gallery; `until` is the time at which its download expires."""

    id: str
    image: str
    until: str


class GalleryView(View):
    """The pictures of the gallery."""

    pictures: list[GalleryPictureView]


class SampleView(View):
    """A generated face: its seed and the address of its picture."""

    id: str
    seed: int
    image: str


class SamplesView(View):
    """Generated faces for the first screen, and to mix with."""

    samples: list[SampleView]


# -- the Lab ----------------------------------------------------------------------------------------------------------


class DragView(View):
    """A drag. Its figures are missing until the first step is done; lengths are fractions of the picture's side."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    id: str
    state: DragState
    error: Failure | None
    image: str | None
    number: int | None = None
    distance: float | None = Field(default=None, description="Largest distance of a handle to its target")
    arrived: bool | None = None
    handles: list[tuple[float, float]] | None = None
