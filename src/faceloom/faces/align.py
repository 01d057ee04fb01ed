"""FFHQ alignment: from five landmarks to the aligned square, and back to the photo.

Convention: points and quads are (x, y) in pixels, measured at the pixels' edges: the center of the first pixel is
(0.5, 0.5). FFHQ's own code counts from pixel centers: its numbers are ours less 0.5. A quad is `[4, 2]`: top left,
bottom left, bottom right, top right. Source: Karras et al. 2019, appendix C, and the recipe that recreates FFHQ from
its originals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from faceloom.errors import FaceError, ShapeError
from faceloom.faces.geometry import UNIT_CORNERS, Frame, invert_frame, transform_points

Quad = Float[np.ndarray, "4 2"]
Landmarks = Float[np.ndarray, "5 2"]

# Corrections that make the quads of MTCNN's landmarks equal to the true ones on average. Fitted by
# recipes/calibrate_alignment.py on generated faces of seeds 0-1999, whose true quad is the frame of the picture.
QUAD_SHIFT_Y = 0.0048  # of the quad's side, downwards; the mean over mirrored faces needs no shift sideways
QUAD_SCALE = 0.9877

SUPERSAMPLING = 4  # samples per pixel and axis, as in FFHQ: 4096 px for a result of 1024
SUPERSAMPLING_SMALL = 2  # for a quad below twice the result's size: within 3 levels (55 dB), in a quarter of the time
PAD = 0.3  # of the quad's side: width of the mirrored border where a photo ends too near a face
BLUR = 0.02  # of the quad's side: standard deviation of the blur that fades into that border
MIN_VISIBLE = 0.25  # part of the quad that must lie in the photo


@dataclass(frozen=True, eq=False)
class Aligned:
    """The aligned square (PIL RGB) and its quad in the photo, which together give the exact way back."""

    image: Image.Image
    quad: Quad

    @property
    def size(self) -> int:
        """The side of the image in pixels."""
        return self.image.width

    @property
    def transform(self) -> Frame:
        """The `[2, 3]` matrix that maps the image's pixels to the photo's."""
        frame = quad_frame(self.quad)
        return np.column_stack([frame[:, :2] / self.size, frame[:, 2]])

    def to_photo(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Map points from the square into the photo."""
        return transform_points(self.transform, points)

    def to_square(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Map points from the photo into the square."""
        return transform_points(invert_frame(self.transform), points)


def ffhq_quad(landmarks: Landmarks) -> Quad:
    """Return FFHQ's square for the eyes and the corners of the mouth, without corrections.

    Convention: landmarks are left eye, right eye, nose, left and right corner of the mouth; eye landmarks are their
    centers.
    """
    eye_avg = (landmarks[0] + landmarks[1]) / 2
    eye_to_eye = landmarks[1] - landmarks[0]
    eye_to_mouth = (landmarks[3] + landmarks[4]) / 2 - eye_avg
    x = eye_to_eye - _rotate_quarter(eye_to_mouth)
    x = x / np.hypot(*x) * max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = _rotate_quarter(x)
    center = eye_avg + eye_to_mouth * 0.1
    return np.stack([center - x - y, center - x + y, center + x + y, center + x - y])


def quad_from_landmarks(landmarks: Landmarks) -> Quad:
    """Return FFHQ's square for MTCNN's five landmarks, corrected for their mean difference from FFHQ's own landmarks.

    Raises FaceError when the landmarks coincide or are not finite.
    """
    if not np.isfinite(landmarks).all() or np.ptp(landmarks[[0, 1, 3, 4]], axis=0).max() < 1:
        raise FaceError("the face's landmarks coincide", "choose another face")
    quad = ffhq_quad(landmarks)
    center = quad.mean(0)
    return np.asarray(center + QUAD_SHIFT_Y * (quad[1] - quad[0]) + (quad - center) * QUAD_SCALE)


def align(photo: Image.Image, quad: Quad, size: int = 1024) -> Aligned:
    """Cut the quad out of the photo as an upright square, by FFHQ's recipe.

    A large face is averaged down. Where the quad reaches beyond the photo, the photo is mirrored, blurred and faded to
    its median color. Raises ShapeError for a quad that is not a square, FaceError for one that lies outside the photo.
    """
    original = quad = np.array(quad, dtype=float)
    check_quad(quad)
    _check_visible(quad, photo.size)
    picture, quad = _crop(photo, quad)
    picture, quad = _shrink(picture.convert("RGB"), quad, size)
    picture, quad = _pad(picture, quad)
    large = size * (SUPERSAMPLING_SMALL if quad_side(quad) <= 2 * size else SUPERSAMPLING)
    picture = picture.transform((large, large), Image.Transform.QUAD, quad.ravel().tolist(), Image.Resampling.BILINEAR)
    return Aligned(picture.resize((size, size), Image.Resampling.LANCZOS), original)


def quad_side(quad: Quad) -> float:
    """Return the length of the quad's side in pixels."""
    return float(np.hypot(*(quad[3] - quad[0])))


def quad_frame(quad: Quad) -> Frame:
    """Return the frame that maps the unit square to the quad."""
    return np.column_stack([quad[3] - quad[0], quad[1] - quad[0], quad[0]])


def check_quad(quad: Quad) -> None:
    """Raise ShapeError unless the quad is a square (any rotation, to 1 % of its side) with its corners in order."""
    if quad.shape != (4, 2) or not np.isfinite(quad).all():
        raise ShapeError(f"quad: expected [4, 2] finite numbers, got {list(quad.shape)}")
    square = quad[0] + UNIT_CORNERS @ np.stack([quad[3] - quad[0], _rotate_quarter(quad[3] - quad[0])])
    side = quad_side(quad)
    if side < 1 or np.abs(square - quad).max() > 0.01 * side:
        raise ShapeError(f"quad: expected a square tl, bl, br, tr, got {quad.round(1).tolist()}")


def _rotate_quarter(v: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " 2"]:
    """Rotate a vector by 90 degrees, from right to down."""
    return np.array([-v[1], v[0]])


def _check_visible(quad: Quad, size: tuple[int, int]) -> None:
    grid = (np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2) + 0.5) / 16
    points = transform_points(quad_frame(quad), grid)
    visible = ((points >= 0) & (points < size)).all(1).mean()
    if visible < MIN_VISIBLE:
        raise FaceError(
            f"only {visible:.0%} of the face's square lie in the photo, expected {MIN_VISIBLE:.0%} or more",
            "choose a face further inside",
        )


