"""Paste-back of an edited face into the photo: only what the edit changed changes, everything else stays.

With P the photo, R0 the generated image of the face before the edit and R1 the one after it, the result is

    P + m (R1 - R0) - k (P - R0 - light)

m (0...1) is 1 where the generated image changed. Where m is 0, the photo stays bit-identical. k <= m is 1 where the
edit changed shapes and R0 differs from the photo: there R1 itself is shown, with the photo's light and grain. Where k
is 0, the photo keeps its own detail. Neither term leaves a seam: both vanish where the edit does.

Convention: quads as in `align`; inside, (u, v) are positions in the aligned square, 0...1, and colors are float32
levels, 0...255. A `Field` is [FIELD_SIZE, FIELD_SIZE, channels] over the square;
a `MaskField` has no channels.
Sources: changing a picture by the difference of two renderings is Debevec 1998 (differential rendering). The noise
estimate is Immerkaer 1996, "Fast noise variance estimation", with a quantile instead of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from faceloom.errors import ShapeError
from faceloom.faces.align import Quad, align, check_quad, quad_frame, quad_side
from faceloom.faces.geometry import invert_frame, transform_points
from faceloom.images import Picture, to_photo

Box = tuple[int, int, int, int]
Field = Float[np.ndarray, "grid grid *c"]
ColorField = Float[np.ndarray, "grid grid 3"]
MaskField = Float[np.ndarray, "grid grid"]

FIELD_SIZE = 256  # pixels; side of the fields on which the change and the light are computed
FADE_POWER = 4  # of the superellipse that the mask fades along: 2 would be an ellipse, more is squarer
FADE_START = 0.86  # distance from the square's center (0) to its edge (1) at which the mask begins to fade
CHANGE_LEVELS = (3.0, 9.0)  # levels: a smaller change is ignored, a larger one is shown whole
BORDER_WEIGHT = 0.4  # weight of a change near the square's edge, where the background is; 1 in the face
DETAIL_LEVELS = (5.0, 10.0)  # levels of detail that the edit changed and R0 lacks: from k = 0 to k = 1
LIGHT_REACH = 0.05  # of the square: standard deviation of the blur that estimates the light
MISMATCH_LEVELS = 25.0  # levels: where R0 differs more than this, it shows another object rather than another light
UNTRUSTED_LEVELS = (40.0, 90.0)  # levels: difference of R0 from the photo over which a change of tone is dropped
BLURS = (0.0, 0.5, 0.8, 1.2, 1.8, 2.6, 3.8)  # pixels of blur that are tried to match a soft photo
BAND = 256  # rows of the photo that are blended at a time, which bounds the memory


@dataclass(frozen=True, eq=False)
class ChangePlan:
    """The change of the photo, as fields: `mask` m, `replaced` k, and `light` (three channels, in levels)."""

    mask: MaskField
    replaced: MaskField
    light: ColorField


def paste_back(
    photo: Image.Image, face: Picture, quad: Quad, *, original: Picture | None = None, seed: int = 0
) -> Image.Image:
    """Return a new photo with the change from `original` to `face` applied where the quad lies.

    `original` is the same square before the edit, from the same generator as `face`; by default it is the photo's own
    square. The photo keeps its resolution. Pixels outside the quad, and those that the edit did not change, are
    untouched. `seed` determines the grain. Raises ShapeError when a picture or the quad is not a square, FaceError when
    the quad lies outside the photo.
    """
    quad = np.array(quad, dtype=float)
    check_quad(quad)
    photo, face = to_photo(photo), _check_square(face, "face")
    side = min(face.width, math.ceil(quad_side(quad)))
    photo_square = align(photo, quad, side).image
    before = photo_square if original is None else _resize(_check_square(original, "original"), side)
    after = _resize(face, side)
    if original is not None:
        blur = matching_blur(photo_square, before)
        before, after = (picture.filter(ImageFilter.GaussianBlur(blur)) for picture in (before, after))
    in_photo = _inside_photo(quad, photo.size)
    plan = plan_change(_to_field(photo_square), _to_field(before), _to_field(after), in_photo)
    return _apply_plan(photo, before, after, plan, quad, _missing_grain(photo_square, after), seed)


def plan_change(
    photo_square: ColorField, before: ColorField, after: ColorField, weight: MaskField | None = None
) -> ChangePlan:
    """Compute where the face changed, where the generated image must replace the photo, and the light there.

    `photo_square`, `before`, `after` are P, R0, R1 as fields of three channels, in levels; `weight` is a field without
    channels that is 0 beyond the photo.
    """
    change, difference = after - before, photo_square - before
    tone, tone_difference = _blur(change, 0.01), _magnitude(_blur(difference, 0.01))
    detail = np.sqrt(_magnitude(change - tone, 0.02) * _magnitude(difference - _blur(difference, 0.01), 0.02))
    replaced = _blur(_ramp(detail, DETAIL_LEVELS), 0.015).clip(0, 1)
    trust = 1 - _blur(_ramp(tone_difference, UNTRUSTED_LEVELS), 0.008)
    v, u = ((np.mgrid[:FIELD_SIZE, :FIELD_SIZE] + 0.5) / FIELD_SIZE).astype(np.float32)
    in_face = BORDER_WEIGHT + (1 - BORDER_WEIGHT) * _ramp(_distance(u, v), (0.95, 0.6))
    mask = _ramp(_magnitude(change, 0.012) * in_face, CHANGE_LEVELS) * np.maximum(trust, replaced) * fade_mask(u, v)
    light_weight = (1.0 if weight is None else weight) / (1 + (tone_difference / MISMATCH_LEVELS) ** 4)
    light = _blur(light_weight[..., None] * difference, LIGHT_REACH)
    light = light / (_blur(light_weight, LIGHT_REACH) + 0.02)[..., None]
    return ChangePlan(mask, replaced * mask, light)


def fade_mask(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """Return the opacity at positions of the square: 1 in the middle, 0 from its edge on, smooth between."""
    return _ramp(_distance(u, v), (1 - 2 / FIELD_SIZE, FADE_START))


def matching_blur(photo_square: Image.Image, generated: Image.Image) -> float:
    """Return the blur, in pixels, that makes a generated square as soft as the photo's; 0 when it is no sharper."""
    target, face = _detail(_face_luminance(photo_square)), _face_luminance(generated)
    details = [_detail(face.filter(ImageFilter.GaussianBlur(blur))) for blur in BLURS]
    return BLURS[int(np.argmin([abs(math.log((detail + 0.1) / (target + 0.1))) for detail in details]))]


