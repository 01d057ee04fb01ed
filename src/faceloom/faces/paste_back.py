"""Puts an edited, aligned face back into its photo: warped, feathered, with colours matched at the seam.

Convention: quads as in `align`; inside, (u, v) are places in the aligned square, 0...1, and colours are float32 levels,
0...255. Source: that a seam vanishes when the difference along it is spread smoothly inwards is Perez et al. 2003,
"Poisson image editing"; spreading it by distance alone is after Farbman et al. 2009, "Coordinates for instant image
cloning".
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from faceloom.errors import ShapeError
from faceloom.faces.align import Quad, align, check_quad, frame_of, side_of
from faceloom.faces.geometry import inverse, moved_by
from faceloom.images import Picture, as_photo

Box = tuple[int, int, int, int]
Field = Float[np.ndarray, "grid grid 3"]

CORNERS = 4  # the mask is a superellipse of this power: 2 would be an ellipse, more is squarer
OPAQUE = 0.8  # of the way from the square's middle to its edge: up to here the face covers the photo, then it fades
GRID = 48  # colours are compared at so many places across the square
FADE = 0.12  # of the square: how far inwards a difference along the seam is felt
CONSISTENT = 20.0  # levels: a cast that varies by more, along the seam and inside, is half believed
SAME = 8.0  # levels: where face and original differ by less, the photo's finest detail, lost in aligning, is kept
BAND = 256  # rows of the photo that are blended at a time, which bounds the memory


def paste_back(photo: Image.Image, face: Picture, quad: Quad, *, reference: Picture | None = None) -> Image.Image:
    """Put a square picture of a face where the quad lies in the photo, and give a new photo.

    The photo keeps its resolution; pixels outside the quad are untouched, and an unchanged face changes none. A
    difference in colour along the seam is taken off the face there, fading inwards; a colour cast, which is the same
    along the seam and inside, everywhere. `reference` is the aligned original; without it, it is made from the photo.
    Raises ShapeError when a picture is not square, or the quad is none; FaceError when it lies outside the photo.
    """
    quad = np.array(quad, dtype=float)
    check_quad(quad)
    photo, face = as_photo(photo), _square(face, "face")
    original = align(photo, quad, face.width).image if reference is None else _square(reference, "reference")
    coarse, wanted = _reduced(face), _reduced(original)
    offset = colour_offset(wanted, coarse, _in_photo(quad, photo.size))
    kept = np.exp(-(((coarse + offset - wanted) / SAME) ** 2).mean(-1))
    fields = [Image.fromarray(np.ascontiguousarray(field)) for field in (*np.moveaxis(offset, -1, 0), kept)]
    face, original = _no_finer(face, quad), _no_finer(original, quad)
    result = photo.copy()
    for box in _bands(quad, photo.size):
        strip = _levels(photo.crop(box))
        red, green, blue, keep = (_levels(_seen(field, quad, box, Image.Resampling.BILINEAR)) for field in fields)
        new, old = (_levels(_seen(square, quad, box, Image.Resampling.BICUBIC)) for square in (face, original))
        change = new + np.stack([red, green, blue], -1) - strip + keep[..., None] * (strip - old)
        blended = strip + opacity(*_places(quad, box))[..., None] * change
        result.paste(Image.fromarray(blended.round().clip(0, 255).astype(np.uint8)), box[:2])
    return result


def opacity(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """Say how far the face covers the photo: 1 in the middle of the square, 0 from its edge on, smooth between."""
    rest = ((1 - _distance(u, v)) / (1 - OPAQUE)).clip(0, 1)
    return np.asarray(rest * rest * (3 - 2 * rest), dtype=np.float32)


def colour_offset(original: Field, face: Field, valid: Bool[np.ndarray, "grid grid"]) -> Field:
    """Work out what to add to the face: the cast everywhere, the rest of the seam's difference fading inwards.

    A cast is the smaller of the median differences along the seam and inside it, if both have the same sign and are
    about the same everywhere: an edit that darkens the skin alone, or a background that came out wrong, is none.
    """
    v, u = ((np.mgrid[:GRID, :GRID] + 0.5) / GRID).reshape(2, -1)
    distance = _distance(u, v)
    difference = (original - face).reshape(-1, 3)
    seam = (distance >= OPAQUE) & (distance < 1) & valid.ravel()
    inside = (distance < OPAQUE) & valid.ravel()
    if not seam.any() or not inside.any():
        return np.zeros_like(original)
    cast = _cast(difference[seam], difference[inside])
    apart = np.hypot(u[:, None] - u[seam], v[:, None] - v[seam])  # [places, places on the seam]
    weight = 1 / (apart**2 + (1 / GRID) ** 2) ** 1.5
    spread = weight @ (difference[seam] - cast) / weight.sum(1, keepdims=True)
    felt = np.exp(-(OPAQUE - distance).clip(0) / 2 / FADE)[:, None]
    return np.asarray(cast + spread * felt, dtype=np.float32).reshape(original.shape)


def _cast(seam: Float[np.ndarray, "k 3"], inside: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, " 3"]:
    """Find what both sets of differences share, held back by how much each of them varies."""
    a, b = np.median(seam, 0), np.median(inside, 0)
    variation = np.median(np.abs(seam - a), 0).max() + np.median(np.abs(inside - b), 0).max()
    shared = np.where(a * b > 0, np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0)
    return np.asarray(shared / (1 + (variation / CONSISTENT) ** 2))


def _distance(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """From the square's middle (0) to its edge (1), in the metric that makes circles rounded squares."""
    return np.asarray((np.abs(2 * u - 1) ** CORNERS + np.abs(2 * v - 1) ** CORNERS) ** (1 / CORNERS))


