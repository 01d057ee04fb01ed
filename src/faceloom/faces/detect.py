"""Finds faces in a photo, upright or turned, and chooses one. Knows networks and pixels, not files.

Convention: coordinates are (x, y) in pixels of the photo, measured from its top-left corner at the pixels' edges: the
centre of the first pixel is (0.5, 0.5). Left is the viewer's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from PIL import Image

from faceloom.errors import FaceError, FaceTooSmall, NoFaceFound, SeveralFaces
from faceloom.faces.boxes import best_of_each
from faceloom.faces.cascade import Thresholds as Thresholds
from faceloom.faces.cascade import search
from faceloom.faces.refine_landmarks import look_again
from faceloom.networks.mtcnn import CELL, Mtcnn

LONGEST = 2048  # pixels; a larger photo is searched in a copy of this size
SURE = 0.997  # real upright faces reach it; faces upside down, taken for upright ones, do not (150 tried: up to 0.996)
SMALLEST = 40  # pixels; a face with fewer tells the generator too little
SMALL = 100  # pixels; below it the user is warned

DEFAULTS = Thresholds()


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
        """Of the box, in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def size(self) -> float:
        """Side of the square as large as the box, in pixels."""
        return float(self.area**0.5)


@dataclass(frozen=True)
class Chosen:
    """The face to work with, its number among the `count` found, and what the user should know of the choice."""

    face: Face
    number: int
    count: int
    notes: tuple[str, ...] = ()


def detect(
    net: Mtcnn, photo: Image.Image, *, min_size: float = 20, thresholds: Thresholds = DEFAULTS
) -> tuple[Face, ...]:
    """Find every face of at least `min_size` pixels, largest first; none gives an empty tuple.

    Faces may be turned by about 60 degrees in the picture. Only when no upright face is sure, the photo is searched
    turned by 90, 180 and 270 degrees, too. A photo with a side over LONGEST is searched in a reduced copy, so that
    `min_size` grows with it.
    """
    small = photo.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR, reducing_gap=3)
    scale = np.divide(photo.size, small.size)
    faces = _search_turned(net, photo, small, scale, 0, min_size, thresholds)
    if not any(face.score >= SURE for face in faces):
        for turns in (1, 2, 3):
            faces += _search_turned(net, photo, small, scale, turns, min_size, thresholds)
    return _distinct(faces)


def choose(faces: Sequence[Face], number: int | None = None, *, only: bool = False) -> Chosen:
    """Choose the face to work with: `number` (0 is the largest), or the largest, with a note if there are more.

    Raises NoFaceFound, FaceTooSmall (less than SMALLEST pixels), SeveralFaces if there are and `only` one is wanted,
    FaceError for a number that no face has.
    """
    if not faces:
        raise NoFaceFound("no face found", "use a photo in which a face looks to the camera, sharp and not too dark")
    count = len(faces)
    if number is None and only and count > 1:
        raise SeveralFaces(f"{count} faces found", f"say which: 0 (the largest) to {count - 1}")
    if not 0 <= (number or 0) < count:
        raise FaceError(f"there is no face {number}: {count} found", f"choose from 0 (the largest) to {count - 1}")
    face = faces[number or 0]
    if face.size < SMALLEST:
        raise FaceTooSmall(
            f"the face is too small: {face.size:.0f} px, expected {SMALLEST} or more", "use a larger or closer picture"
        )
    notes = [f"{count} faces found: the largest is used"] if number is None and count > 1 else []
    if face.size < SMALL:
        notes.append(f"the face is small ({face.size:.0f} px): the likeness will lack detail")
    return Chosen(face, number or 0, count, tuple(notes))


def _search_turned(
    net: Mtcnn,
    photo: Image.Image,
    small: Image.Image,
    scale: Float[np.ndarray, " 2"],
    turns: int,
    min_size: float,
    thresholds: Thresholds,
) -> list[Face]:
    """Search a copy of the photo turned by `turns` quarters; give the faces in the photo's own coordinates."""
    turned = small.transpose(_QUARTERS[turns]) if turns else small
    boxes, scores, points = search(net, turned, max(min_size, CELL), thresholds)
    if not len(boxes):
        return []
    corners = turned_back(boxes.reshape(-1, 2, 2), turns, small.size) * scale
    scores, points = look_again(net.onet, photo, turned_back(points, turns, small.size) * scale)
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    found = zip(boxes.tolist(), scores.tolist(), points, strict=True)
    return [Face(tuple(box), score, five) for box, score, five in found if score >= thresholds.face]


_QUARTERS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}


def turned_back(points: Float[np.ndarray, "*n 2"], turns: int, size: tuple[int, int]) -> Float[np.ndarray, "*n 2"]:
    """Take points back into a picture of `size` (width, height) that was turned anticlockwise by `turns` quarters."""
    for step in range(turns, 0, -1):
        width = size[(step - 1) % 2]  # of the picture before this turn
        points = np.stack([width - points[..., 1], points[..., 0]], -1)
    return points


def _distinct(faces: list[Face]) -> tuple[Face, ...]:
    """Drop what was found twice, keeping the surer one; largest first."""
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    kept = best_of_each(boxes, np.array([face.score for face in faces]), 0.5, nested=True)
    return tuple(sorted((faces[i] for i in kept), key=lambda face: -face.area))