def estimate_grain(picture: Image.Image) -> float:
    """Estimate the noise of a picture's flat parts: the standard deviation of its luminance, in levels."""
    y = _levels(picture.convert("L"))
    second = y[:-2] - 2 * y[1:-1] + y[2:]
    noise = second[:, :-2] - 2 * second[:, 1:-1] + second[:, 2:]
    inner = noise[2:-2, 2:-2]
    unclipped = np.abs(inner)[np.abs(y[3:-3, 3:-3] - 128) < 118]  # clipped black or white has no grain
    return float(np.quantile(unclipped, 0.3) / 0.3853 / 6) if unclipped.size else 0.0


def _apply_plan(
    photo: Image.Image,
    before: Image.Image,
    after: Image.Image,
    plan: ChangePlan,
    quad: Quad,
    noise: float,
    seed: int,
) -> Image.Image:
    """Return the photo with the change, blended in bands of rows; `noise` is the grain to add, in levels."""
    rng = np.random.default_rng(seed)
    planes = (plan.mask, plan.replaced, *np.moveaxis(plan.light, -1, 0))
    fields = [Image.fromarray(np.ascontiguousarray(plane)) for plane in planes]
    result = photo.copy()
    for box in _bands(quad, photo.size):
        strip = _levels(photo.crop(box))
        mask, replaced, *light = (_levels(_project(field, quad, box, Image.Resampling.BILINEAR)) for field in fields)
        old, new = (_levels(_project(square, quad, box, Image.Resampling.BICUBIC)) for square in (before, after))
        grain = noise * rng.standard_normal(mask.shape, np.float32) if noise else np.zeros_like(mask)
        correction = replaced[..., None] * (old + np.stack(light, -1) + grain[..., None] - strip)
        blended = strip + mask[..., None] * (new - old) + correction
        result.paste(Image.fromarray(blended.round().clip(0, 255).astype(np.uint8)), box[:2])
    return result


