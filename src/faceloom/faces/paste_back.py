"""Paste-back of an edited face into the photo: only what the edit changed changes, everything else stays.

With P the photo, R0 the generated image of the face before the edit and R1 the one after it, D = R1 - R0 is split into
a recoloring, which is an affine function of the color in every neighborhood, and the rest E, which are new shapes:

    D = A R0 + b + E,    result = P + m ((1 - k) (A (P - light) + b + g E) + k (R1 + light - P))

The recoloring follows the photo's own colors. Hair that becomes white does so along the outline that it has in the
photo, in proportion to its opacity, and a wall behind it keeps its color. New shapes appear where R0 agrees with the
photo (g = 1). Where the edit changed shapes and R0 lacks the photo's detail, R1 itself is shown (k = 1), with the
photo's light and grain. In the ellipse of eyes, nose and mouth every change is a new shape. The mask m is 0 where
nothing changed, and the photo stays bit-identical there. No term leaves a seam, because each vanishes where the edit
does.

Convention: quads as in `align`; inside, (u, v) are positions in the aligned square, 0...1, and colors are float32
levels, 0...255. Fields are those of `faces.fields`, FIELD_SIZE pixels wide.
Sources: changing a picture by the difference of two renderings is Debevec 1998 (differential rendering). The
noise estimate is Immerkaer 1996, "Fast noise variance estimation", with a quantile instead of the mean.
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
from faceloom.faces.fields import (
    FIELD_SIZE,
    ColorField,
    ColorFunction,
    Colors,
    MaskField,
    blur,
    color_distance,
    enlarge,
    fine_detail,
    fit_colors,
    local_extremes,
    magnitude,
    ramp,
)
from faceloom.faces.geometry import invert_frame, transform_points
from faceloom.images import Picture, to_photo

Box = tuple[int, int, int, int]
Plane = Float[np.ndarray, "side side"]
Mask = Float[np.ndarray, "mask_height mask_width"]

FADE_POWER = 4  # of the superellipse that the mask fades along: 2 would be an ellipse, more is squarer
FADE_START = 0.86  # distance from the square's center (0) to its edge (1) at which the mask begins to fade
CHANGE_LEVELS = (3.0, 9.0)  # levels: a smaller change is ignored, a larger one is shown whole
BORDER_WEIGHT = 0.4  # weight of a change near the square's edge, where the background is; 1 in the face
DETAIL_LEVELS = (5.0, 10.0)  # levels of detail that the edit changed and R0 lacks: from k = 0 to k = 1
LIGHT_REACH = 0.05  # of the square: standard deviation of the blur that estimates the light
MISMATCH_LEVELS = 25.0  # levels: where R0 differs more than this, it shows another object rather than another light
FACE_CENTER, FACE_RADII = (0.5, 0.57), (0.24, 0.27)  # of the square: ellipse of eyes, nose and mouth when aligned
FACE_EDGE = (1.0, 1.4)  # distance from its center over which recoloring begins: from the face to hair and outline
UNTRUSTED_IN_FACE = (40.0, 90.0)  # levels: difference in tone over which the change is dropped in the face
UNTRUSTED_LEVELS = (8.0, 20.0)  # levels: difference of R0 from the photo over which new shapes are dropped
UNKNOWN_COLORS = (3.0, 5.0)  # standard deviations from the colors around: from a recolored pixel to an unchanged one
SHAPE_SHARES = (0.35, 0.6)  # share of the change that no recoloring explains: from a recoloring to a new shape
MATTE_RAMP = (0.25, 0.75)  # fitted opacities that become 0 and 1
BLURS = (0.0, 0.5, 0.8, 1.2, 1.8, 2.6, 3.8)  # pixels of blur that are tried to match a soft photo
BAND = 256  # rows of the photo that are blended at a time, which bounds the memory


@dataclass(frozen=True, eq=False)
class ChangePlan:
    """The change of the photo, as fields.

    `mask` is m without the matte, `replaced` k, `trusted` g, `light` three channels in levels. `recoloring` is A and b,
    whose result lies between the least and the greatest of the `changes` around, and leads to no color beyond the
    `colors` of R1 around. It is used where the photo's colors are `known`: near those of R0 around. `matte` is the
    opacity of what may change, or None for everything.
    """

    mask: MaskField
    replaced: MaskField
    trusted: MaskField
    known: MaskField
    light: ColorField
    recoloring: ColorFunction
    changes: tuple[ColorField, ColorField]
    colors: tuple[ColorField, ColorField]
    matte: ColorFunction | None


def paste_back(
    photo: Image.Image,
    face: Picture,
    quad: Quad,
    *,
    original: Picture | None = None,
    mask: Mask | None = None,
    seed: int = 0,
) -> Image.Image:
    """Return a new photo with the change from `original` to `face` applied where the quad lies.

    `original` is the same square before the edit, from the same generator as `face`; by default it is the photo's own
    square. `mask` is where the square may change, 0...1, of any resolution; by default everywhere. The photo keeps its
    resolution. Pixels outside the quad, and those that the edit did not change, are untouched. `seed` determines the
    grain. Raises ShapeError when a picture, the mask or the quad is not a square, FaceError when the quad lies outside
    the photo.
    """
    quad = np.array(quad, dtype=float)
    check_quad(quad)
    photo, face = to_photo(photo), _check_square(face, "face")
    side = min(face.width, math.ceil(quad_side(quad)))
    photo_square = align(photo, quad, side).image
    before = photo_square if original is None else _resize(_check_square(original, "original"), side)
    after = _resize(face, side)
    if original is not None:
        softness = ImageFilter.GaussianBlur(matching_blur(photo_square, before))
        before, after = before.filter(softness), after.filter(softness)
    plan = plan_change(
        *(_to_field(picture) for picture in (photo_square, before, after)),
        weight=inside_photo(quad, photo.size),
        allowed=None if mask is None else _to_mask_field(mask),
    )
    added, replaced = compute_change(plan, *(_levels(picture) for picture in (photo_square, before, after)))
    return apply_change(photo, added, replaced, quad, missing_grain(photo_square, after), seed)


def plan_change(
    photo_square: ColorField,
    before: ColorField,
    after: ColorField,
    *,
    weight: MaskField | None = None,
    allowed: MaskField | None = None,
) -> ChangePlan:
    """Compute where the face changed, how its colors changed, and where the generated image must replace the photo.

    `photo_square`, `before`, `after` are P, R0, R1 as fields of three channels, in levels; `weight` is a field without
    channels that is 0 beyond the photo; `allowed` is 0 where nothing may change.
    """
    change, difference = after - before, photo_square - before
    v, u = ((np.mgrid[:FIELD_SIZE, :FIELD_SIZE] + 0.5) / FIELD_SIZE).astype(np.float32)
    tone_difference = magnitude(blur(difference, 0.01))
    recoloring = fit_colors(before, change).weighted(ramp(_face_distance(u, v), FACE_EDGE))
    shapes = change - recoloring(before)
    detail = np.sqrt(magnitude(fine_detail(shapes), 0.02) * magnitude(fine_detail(difference), 0.02))
    is_shape = ramp(magnitude(shapes, 0.02) / (magnitude(change, 0.02) + 1), SHAPE_SHARES)
    in_face = BORDER_WEIGHT + (1 - BORDER_WEIGHT) * ramp(_distance(u, v), (0.95, 0.6)) if allowed is None else 1.0
    light_weight = (1.0 if weight is None else weight) / (1 + (tone_difference / MISMATCH_LEVELS) ** 4)
    light = blur(light_weight[..., None] * difference, LIGHT_REACH)
    light = light / (blur(light_weight, LIGHT_REACH) + 0.02)[..., None]
    return ChangePlan(
        mask=ramp(magnitude(change, 0.012) * in_face, CHANGE_LEVELS) * fade_mask(u, v),
        replaced=blur(is_shape * ramp(detail, DETAIL_LEVELS), 0.015).clip(0, 1),
        trusted=_trust(tone_difference, magnitude(blur(difference - light, 0.005)), _face_distance(u, v)),
        light=light,
        known=1 - ramp(color_distance(photo_square - light, before), UNKNOWN_COLORS),
        recoloring=recoloring,
        changes=local_extremes(change),
        colors=local_extremes(after),
        matte=None if allowed is None else fit_colors(photo_square, allowed[..., None]),
    )


def _trust(tone_difference: MaskField, difference: MaskField, face_distance: MaskField) -> MaskField:
    """Return where R0 agrees with the photo, so that new shapes are shown: in tone in the face, exactly around it."""
    inside = 1 - blur(ramp(tone_difference, UNTRUSTED_IN_FACE), 0.008)
    outside = 1 - blur(ramp(difference, UNTRUSTED_LEVELS), 0.008)
    return np.asarray(inside + ramp(face_distance, FACE_EDGE) * (outside - inside), dtype=np.float32).clip(0, 1)


def compute_change(plan: ChangePlan, photo_square: Colors, before: Colors, after: Colors) -> tuple[Colors, Plane]:
    """Return what is added to the photo, in levels, and the part of the photo that is replaced, 0...1."""
    side = len(photo_square)
    light = enlarge(plan.light, side)
    planes = (plan.mask, plan.replaced, plan.trusted, plan.known)
    mask, replaced, trusted, known = (enlarge(plane, side)[..., None] for plane in planes)
    if plan.matte is not None:
        mask = mask * ramp(plan.matte(photo_square), MATTE_RAMP)
    limits = _with_zero(*(enlarge(field, side) for field in plan.changes))
    shapes = after - before - plan.recoloring(before).clip(*limits)
    recolored = known * plan.recoloring(photo_square - light).clip(*limits)
    recolored = recolored.clip(*_with_zero(*(enlarge(field, side) + light - photo_square for field in plan.colors)))
    added = mask * ((1 - replaced) * (recolored + trusted * shapes) + replaced * (after + light))
    return added, (mask * replaced)[..., 0]


def _with_zero(lowest: Colors, highest: Colors) -> tuple[Colors, Colors]:
    """Return the limits of a range, widened to hold 0."""
    return np.minimum(lowest, 0), np.maximum(highest, 0)


def fade_mask(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """Return the opacity at positions of the square: 1 in the middle, 0 from its edge on, smooth between."""
    return ramp(_distance(u, v), (1 - 2 / FIELD_SIZE, FADE_START))


def matching_blur(photo_square: Image.Image, generated: Image.Image) -> float:
    """Return the blur, in pixels, that makes a generated square as soft as the photo's; 0 when it is no sharper."""
    target, face = _detail(_face_luminance(photo_square)), _face_luminance(generated)
    details = [_detail(face.filter(ImageFilter.GaussianBlur(pixels))) for pixels in BLURS]
    return BLURS[int(np.argmin([abs(math.log((detail + 0.1) / (target + 0.1))) for detail in details]))]


