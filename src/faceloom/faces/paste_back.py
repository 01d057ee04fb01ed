"""Puts an edit back into the photo: what the generator changed is changed there, and everything else stays.

With P the photo, R0 the generator's picture of the face as found and R1 as edited, the result is

    P + m (R1 - R0) - k (P - R0 - light)

m (0...1) is where the generator's picture changed: elsewhere the photo stays to the bit. k <= m is where it changed
shape and the reproduction differs from the photo: there R1 itself is shown, under the photo's light and with its
grain; where k is 0 the photo keeps its own detail. Neither leaves a seam: both terms vanish where the edit does.

Convention: quads as in `align`; inside, (u, v) are places in the aligned square, 0...1, and colours are float32 levels,
0...255. A `Field` is [GRID, GRID, channels] over the square.
Sources: a picture changed by a ratio or difference of two renderings is Debevec 1998 (differential rendering); the
noise estimate is Immerkaer 1996, "Fast noise variance estimation", with a median for the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from faceloom.errors import ShapeError
from faceloom.faces.align import Quad, align, check_quad, frame_of, side_of
from faceloom.faces.geometry import inverse, moved_by
from faceloom.images import Picture, as_photo

Box = tuple[int, int, int, int]
Field = Float[np.ndarray, "grid grid *c"]

GRID = 256  # what changed, and the light, is looked at in so many places across the square
CORNERS = 4  # the square's fade is a superellipse of this power: 2 would be an ellipse, more is squarer
OPAQUE = 0.86  # of the way from the square's middle to its edge: up to here a change is shown whole, then it fades
SEEN = (3.0, 9.0)  # levels: a smaller change is none, a larger one is shown whole
BESIDE = 0.4  # a change near the square's edge, where the background is, counts so much of one in the face
GHOST = (5.0, 10.0)  # levels of detail that both the edit changed and the reproduction missed: from none to whole
LIGHT = 0.05  # of the square: how far apart the light is the same
WRONG = 25.0  # levels: a reproduction that is further off than this shows something else, not another light
ELSEWHERE = (40.0, 90.0)  # levels: so far off, a tint is not carried over at all
SOFTNESS = (0.0, 0.5, 0.8, 1.2, 1.8, 2.6, 3.8)  # pixels of blur that are tried to match a soft photo
BAND = 256  # rows of the photo that are blended at a time, which bounds the memory


@dataclass(frozen=True, eq=False)
class Plan:
    """What to do to the photo, as fields: `mask` m and `shown` k `[GRID, GRID]`, `light [GRID, GRID, 3]` in levels."""

    mask: Field
    shown: Field
    light: Field


def paste_back(
    photo: Image.Image, face: Picture, quad: Quad, *, original: Picture | None = None, seed: int = 0
) -> Image.Image:
    """Carry the change from `original` to `face` over into the photo, where the quad lies, and give a new photo.

    `original` is the same square before the edit, by the same hand as `face`; without it, it is the photo's own
    square. The photo keeps its resolution; pixels outside the quad, and those that the edit did not change, are
    untouched. `seed` is of the grain. Raises ShapeError when a picture is not square, or the quad is none; FaceError
    when it lies outside the photo.
    """
    quad = np.array(quad, dtype=float)
    check_quad(quad)
    photo, face = as_photo(photo), _square(face, "face")
    side = min(face.width, math.ceil(side_of(quad)))
    own = align(photo, quad, side).image
    before = own if original is None else _resized(_square(original, "original"), side)
    after = _resized(face, side)
    if original is not None:
        blur = softness(own, before)
        before, after = (picture.filter(ImageFilter.GaussianBlur(blur)) for picture in (before, after))
    plan = plan_change(_reduced(own), _reduced(before), _reduced(after), _in_photo(quad, photo.size))
    return _carried_out(photo, before, after, plan, quad, _missing_grain(own, after), seed)


def plan_change(own: Field, before: Field, after: Field, weight: Field | None = None) -> Plan:
    """Say what changed, what must be shown as the generator drew it, and under which light.

    `own`, `before`, `after` are P, R0, R1 as `[GRID, GRID, 3]` levels; `weight [GRID, GRID]` is 0 beyond the photo.
    """
    change, miss = after - before, own - before
    tone, missed = _blurred(change, 0.01), _size(_blurred(miss, 0.01))
    ghost = np.sqrt(_size(change - tone, 0.02) * _size(miss - _blurred(miss, 0.01), 0.02))
    shown = _blurred(_ramp(ghost, GHOST), 0.015).clip(0, 1)
    trust = 1 - _blurred(_ramp(missed, ELSEWHERE), 0.008)
    v, u = ((np.mgrid[:GRID, :GRID] + 0.5) / GRID).astype(np.float32)
    near = BESIDE + (1 - BESIDE) * _ramp(_distance(u, v), (0.95, 0.6))
    mask = _ramp(_size(change, 0.012) * near, SEEN) * np.maximum(trust, shown) * opacity(u, v)
    belief = (1.0 if weight is None else weight) / (1 + (missed / WRONG) ** 4)
    light = _blurred(belief[..., None] * miss, LIGHT) / (_blurred(belief, LIGHT) + 0.02)[..., None]
    return Plan(mask, shown * mask, light)


def opacity(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """Say how far a change is shown: 1 in the middle of the square, 0 from its edge on, smooth between."""
    return _ramp(_distance(u, v), (1 - 2 / GRID, OPAQUE))


def softness(photo: Image.Image, drawn: Image.Image) -> float:
    """Find the blur, in pixels, that makes a drawn square as soft as the photo's own; 0 when it is no sharper."""
    wanted, middle = _detail(_middle(photo)), _middle(drawn)
    found = [_detail(middle.filter(ImageFilter.GaussianBlur(blur))) for blur in SOFTNESS]
    return SOFTNESS[int(np.argmin([abs(math.log((detail + 0.1) / (wanted + 0.1))) for detail in found]))]