def _missing_grain(photo_square: Image.Image, generated: Image.Image) -> float:
    return math.sqrt(max(0.0, estimate_grain(photo_square) ** 2 - estimate_grain(generated) ** 2))


def _face_luminance(square: Image.Image) -> Image.Image:
    """Return the luminance of the square's middle, where the face is."""
    side = square.width
    return square.convert("L").crop((side * 3 // 10, side * 3 // 10, side * 7 // 10, side * 8 // 10))


def _detail(part: Image.Image) -> float:
    """Return the root mean square of the differences of neighboring pixels, in levels; 0 for a tiny picture."""
    y = _levels(part)
    if min(y.shape) <= 4:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(y, axis=0) ** 2) + np.mean(np.diff(y, axis=1) ** 2)))


def _distance(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """Return the distance from the square's center (0) to its edge (1), whose circles are rounded squares."""
    return np.asarray((np.abs(2 * u - 1) ** FADE_POWER + np.abs(2 * v - 1) ** FADE_POWER) ** (1 / FADE_POWER))


def _ramp(x: Float[np.ndarray, " *s"], ends: tuple[float, float]) -> Float[np.ndarray, " *s"]:
    """Rise smoothly from 0 at the first end to 1 at the second."""
    t = ((x - ends[0]) / (ends[1] - ends[0])).clip(0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _magnitude(field: ColorField, reach: float = 0.0) -> MaskField:
    """Return the root mean square over the channels, and over a blur of `reach` of the square."""
    square = (field**2).mean(-1)
    return np.asarray(np.sqrt(_blur(square, reach) if reach else square))


def _blur(field: Field, reach: float) -> Field:
    """Blur by a Gaussian of standard deviation `reach` of the square; at the edges, only inner values count."""
    position = np.arange(FIELD_SIZE, dtype=np.float32)
    kernel = np.exp(-((position[:, None] - position) ** 2) / (2 * (reach * FIELD_SIZE) ** 2))
    kernel /= kernel.sum(1, keepdims=True)
    down = np.tensordot(kernel, field, (1, 0))  # [grid, grid, *c]
    return np.asarray(np.swapaxes(np.tensordot(kernel, down, (1, 1)), 0, 1), dtype=np.float32)


def _check_square(picture: Picture, name: str) -> Image.Image:
    photo = to_photo(picture)
    if photo.width != photo.height:
        raise ShapeError(f"{name}: expected a square, got {photo.width} x {photo.height}")
    return photo


def _resize(square: Image.Image, side: int) -> Image.Image:
    return square if square.width == side else square.resize((side, side), Image.Resampling.LANCZOS)


def _to_field(square: Image.Image) -> ColorField:
    return _levels(square.resize((FIELD_SIZE, FIELD_SIZE), Image.Resampling.BOX))


def _levels(picture: Image.Image) -> Float[np.ndarray, "h w *c"]:
    return np.asarray(picture, dtype=np.float32)


def _inside_photo(quad: Quad, size: tuple[int, int]) -> MaskField:
    """Return a field that is 1 where the square shows the photo itself, 0 where it shows padding."""
    v, u = (np.mgrid[:FIELD_SIZE, :FIELD_SIZE] + 0.5) / FIELD_SIZE
    points = transform_points(quad_frame(quad), np.stack([u, v], -1))
    return np.asarray(((points > 0) & (points < size)).all(-1), dtype=np.float32)


def _bands(quad: Quad, size: tuple[int, int]) -> Iterator[Box]:
    """Yield boxes of at most BAND rows that cover the part of the photo that the quad touches."""
    left, top = np.floor(quad.min(0)).clip(0, size).astype(int).tolist()
    right, bottom = np.ceil(quad.max(0)).clip(0, size).astype(int).tolist()
    for y in range(top, bottom, BAND):
        yield left, y, right, min(y + BAND, bottom)


def _project(picture: Image.Image, quad: Quad, box: Box, resample: Image.Resampling) -> Image.Image:
    """Return the square picture as it lies in a box of the photo."""
    back = invert_frame(quad_frame(quad)) * picture.width  # photo pixels -> the picture's
    shifted = np.column_stack([back[:, :2], back @ (box[0], box[1], 1)])
    size = (box[2] - box[0], box[3] - box[1])
    return picture.transform(size, Image.Transform.AFFINE, shifted.ravel().tolist(), resample)