def _crop(photo: Image.Image, quad: Quad) -> tuple[Image.Image, Quad]:
    """Step 1: crop to the quad's bounding box and a border. (FFHQ shrinks the whole photo first: the same result.)"""
    border = _border(quad)
    low = np.floor(quad.min(0) - 0.5).astype(int) - border
    high = np.ceil(quad.max(0) - 0.5).astype(int) + border
    low, high = np.maximum(low, 0), np.minimum(high, photo.size)
    return photo.crop((*low, *high)), quad - low


def _shrink(picture: Image.Image, quad: Quad, size: int) -> tuple[Image.Image, Quad]:
    """Step 2: shrink a picture that has far more pixels than the result needs, by the exact ratio of its sides."""
    shrink = int(quad_side(quad) / size * 0.5)
    if shrink <= 1:
        return picture, quad
    smaller = (round(picture.width / shrink), round(picture.height / shrink))
    return picture.resize(smaller, Image.Resampling.LANCZOS), quad * np.divide(smaller, picture.size)


def _pad(picture: Image.Image, quad: Quad) -> tuple[Image.Image, Quad]:
    """Step 3: where the quad reaches over the edge, mirror the picture outwards, blur it there, fade to the median."""
    side, border = quad_side(quad), _border(quad)
    before = np.maximum(border - np.floor(quad.min(0) - 0.5), 0)
    after = np.maximum(np.ceil(quad.max(0) - 0.5) + border - picture.size, 0)
    if max(*before, *after) <= border - 4:
        return picture, quad
    before, after = (np.maximum(pad, round(side * PAD)).astype(int) for pad in (before, after))
    sides = ((before[1], after[1]), (before[0], after[0]), (0, 0))
    padded = Image.fromarray(np.pad(np.asarray(picture), sides, mode="reflect"))
    across, down = (_padding_depth(padded.size[axis], int(before[axis]), int(after[axis])) for axis in (0, 1))
    blurred = padded.filter(ImageFilter.GaussianBlur(side * BLUR))
    padded = Image.composite(blurred, padded, _mask(3 * across + 1, 3 * down + 1))
    median = Image.new("RGB", padded.size, _median(padded))
    return Image.composite(median, padded, _mask(across, down)), quad + before


def _border(quad: Quad) -> int:
    return max(round(quad_side(quad) * 0.1), 3)


def _padding_depth(length: int, before: int, after: int) -> Float[np.ndarray, " n"]:
    """Return each pixel's depth in the padding: 1 at the outer edge, 0 where the photo begins, negative inside."""
    x = np.arange(length)
    return 1 - np.minimum(x / before, x[::-1] / after)


def _mask(across: Float[np.ndarray, " w"], down: Float[np.ndarray, " h"]) -> Image.Image:
    """Return a mask `[h, w]` of the greater of two profiles, clipped to 0...1."""
    levels = [(profile.clip(0, 1) * 255).round().astype(np.uint8) for profile in (down, across)]
    return Image.fromarray(np.maximum.outer(*levels))


def _median(picture: Image.Image) -> tuple[int, ...]:
    """Return the median of each channel, from its histogram."""
    counts = np.reshape(picture.histogram(), (3, 256)).cumsum(1)
    return tuple(int(np.searchsorted(row, row[-1] / 2)) for row in counts)