def grain(picture: Image.Image) -> float:
    """Estimate the noise of a picture's flat parts: the standard deviation of its luminance, in levels."""
    y = _levels(picture.convert("L"))
    second = y[:-2] - 2 * y[1:-1] + y[2:]
    noise = second[:, :-2] - 2 * second[:, 1:-1] + second[:, 2:]
    spread = noise[2:-2, 2:-2]
    flat = np.abs(spread)[np.abs(y[3:-3, 3:-3] - 128) < 118]  # what is cut off at black or white has no grain
    return float(np.quantile(flat, 0.3) / 0.3853 / 6) if flat.size else 0.0


def _carried_out(
    photo: Image.Image, before: Image.Image, after: Image.Image, plan: Plan, quad: Quad, noise: float, seed: int
) -> Image.Image:
    rng = np.random.default_rng(seed)
    fields = [
        Image.fromarray(np.ascontiguousarray(f)) for f in (plan.mask, plan.shown, *np.moveaxis(plan.light, -1, 0))
    ]
    result = photo.copy()
    for box in _bands(quad, photo.size):
        strip = _levels(photo.crop(box))
        mask, shown, *light = (_levels(_seen(field, quad, box, Image.Resampling.BILINEAR)) for field in fields)
        old, new = (_levels(_seen(square, quad, box, Image.Resampling.BICUBIC)) for square in (before, after))
        grains = noise * rng.standard_normal(mask.shape, np.float32) if noise else np.zeros_like(mask)
        replaced = shown[..., None] * (old + np.stack(light, -1) + grains[..., None] - strip)
        blended = strip + mask[..., None] * (new - old) + replaced
        result.paste(Image.fromarray(blended.round().clip(0, 255).astype(np.uint8)), box[:2])
    return result


def _missing_grain(own: Image.Image, drawn: Image.Image) -> float:
    return math.sqrt(max(0.0, grain(own) ** 2 - grain(drawn) ** 2))


