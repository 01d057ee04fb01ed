"""From five points to the FFHQ square and back. Knows geometry and pixels, not networks.

Convention: points and quads are (x, y) in pixels at the pixels' edges: the centre of the first pixel is (0.5, 0.5).
FFHQ's own code counts from pixel centres; its numbers are ours less 0.5. A quad is `[4, 2]`: top left, bottom left,
bottom right, top right. Source: Karras et al. 2019, appendix C, and the recipe that recreates FFHQ from its originals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from faceloom.errors import FaceError, ShapeError
from faceloom.faces.geometry import UNIT_CORNERS, Frame, inverse, moved_by

Quad = Float[np.ndarray, "4 2"]
Landmarks = Float[np.ndarray, "5 2"]

# What MTCNN's points need so that their quads are, on average, the true ones: recipes/calibrate_alignment.py,
# generated faces of seeds 0-1999, whose true quad is the frame of the picture.
SHIFT_Y = 0.0048  # of the quad's side, downwards; sideways a mirrored mean needs none
SCALE = 0.9877

SUPERSAMPLING = (
    4  # FFHQ samples 4096 px for a result of 1024. Where photo pixels are no smaller than half the result's,
)
ENOUGH = 2  # twice does: within 3 levels of it (55 dB), in a quarter of the time
PAD = 0.3  # of the quad's side: the mirrored border where a photo ends too near a face
BLUR = 0.02  # of the quad's side: standard deviation of the blur that fades into that border
MIN_VISIBLE = 0.25  # of the quad must lie in the photo


@dataclass(frozen=True, eq=False)
class Aligned:
    """The aligned square, PIL RGB, and the quad of the photo that it shows: with both, the exact way back."""

    image: Image.Image
    quad: Quad

    @property
    def size(self) -> int:
        """Side of the image in pixels."""
        return self.image.width

    @property
    def transform(self) -> Frame:
        """The `[2, 3]` matrix from the image's pixels to the photo's."""
        frame = frame_of(self.quad)
        return np.column_stack([frame[:, :2] / self.size, frame[:, 2]])

    def to_photo(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Take points from the square into the photo."""
        return moved_by(self.transform, points)

    def to_square(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Take points from the photo into the square."""
        return moved_by(inverse(self.transform), points)


def ffhq_quad(landmarks: Landmarks) -> Quad:
    """Lay FFHQ's square through the eyes and the corners of the mouth, exactly as given.

    Convention: landmarks are left eye, right eye, nose, left and right corner of the mouth; eyes are their centres.
    """
    eye_avg = (landmarks[0] + landmarks[1]) / 2
    eye_to_eye = landmarks[1] - landmarks[0]
    eye_to_mouth = (landmarks[3] + landmarks[4]) / 2 - eye_avg
    x = eye_to_eye - _quarter_turn(eye_to_mouth)
    x = x / np.hypot(*x) * max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = _quarter_turn(x)
    centre = eye_avg + eye_to_mouth * 0.1
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def quad_from_landmarks(landmarks: Landmarks) -> Quad:
    """Lay FFHQ's square through MTCNN's five points, corrected for what those differ from FFHQ's own.

    Raises FaceError when the points coincide or are no numbers.
    """
    if not np.isfinite(landmarks).all() or np.ptp(landmarks[[0, 1, 3, 4]], axis=0).max() < 1:
        raise FaceError("the face's points lie in one place", "choose another face")
    quad = ffhq_quad(landmarks)
    middle = quad.mean(0)
    return np.asarray(middle + SHIFT_Y * (quad[1] - quad[0]) + (quad - middle) * SCALE)


def align(photo: Image.Image, quad: Quad, size: int = 1024) -> Aligned:
    """Cut the quad out of the photo as an upright square, by FFHQ's recipe.

    A large face is averaged down; where the quad reaches beyond the photo, that is mirrored, blurred and faded to its
    median colour. Raises ShapeError for a quad that is no square, FaceError for one that lies outside the photo.
    """
    given = quad = np.array(quad, dtype=float)
    check_quad(quad)
    _check_visible(quad, photo.size)
    picture, quad = _cut(photo, quad)
    picture, quad = _shrunk(picture.convert("RGB"), quad, size)
    picture, quad = _padded(picture, quad)
    large = size * (ENOUGH if side_of(quad) <= 2 * size else SUPERSAMPLING)
    picture = picture.transform((large, large), Image.Transform.QUAD, quad.ravel().tolist(), Image.Resampling.BILINEAR)
    return Aligned(picture.resize((size, size), Image.Resampling.LANCZOS), given)


def side_of(quad: Quad) -> float:
    """Give the length of the quad's side in pixels."""
    return float(np.hypot(*(quad[3] - quad[0])))


def frame_of(quad: Quad) -> Frame:
    """Give the frame that takes the unit square into the quad."""
    return np.column_stack([quad[3] - quad[0], quad[1] - quad[0], quad[0]])


def check_quad(quad: Quad) -> None:
    """Raise ShapeError unless the quad is a square (any turn, to 1 % of its side), its corners in order."""
    if quad.shape != (4, 2) or not np.isfinite(quad).all():
        raise ShapeError(f"quad: expected [4, 2] finite numbers, got {list(quad.shape)}")
    square = quad[0] + UNIT_CORNERS @ np.stack([quad[3] - quad[0], _quarter_turn(quad[3] - quad[0])])
    side = side_of(quad)
    if side < 1 or np.abs(square - quad).max() > 0.01 * side:
        raise ShapeError(f"quad: expected a square tl, bl, br, tr, got {quad.round(1).tolist()}")


def _quarter_turn(v: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " 2"]:
    """Turn a vector by 90 degrees, from right to down."""
    return np.array([-v[1], v[0]])


def _check_visible(quad: Quad, size: tuple[int, int]) -> None:
    grid = (np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2) + 0.5) / 16
    points = moved_by(frame_of(quad), grid)
    visible = ((points >= 0) & (points < size)).all(1).mean()
    if visible < MIN_VISIBLE:
        raise FaceError(f"only {visible:.0%} of the face's square lie in the photo", "choose a face further inside")


