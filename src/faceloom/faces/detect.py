"""Detection of the faces in a photo, upright or turned, and the choice of one of them.

Convention: coordinates are (x, y) in pixels of the photo, measured from its top-left corner at the pixels' edges: the
center of the first pixel is (0.5, 0.5). Left is the viewer's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageOps

from faceloom.errors import FaceError, FaceTooSmall, NoFaceFound, SeveralFaces
from faceloom.faces.boxes import suppress_overlaps
from faceloom.faces.cascade import Thresholds as Thresholds
from faceloom.faces.cascade import detect_upright
from faceloom.faces.limits import MIN_FACE_PIXELS, SMALL_FACE_PIXELS
from faceloom.faces.refine_landmarks import refine_landmarks
from faceloom.networks.mtcnn import CELL, Mtcnn

MAX_DETECTION_PIXELS = 2048  # longest side; a larger photo is searched in a copy reduced to it
UPRIGHT_SCORE = 0.997  # real upright faces reach it; faces upside down do not (150 tried: up to 0.996)

MIN_SIZE = 20.0  # pixels of the smallest face
DARK = 100  # of 255; a photo whose 99th percentile of brightness is lower is brightened when no face is found

DEFAULT_THRESHOLDS = Thresholds()


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a photo.

    Convention: `box` (x0, y0, x1, y1); `score` 0...1; `landmarks` float64 `[5, 2]`: left eye, right eye, tip of the
    nose, left and right corner of the mouth, where left is the viewer's left of the face when upright.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Float[np.ndarray, "5 2"]

    @cached_property
    def area(self) -> float:
        """The area of the box, in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def size(self) -> float:
        """The side of the square with the box's area, in pixels."""
        return float(self.area**0.5)


@dataclass(frozen=True)
class FaceChoice:
    """The chosen face, its number among the `count` detected faces, and notes for the user about the choice."""

    face: Face
    number: int
    count: int
    notes: tuple[str, ...] = ()


def detect(
    net: Mtcnn, photo: Image.Image, *, min_size: float = MIN_SIZE, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> tuple[Face, ...]:
    """Return the faces of at least `min_size` pixels, largest first; an empty tuple if there are none.

    Faces may be rotated by about 60 degrees. The photo is searched turned by 90, 180 and 270 degrees, too, if no
    upright face has a score of UPRIGHT_SCORE. A photo with a side over MAX_DETECTION_PIXELS is searched in a reduced
    copy, so that `min_size` grows with it. A dark photo without a face is searched again in a brightened copy.
    """
    faces = _detect_in_all_turns(net, photo, min_size, thresholds)
    if not faces and _is_dark(photo):
        faces = _detect_in_all_turns(net, ImageOps.autocontrast(photo, cutoff=1), min_size, thresholds)
    return faces


def choose(faces: Sequence[Face], number: int | None = None, *, only: bool = False) -> FaceChoice:
    """Choose the face with the given number (0 is the largest), by default the largest, with a note if there are more.

    Raises NoFaceFound; FaceTooSmall (below MIN_FACE_PIXELS); SeveralFaces, with `only` and without a number, if there
    are several; FaceError for a number that no face has.
    """
    if not faces:
        raise NoFaceFound("no face found", "use a photo in which a face looks to the camera, sharp and not too dark")
    count = len(faces)
    if number is None and only and count > 1:
        raise SeveralFaces(f"{count} faces found, expected one", f"choose one: 0 (the largest) to {count - 1}")
    if not 0 <= (number or 0) < count:
        raise FaceError(f"there is no face {number}: {count} found", f"choose from 0 (the largest) to {count - 1}")
    face = faces[number or 0]
    if face.size < MIN_FACE_PIXELS:
        raise FaceTooSmall(
            f"the face is too small: {face.size:.0f} px, expected {MIN_FACE_PIXELS} or more",
            "use a larger or closer picture",
        )
    notes = [f"{count} faces found: the largest is used"] if number is None and count > 1 else []
    if face.size < SMALL_FACE_PIXELS:
        notes.append(f"the face is small ({face.size:.0f} px): the likeness will lack detail")
    return FaceChoice(face, number or 0, count, tuple(notes))


def _is_dark(photo: Image.Image) -> bool:
    """Return whether nearly all of a photo is darker than DARK."""
    small = photo.convert("L").resize((64, 64), Image.Resampling.BOX)
    return bool(np.percentile(np.asarray(small), 99) < DARK)


def _detect_in_all_turns(net: Mtcnn, photo: Image.Image, min_size: float, thresholds: Thresholds) -> tuple[Face, ...]:
    """Return the faces of a photo, which is turned when no upright face is found for certain."""
    small = photo.copy()
    small.thumbnail((MAX_DETECTION_PIXELS, MAX_DETECTION_PIXELS), Image.Resampling.BILINEAR, reducing_gap=3)
    scale = np.divide(photo.size, small.size)
    faces = _detect_turned(net, photo, small, scale, 0, min_size, thresholds)
    if not any(face.score >= UPRIGHT_SCORE for face in faces):
        for turns in (1, 2, 3):
            faces += _detect_turned(net, photo, small, scale, turns, min_size, thresholds)
    return _drop_duplicates(faces)


def _detect_turned(
    net: Mtcnn,
    photo: Image.Image,
    small: Image.Image,
    scale: Float[np.ndarray, " 2"],
    turns: int,
    min_size: float,
    thresholds: Thresholds,
) -> list[Face]:
    """Detect faces in a copy of the photo turned by `turns` quarters; return them in the photo's own coordinates."""
    turned = small.transpose(_QUARTER_TURNS[turns]) if turns else small
    boxes, scores, points = detect_upright(net, turned, max(min_size, CELL), thresholds)
    if not len(boxes):
        return []
    corners = rotate_back(boxes.reshape(-1, 2, 2), turns, small.size) * scale
    scores, points = refine_landmarks(net.onet, photo, rotate_back(points, turns, small.size) * scale)
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    faces = zip(boxes.tolist(), scores.tolist(), points, strict=True)
    return [Face(tuple(box), score, landmarks) for box, score, landmarks in faces if score >= thresholds.face]


_QUARTER_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}


def rotate_back(points: Float[np.ndarray, "*n 2"], turns: int, size: tuple[int, int]) -> Float[np.ndarray, "*n 2"]:
    """Map points of a picture that was turned counterclockwise by `turns` quarters back to the upright picture.

    Convention: `size` is (width, height) of the upright picture.
    """
    for step in range(turns, 0, -1):
        width = size[(step - 1) % 2]  # of the picture before this turn
        points = np.stack([width - points[..., 1], points[..., 0]], -1)
    return points


def _drop_duplicates(faces: list[Face]) -> tuple[Face, ...]:
    """Drop the lower-scored of two detections of one face; return the others, largest first."""
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    kept = suppress_overlaps(boxes, np.array([face.score for face in faces]), 0.5, nested=True)
    return tuple(sorted((faces[i] for i in kept), key=lambda face: -face.area))
