"""Fields over the aligned square: blurs, extremes, and functions of the color that are fitted in every neighborhood.

Colors near an outline lie on a line between those of both sides (Levin et al. 2008), so that affine functions of the
color carry its opacity. They are fitted as in the guided filter (He et al. 2013).

Convention: a `Field` is [grid, grid, channels] over the square, usually FIELD_SIZE pixels wide; a `MaskField` has no
channels. Colors are float32 levels, 0...255. A reach is a standard deviation as a fraction of the square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image

Field = Float[np.ndarray, "grid grid *c"]
ColorField = Float[np.ndarray, "grid grid 3"]
MaskField = Float[np.ndarray, "grid grid"]
Colors = Float[np.ndarray, "side side 3"]

FIELD_SIZE = 256  # pixels; the usual side of a field
FIT_REACH = 0.03  # of the square: standard deviation of the neighborhoods in which colors are fitted
FIT_NOISE = 5.0  # levels: contrasts below this do not tell colors apart
BLOCK = 2  # pixels of a field; a change of color stays between the extremes of the blocks around


@dataclass(frozen=True, eq=False)
class ColorFunction:
    """An affine function of the color in every neighborhood: `gain` [grid, grid, c, 3] and `offset` [grid, grid, c]."""

    gain: Float[np.ndarray, "grid grid c 3"]
    offset: Float[np.ndarray, "grid grid c"]

    def __call__(self, colors: Colors) -> Float[np.ndarray, "side side c"]:
        """Evaluate the function for the colors of a square of any size."""
        side = len(colors)
        result = enlarge(self.offset, side)
        for channel in range(3):
            result += enlarge(self.gain[..., channel], side) * colors[..., channel, None]
        return result

    def weighted(self, weight: MaskField) -> ColorFunction:
        """Return the function times a weight."""
        weight = enlarge(weight, len(self.gain))
        return ColorFunction(self.gain * weight[..., None, None], self.offset * weight[..., None])


def fit_colors(colors: ColorField, target: Float[np.ndarray, "grid grid c"]) -> ColorFunction:
    """Fit the target as an affine function of the color in every neighborhood, by regularized least squares.

    The result has half the resolution.
    """
    few_colors, few = _halve(colors), _halve(target)
    mean, target_mean = blur(few_colors, FIT_REACH), blur(few, FIT_REACH)
    joint = blur(few[..., :, None] * few_colors[..., None, :], FIT_REACH) - target_mean[..., None] * mean[..., None, :]
    gain = np.swapaxes(np.linalg.solve(_covariance(few_colors, mean), np.swapaxes(joint, -1, -2)), -1, -2)  # [g g c 3]
    offset = target_mean - (gain @ mean[..., None])[..., 0]
    return ColorFunction(blur(gain, FIT_REACH / 2), blur(offset, FIT_REACH / 2))


def color_distance(colors: ColorField, known: ColorField) -> MaskField:
    """Return the distance of colors from the known ones around them, in standard deviations (Mahalanobis 1936)."""
    few = _halve(known)
    mean = blur(few, FIT_REACH)
    deviation = (_halve(colors) - mean)[..., None]
    scaled = np.linalg.solve(_covariance(few, mean), deviation)
    return enlarge(np.sqrt((deviation * scaled).sum((-2, -1)).clip(0)), FIELD_SIZE)


def _covariance(colors: ColorField, mean: ColorField) -> Float[np.ndarray, "grid grid 3 3"]:
    """Return the covariance of the colors in every neighborhood, with that of noise added."""
    pairs = blur(colors[..., :, None] * colors[..., None, :], FIT_REACH)
    noise = FIT_NOISE**2 * np.eye(3, dtype=np.float32)
    return np.asarray(pairs - mean[..., :, None] * mean[..., None, :] + noise, dtype=np.float32)


def local_extremes(field: ColorField) -> tuple[ColorField, ColorField]:
    """Return the lowest and the highest values in a neighborhood of every pixel."""
    count = FIELD_SIZE // BLOCK
    blocks = field.reshape(count, BLOCK, count, BLOCK, -1)
    extremes = []
    for pick in (np.min, np.max):
        padded = np.pad(pick(blocks, axis=(1, 3)), ((1, 1), (1, 1), (0, 0)), mode="edge")
        around = [padded[y : y + count, x : x + count] for y in range(3) for x in range(3)]
        extremes.append(enlarge(pick(np.stack(around), axis=0), FIELD_SIZE))
    return extremes[0], extremes[1]


def blur(field: Field, reach: float) -> Field:
    """Blur by a Gaussian of standard deviation `reach` of the square; at the edges, only inner values count."""
    position = np.arange(len(field), dtype=np.float32)
    kernel = np.exp(-((position[:, None] - position) ** 2) / (2 * (reach * len(field)) ** 2))
    kernel /= kernel.sum(1, keepdims=True)
    down = np.tensordot(kernel, field, (1, 0))  # [grid, grid, *c]
    return np.asarray(np.swapaxes(np.tensordot(kernel, down, (1, 1)), 0, 1), dtype=np.float32)


def magnitude(field: ColorField, reach: float = 0.0) -> MaskField:
    """Return the root mean square over the channels, and over a blur of `reach` of the square."""
    square = (field**2).mean(-1)
    return np.asarray(np.sqrt(blur(square, reach) if reach else square))


def fine_detail(field: ColorField) -> ColorField:
    """Return the detail of a field: the difference to a blur."""
    return np.asarray(field - blur(field, 0.01), dtype=np.float32)


def _halve(field: Field) -> Float[np.ndarray, "half half *c"]:
    """Return a field at half its resolution."""
    size = len(field) // 2
    return np.asarray(field.reshape(size, 2, size, 2, *field.shape[2:]).mean((1, 3)), dtype=np.float32)


def enlarge(field: Field, side: int) -> Float[np.ndarray, "side side *c"]:
    """Resize a field to a square of `side` pixels."""
    planes = field.reshape(*field.shape[:2], -1).astype(np.float32, copy=False)
    resized = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(planes[..., i])).resize((side, side), Image.Resampling.BILINEAR)
        )
        for i in range(planes.shape[-1])
    ]
    return np.stack(resized, -1).reshape(side, side, *field.shape[2:])


def ramp(x: Float[np.ndarray, " *s"], ends: tuple[float, float]) -> Float[np.ndarray, " *s"]:
    """Rise smoothly from 0 at the first end to 1 at the second."""
    t = ((x - ends[0]) / (ends[1] - ends[0])).clip(0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