def _cut(photo: Image.Image, quad: Quad) -> tuple[Image.Image, Quad]:
    """Step 1: keep the quad's bounding box and a border. (FFHQ reduces first: the same, but for all of the photo.)"""
    border = _border(quad)
    low = np.floor(quad.min(0) - 0.5).astype(int) - border
    high = np.ceil(quad.max(0) - 0.5).astype(int) + border
    low, high = np.maximum(low, 0), np.minimum(high, photo.size)
    return photo.crop((*low, *high)), quad - low


def _shrunk(picture: Image.Image, quad: Quad, size: int) -> tuple[Image.Image, Quad]:
    """Step 2: reduce a picture that has far more pixels than the result needs. The true ratio of the sides is used."""
    shrink = int(side_of(quad) / size * 0.5)
    if shrink <= 1:
        return picture, quad
    smaller = (round(picture.width / shrink), round(picture.height / shrink))
    return picture.resize(smaller, Image.Resampling.LANCZOS), quad * np.divide(smaller, picture.size)


def _padded(picture: Image.Image, quad: Quad) -> tuple[Image.Image, Quad]:
    """Step 3: where the quad reaches over the edge, mirror the picture outwards, blur it there, fade to the median."""
    side, border = side_of(quad), _border(quad)
    before = np.maximum(border - np.floor(quad.min(0) - 0.5), 0)
    after = np.maximum(np.ceil(quad.max(0) - 0.5) + border - picture.size, 0)
    if max(*before, *after) <= border - 4:
        return picture, quad
    before, after = (np.maximum(pad, round(side * PAD)).astype(int) for pad in (before, after))
    sides = ((before[1], after[1]), (before[0], after[0]), (0, 0))
    wide = Image.fromarray(np.pad(np.asarray(picture), sides, mode="reflect"))
    across, down = (_depth(wide.size[axis], before[axis], after[axis]) for axis in (0, 1))
    blurred = wide.filter(ImageFilter.GaussianBlur(side * BLUR))
    wide = Image.composite(blurred, wide, _mask(3 * across + 1, 3 * down + 1))
    median = Image.new("RGB", wide.size, _median(wide))
    return Image.composite(median, wide, _mask(across, down)), quad + before


def _border(quad: Quad) -> int:
    return max(round(side_of(quad) * 0.1), 3)


def _depth(length: int, before: int, after: int) -> Float[np.ndarray, " n"]:
    """How deep each pixel of a row lies in the padding: 1 at the outer edge, 0 where the photo begins, less inside."""
    x = np.arange(length)
    return 1 - np.minimum(x / before, x[::-1] / after)


def _mask(across: Float[np.ndarray, " w"], down: Float[np.ndarray, " h"]) -> Image.Image:
    """Make a mask `[h, w]` from the greater of two profiles, cut off at 0 and 1."""
    levels = [(profile.clip(0, 1) * 255).round().astype(np.uint8) for profile in (down, across)]
    return Image.fromarray(np.maximum.outer(*levels))


def _median(picture: Image.Image) -> tuple[int, ...]:
    """The median of each channel, from its histogram."""
    counts = np.reshape(picture.histogram(), (3, 256)).cumsum(1)
    return tuple(int(np.searchsorted(row, row[-1] / 2)) for row in counts)