def _middle(square: Image.Image) -> Image.Image:
    """The luminance where the face is."""
    side = square.width
    return square.convert("L").crop((side * 3 // 10, side * 3 // 10, side * 7 // 10, side * 8 // 10))


def _detail(part: Image.Image) -> float:
    """How much a picture varies from pixel to pixel: the root of the mean square, in levels; 0 for a tiny one."""
    y = _levels(part)
    return (
        float(np.sqrt(np.mean(np.diff(y, axis=0) ** 2) + np.mean(np.diff(y, axis=1) ** 2))) if min(y.shape) > 4 else 0.0
    )


def _distance(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """From the square's middle (0) to its edge (1), in the metric that makes circles rounded squares."""
    return np.asarray((np.abs(2 * u - 1) ** CORNERS + np.abs(2 * v - 1) ** CORNERS) ** (1 / CORNERS))


def _ramp(x: Float[np.ndarray, " *s"], ends: tuple[float, float]) -> Float[np.ndarray, " *s"]:
    """From 0 at the first end to 1 at the second, smooth."""
    t = ((x - ends[0]) / (ends[1] - ends[0])).clip(0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _size(field: Field, reach: float = 0.0) -> Field:
    """The root of the mean square over the channels, and within `reach` of the square."""
    square = (field**2).mean(-1)
    return np.asarray(np.sqrt(_blurred(square, reach) if reach else square))


def _blurred(field: Field, reach: float) -> Field:
    """Smooth by a Gaussian of standard deviation `reach` of the square; edges count what is inside."""
    place = np.arange(GRID, dtype=np.float32)
    kernel = np.exp(-((place[:, None] - place) ** 2) / (2 * (reach * GRID) ** 2))
    kernel /= kernel.sum(1, keepdims=True)
    down = np.tensordot(kernel, field, (1, 0))  # [grid, grid, *c]
    return np.asarray(np.swapaxes(np.tensordot(kernel, down, (1, 1)), 0, 1), dtype=np.float32)


def _square(picture: Picture, name: str) -> Image.Image:
    photo = as_photo(picture)
    if photo.width != photo.height:
        raise ShapeError(f"{name}: expected a square, got {photo.width} x {photo.height}")
    return photo


def _resized(square: Image.Image, side: int) -> Image.Image:
    return square if square.width == side else square.resize((side, side), Image.Resampling.LANCZOS)


def _reduced(square: Image.Image) -> Field:
    return _levels(square.resize((GRID, GRID), Image.Resampling.BOX))


def _levels(picture: Image.Image) -> Float[np.ndarray, "h w *c"]:
    return np.asarray(picture, dtype=np.float32)


def _in_photo(quad: Quad, size: tuple[int, int]) -> Field:
    """1 where the grid shows the photo itself, 0 where that was padded."""
    v, u = (np.mgrid[:GRID, :GRID] + 0.5) / GRID
    points = moved_by(frame_of(quad), np.stack([u, v], -1))
    return np.asarray(((points > 0) & (points < size)).all(-1), dtype=np.float32)


def _bands(quad: Quad, size: tuple[int, int]) -> Iterator[Box]:
    """Cover the part of the photo that the quad touches with boxes of few rows."""
    left, top = np.floor(quad.min(0)).clip(0, size).astype(int).tolist()
    right, bottom = np.ceil(quad.max(0)).clip(0, size).astype(int).tolist()
    for y in range(top, bottom, BAND):
        yield left, y, right, min(y + BAND, bottom)


def _seen(picture: Image.Image, quad: Quad, box: Box, resample: Image.Resampling) -> Image.Image:
    """Show the square picture as it lies in a box of the photo."""
    back = inverse(frame_of(quad)) * picture.width  # photo pixels -> the picture's
    shifted = np.column_stack([back[:, :2], back @ (box[0], box[1], 1)])
    size = (box[2] - box[0], box[3] - box[1])
    return picture.transform(size, Image.Transform.AFFINE, shifted.ravel().tolist(), resample)
