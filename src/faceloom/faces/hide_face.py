"""Hiding of a face by coarse blocks and a blur, for faces that are too small to be replaced, or on request.

Convention: a quad is the aligned square of a face as in `align`, and a box is (x0, y0, x1, y1) as the detector's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from faceloom.faces.align import Quad

BLOCKS = 5  # blocks across a face: too few to tell people apart, and any number of pixels is reduced to them
MARGIN = 0.25  # of the box's sides: width of the border around it that is hidden, too
SOFTNESS = 0.5  # of a block: standard deviation of the blur of the blocks
CENTER_Y, RADII = 0.56, (0.34, 0.42)  # of the aligned square: the ellipse of the whole head without the hair

Box = tuple[float, float, float, float]


def hide_box(photo: Image.Image, box: Box) -> Image.Image:
    """Return a new photo with the ellipse around a face's box hidden. What lies outside the photo is left out."""
    x0, y0, x1, y1 = box
    dx, dy = (MARGIN * side for side in (x1 - x0, y1 - y0))
    outline = [(x0 - dx, y0 - dy), (x1 + dx, y1 + dy)]
    return _hide(photo, outline, max(x1 - x0, y1 - y0))


def hide_quad(photo: Image.Image, quad: Quad) -> Image.Image:
    """Return a new photo with the face of an aligned square hidden."""
    right, down = quad[3] - quad[0], quad[1] - quad[0]
    center = quad[0] + right / 2 + down * CENTER_Y
    side = float(np.hypot(*right))
    # the ellipse of an upright face turned by an angle lies in the box of half these widths
    spans = np.hypot(right * RADII[0], down * RADII[1])
    return _hide(photo, [tuple(center - spans), tuple(center + spans)], 2 * RADII[0] * side)


def _hide(photo: Image.Image, outline: Sequence[Sequence[float]], width: float) -> Image.Image:
    """Hide an ellipse between two corners; `width` is that of the face in pixels."""
    (x0, y0), (x1, y1) = outline
    left, top = max(0, math.floor(x0)), max(0, math.floor(y0))
    right, bottom = min(photo.width, math.ceil(x1)), min(photo.height, math.ceil(y1))
    if right <= left or bottom <= top:
        return photo.copy()
    part = photo.crop((left, top, right, bottom))
    block = max(2.0, width / BLOCKS)
    few = (max(1, round(part.width / block)), max(1, round(part.height / block)))
    coarse = part.resize(few, Image.Resampling.BOX).resize(part.size, Image.Resampling.NEAREST)
    coarse = coarse.filter(ImageFilter.GaussianBlur(SOFTNESS * block))
    mask = Image.new("L", part.size, 0)
    ImageDraw.Draw(mask).ellipse((x0 - left, y0 - top, x1 - left, y1 - top), fill=255)
    soft = ImageChops.lighter(mask, mask.filter(ImageFilter.GaussianBlur(block / 4)))
    result = photo.copy()
    result.paste(coarse, (left, top), soft)
    return result
