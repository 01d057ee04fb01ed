"""Messages of tasks that open, detect and analyze photos."""

from __future__ import annotations

from dataclasses import dataclass

from faceloom.store.models import Box, PhotoFace
from faceloom.web.worker.messages.base import Task


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
