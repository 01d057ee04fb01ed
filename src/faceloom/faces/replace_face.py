"""Replacement of the face in a photo by another one: the whole face changes, and hair, neck and background stay.

The generated face takes the colors and the light of the photo's: its colors are matched to those of the skin that both
show, and a smooth field of light brings every neighborhood to the photo's own brightness. The mask follows the face;
outside the ellipse of eyes, nose and mouth it ends where both pictures disagree, as at a strand of hair or at a hand,
so that no edge of the generated picture shows.

Convention: quads as in `align`; fields are those of `faces.fields`. Colors are float32 levels, 0...255.
Source: the transfer of colors is Reinhard et al. 2001, "Color Transfer between Images", in RGB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from faceloom.faces.align import Quad, align, quad_side
from faceloom.faces.fields import FIELD_SIZE, ColorField, MaskField, blur, enlarge, magnitude, ramp
from faceloom.faces.paste_back import apply_change, fade_mask, inside_photo, matching_blur, missing_grain

CORE_CENTER, CORE_RADII = (0.5, 0.61), (0.27, 0.31)  # of the square: ellipse of brows, eyes, nose and mouth
CORE_EDGE = (0.9, 1.2)  # distance from its center over which the mask begins to depend on the agreement
DISAGREEMENT = (40.0, 90.0)  # levels: difference of tone over which the mask ends outside the core
FEATURES_CENTER, FEATURES_RADII = (0.5, 0.6), (0.22, 0.2)  # of the square: ellipse in which faces may differ at will
MISMATCH = (8.0, 40.0)  # levels: difference of tone that counts as a mismatch, from not at all to fully
MASK_RAMP = (0.3, 0.8)  # blurred mask of the face that becomes 0 and 1
FEATHER = 0.012  # of the square: standard deviation of the blur of the mask
LIGHT_REACH = 0.08  # of the square: standard deviation of the blur that estimates the light
MISMATCH_LEVELS = 30.0  # levels: where the pictures differ more than this, they show different things
GAINS = (0.75, 1.2)  # least and greatest change of contrast by the transfer of colors
ROUNDS = 3  # of the transfer, whose weights depend on the difference that it leaves

Mask = Float[np.ndarray, "mask_height mask_width"]
PerChannel = Float[np.ndarray, " c"]


@dataclass(frozen=True, eq=False)
class ReplacementPlan:
    """The opacity of the new face, and what its colors become: `gain * color + offset + light`.

    `mismatch` is the part of the face, 0...1, in which both pictures show different things; brows, eyes, nose and mouth
    do not count.
    """

    mask: MaskField
    light: ColorField
    gain: PerChannel
    offset: PerChannel
    mismatch: float


def replace_face(photo: Image.Image, face: Image.Image, quad: Quad, mask: Mask, *, seed: int = 0) -> Image.Image:
    """Return a new photo whose face, where the quad lies, is replaced by the one of an aligned picture.

    `mask` is where the face lies in `face`, 0...1, a square of any resolution. Pixels outside it are untouched. The new
    face has the photo's sharpness and grain; `seed` determines the grain.
    Raises ShapeError when the quad is not a square, FaceError when it lies outside the photo.
    """
    side = min(face.width, math.ceil(quad_side(quad)))
    photo_square = align(photo, quad, side).image
    generated = face if face.width == side else face.resize((side, side), Image.Resampling.LANCZOS)
    generated = generated.filter(ImageFilter.GaussianBlur(matching_blur(photo_square, generated)))
    visible = inside_photo(quad, photo.size)
    plan = plan_replacement(_to_field(photo_square), _to_field(generated), mask, visible)
    colors = np.asarray(generated, dtype=np.float32) * plan.gain + plan.offset + enlarge(plan.light, side)
    opacity = enlarge(plan.mask, side)
    grain = missing_grain(photo_square, generated)
    return apply_change(photo, opacity[..., None] * colors, opacity, quad, grain, seed)


def measure_mismatch(picture: Image.Image, face: Image.Image, mask: Mask) -> float:
    """Return the part of a face, 0...1, in which two aligned pictures still show different things in the same colors.

    Hair over a forehead and another shape of the jaw count, because the replaced face would end there with an edge.
    `mask` as in `replace_face`.
    """
    whole = np.ones((FIELD_SIZE, FIELD_SIZE), dtype=np.float32)
    return plan_replacement(_to_field(picture), _to_field(face), mask, whole).mismatch


def plan_replacement(photo: ColorField, generated: ColorField, mask: Mask, visible: MaskField) -> ReplacementPlan:
    """Compute the mask and the colors of a replacement; `visible` is 1 where the square shows the photo itself."""
    face = ramp(blur(enlarge(np.asarray(mask, dtype=np.float32), FIELD_SIZE), FEATHER), MASK_RAMP)
    gain, offset = match_colors(generated, photo, face * visible)
    matched = generated * gain + offset
    weight = face * visible * _agreement(photo, matched)
    light = blur(weight[..., None] * (photo - matched), LIGHT_REACH)
    light = light / (blur(weight, LIGHT_REACH) + 0.02)[..., None]
    rest = magnitude(blur(photo - matched - light, 0.008))
    agrees = 1 - ramp(rest, DISAGREEMENT)
    v, u = ((np.mgrid[:FIELD_SIZE, :FIELD_SIZE] + 0.5) / FIELD_SIZE).astype(np.float32)
    outer = ramp(_distance(u, v, CORE_CENTER, CORE_RADII), CORE_EDGE)
    opacity = face * (1 - outer * (1 - blur(agrees, 0.01))) * fade_mask(u, v)
    calm = face * ramp(_distance(u, v, FEATURES_CENTER, FEATURES_RADII), CORE_EDGE)
    mismatch = float((calm * ramp(rest, MISMATCH)).sum() / (calm.sum() + 1e-6))
    return ReplacementPlan(np.asarray(opacity, dtype=np.float32), light, gain, offset, mismatch)


def match_colors(colors: ColorField, target: ColorField, weight: MaskField) -> tuple[PerChannel, PerChannel]:
    """Return the gain and the offset of each channel that bring colors to the target's mean and contrast.

    Where both still differ strongly after one round, they show different things, and count less in the next.
    """
    gain, offset, counts = np.ones(3, dtype=np.float32), np.zeros(3, dtype=np.float32), weight
    for _ in range(ROUNDS):
        share = counts[..., None] / (counts.sum() + 1e-6)
        mean, target_mean = ((share * field).sum((0, 1)) for field in (colors, target))
        spread, target_spread = (
            np.sqrt((share * (field - middle) ** 2).sum((0, 1)))
            for field, middle in ((colors, mean), (target, target_mean))
        )
        gain = (target_spread / (spread + 1e-3)).clip(*GAINS).astype(np.float32)
        offset = (target_mean - gain * mean).astype(np.float32)
        counts = weight * _agreement(target, colors * gain + offset)
    return gain, offset


def _agreement(a: ColorField, b: ColorField) -> MaskField:
    """Return 1 where two pictures have the same tone, and less where they show different things."""
    return np.asarray(1 / (1 + (magnitude(blur(a - b, 0.01)) / MISMATCH_LEVELS) ** 4), dtype=np.float32)


def _distance(u: MaskField, v: MaskField, center: tuple[float, float], radii: tuple[float, float]) -> MaskField:
    """Return the distance from the center (0) of an ellipse to its edge (1)."""
    (x, y), (width, height) = center, radii
    return np.asarray(np.hypot((u - x) / width, (v - y) / height), dtype=np.float32)


def _to_field(square: Image.Image) -> ColorField:
    return np.asarray(square.resize((FIELD_SIZE, FIELD_SIZE), Image.Resampling.BOX), dtype=np.float32)