def _square(picture: Picture, name: str) -> Image.Image:
    photo = as_photo(picture)
    if photo.width != photo.height:
        raise ShapeError(f"{name}: expected a square, got {photo.width} x {photo.height}")
    return photo


def _reduced(square: Image.Image) -> Field:
    return _levels(square.resize((GRID, GRID), Image.Resampling.BOX))


def _no_finer(square: Image.Image, quad: Quad) -> Image.Image:
    """Reduce a picture that has more pixels than the photo has in the quad."""
    side = math.ceil(side_of(quad))
    return square.resize((side, side), Image.Resampling.LANCZOS) if side < square.width else square


def _levels(picture: Image.Image) -> Float[np.ndarray, "h w *c"]:
    return np.asarray(picture, dtype=np.float32)


def _in_photo(quad: Quad, size: tuple[int, int]) -> Bool[np.ndarray, "grid grid"]:
    """Which places of the grid show the photo itself, not what was padded."""
    v, u = (np.mgrid[:GRID, :GRID] + 0.5) / GRID
    points = moved_by(frame_of(quad), np.stack([u, v], -1))
    return np.asarray(((points > 0) & (points < size)).all(-1))


def _bands(quad: Quad, size: tuple[int, int]) -> Iterator[Box]:
    """Cover the part of the photo that the quad touches with boxes of few rows."""
    left, top = np.floor(quad.min(0)).clip(0, size).astype(int).tolist()
    right, bottom = np.ceil(quad.max(0)).clip(0, size).astype(int).tolist()
    for y in range(top, bottom, BAND):
        yield left, y, right, min(y + BAND, bottom)


def _places(quad: Quad, box: Box) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """(u, v) of every pixel's centre in a box of the photo."""
    back = inverse(frame_of(quad))
    x = np.arange(box[0], box[2]) + 0.5
    y = np.arange(box[1], box[3])[:, None] + 0.5
    return back[0, 0] * x + back[0, 1] * y + back[0, 2], back[1, 0] * x + back[1, 1] * y + back[1, 2]


def _seen(picture: Image.Image, quad: Quad, box: Box, resample: Image.Resampling) -> Image.Image:
    """Show the square picture as it lies in a box of the photo."""
    back = inverse(frame_of(quad)) * picture.width  # photo pixels -> the picture's
    shifted = np.column_stack([back[:, :2], back @ (box[0], box[1], 1)])
    size = (box[2] - box[0], box[3] - box[1])
    return picture.transform(size, Image.Transform.AFFINE, shifted.ravel().tolist(), resample)
