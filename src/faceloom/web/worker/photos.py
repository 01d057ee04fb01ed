"""Handlers for photos: store an uploaded photo, detect faces in a camera frame, and read the attributes of faces."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from faceloom.faces.detect import Face
from faceloom.images import Photo, open_photo, save_picture
from faceloom.store.models import Box, PhotoFace
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import (
    AnalyzedPhotoFace,
    AnalyzePhoto,
    DetectInFrame,
    FrameFace,
    OpenedPhoto,
    OpenPhoto,
)
from faceloom.web.worker.state import WorkerState

MAX_PHOTO_SIDE = 3072  # pixels of the longer side of a stored photo
FRAME_SIDE = 320  # pixels of the longer side of a camera frame in which faces are detected


def store_photo(state: WorkerState, task: OpenPhoto, context: TaskContext) -> OpenedPhoto:
    """Decode an uploaded photo, store only its pixels, and detect the faces, largest first. Raises ImageError."""
    photo = open_photo(task.data)
    image = photo.image
    image.thumbnail((MAX_PHOTO_SIDE, MAX_PHOTO_SIDE), Image.Resampling.LANCZOS, reducing_gap=3)
    path = Path(task.folder) / task.name
    with state.erased.writing(task.folder):
        save_picture(image, path, ai_generated=False)
    faces = state.studio.detect(open_photo(path))
    return OpenedPhoto(
        tuple(_photo_face(number, face) for number, face in enumerate(faces)), image.size, tuple(photo.notes)
    )


def detect_in_frame(state: WorkerState, task: DetectInFrame, context: TaskContext) -> tuple[FrameFace, ...]:
    """Detect the faces in a camera frame, which is not stored. Raises ImageError."""
    image = open_photo(task.data).image
    image.thumbnail((FRAME_SIDE, FRAME_SIDE))
    return tuple(_frame_face(face, *image.size) for face in state.studio.detect(Photo(image)))


def analyze_photo(state: WorkerState, task: AnalyzePhoto, context: TaskContext) -> tuple[AnalyzedPhotoFace, ...]:
    """Read the attributes of every face of a stored photo, largest first. Raises FaceError."""
    faces = state.studio.analyze(open_photo(Path(task.folder) / task.photo))
    return tuple(
        AnalyzedPhotoFace(number, _box(analyzed.face), analyzed.attributes.rounded())
        for number, analyzed in enumerate(faces)
    )


def _photo_face(number: int, face: Face) -> PhotoFace:
    x0, y0, x1, y1 = (round(side, 1) for side in _box(face))
    return PhotoFace(number=number, box=(x0, y0, x1, y1), size=round(face.size))


def _frame_face(face: Face, width: int, height: int) -> FrameFace:
    x0, y0, x1, y1 = _box(face)
    return FrameFace((x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height))


def _box(face: Face) -> Box:
    x0, y0, x1, y1 = (float(side) for side in face.box)
    return x0, y0, x1, y1