def estimate_grain(picture: Image.Image) -> float:
    """Estimate the noise of a picture's flat parts: the standard deviation of its luminance, in levels."""
    y = _levels(picture.convert("L"))
    second = y[:-2] - 2 * y[1:-1] + y[2:]
    noise = second[:, :-2] - 2 * second[:, 1:-1] + second[:, 2:]
    inner = noise[2:-2, 2:-2]
    unclipped = np.abs(inner)[np.abs(y[3:-3, 3:-3] - 128) < 118]  # clipped black or white has no grain
    return float(np.quantile(unclipped, 0.3) / 0.3853 / 6) if unclipped.size else 0.0


def apply_change(
    photo: Image.Image, added: Colors, replaced: Plane, quad: Quad, noise: float, seed: int
) -> Image.Image:
    """Return the photo with the change, computed in bands of rows; `noise` is the grain to add, in levels."""
    rng = np.random.default_rng(seed)
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in (*np.moveaxis(added, -1, 0), replaced)]
    result = photo.copy()
    for box in _bands(quad, photo.size):
        strip = _levels(photo.crop(box))
        *change, part = (_levels(_project(plane, quad, box, Image.Resampling.BICUBIC)) for plane in planes)
        kept = 1 - part[..., None]
        blended = kept * strip + np.stack(change, -1)
        if noise:
            blended += (1 - kept) * noise * rng.standard_normal((*part.shape, 1), np.float32)
        result.paste(Image.fromarray(blended.round().clip(0, 255).astype(np.uint8)), box[:2])
    return result


def missing_grain(photo_square: Image.Image, generated: Image.Image) -> float:
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


def _face_distance(u: Float[np.ndarray, " *s"], v: Float[np.ndarray, " *s"]) -> Float[np.ndarray, " *s"]:
    """Return the distance from the center (0) of the ellipse of eyes, nose and mouth to its edge (1)."""
    (x, y), (width, height) = FACE_CENTER, FACE_RADII
    return np.asarray(np.hypot((u - x) / width, (v - y) / height), dtype=np.float32)


def _to_mask_field(mask: Mask) -> MaskField:
    if mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        raise ShapeError(f"mask: expected a square, got {list(mask.shape)}")
    return enlarge(np.asarray(mask, dtype=np.float32), FIELD_SIZE)


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


def inside_photo(quad: Quad, size: tuple[int, int]) -> MaskField:
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
