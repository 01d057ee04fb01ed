"""Skin tone of an aligned face, as the individual typology angle (ITA) of the skin. Uses no network."""

from __future__ import annotations

import torch
from torch import Tensor

from faceloom.images.tensors import Img

CHEEKS = ((0.29, 0.39), (0.61, 0.71))  # left and right limits of both cheeks, as fractions of the width of the crop
CHEEK_ROWS = (0.54, 0.64)  # upper and lower limit of the cheeks, as fractions of the height

MIDDLE, MIDDLE_ROWS = (0.30, 0.70), (0.42, 0.80)  # limits of the middle of the face

_TO_XYZ = torch.tensor([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = torch.tensor([0.9505, 1.0, 1.089])  # D65


def skin_tone(img: Img) -> Tensor:
    """Measure the individual typology angle of the skin, in degrees, of every face of a batch.

    Convention: img `[n, 3, h, w]`, -1...1, aligned as FFHQ; the result `[n]` is arctan((L - 50) / b) of a CIELAB color
    (Chardon et al. 1991): the mean of the medians of the cheeks and of the middle of the face, because a smile or a
    wrinkle darkens a cheek alone. Light and white balance change it, so it compares pictures of one face rather than
    people.
    """
    cheeks = torch.cat([_lab_of(img, columns, CHEEK_ROWS) for columns in CHEEKS], 2).median(2).values
    lab = (cheeks + _lab_of(img, MIDDLE, MIDDLE_ROWS).median(2).values) / 2  # [n 3]
    return torch.rad2deg(torch.atan2(lab[:, 0] - 50, lab[:, 2].clamp_min(1e-3)))


def face_color(img: Img) -> Tensor:
    """Return the mean CIELAB color `[n, 3]` of the middle of every face of a batch `[n, 3, h, w]`. Differentiable."""
    return _lab_of(img, MIDDLE, MIDDLE_ROWS).mean(2)


def _lab_of(img: Img, columns: tuple[float, float], rows: tuple[float, float]) -> Tensor:
    """Return the CIELAB colors `[n, 3, k]` of a rectangle, given as fractions of the width and the height."""
    (top, bottom), (left, right) = (
        (round(low * side), round(high * side))
        for (low, high), side in zip((rows, columns), img.shape[-2:], strict=True)
    )
    return to_lab(img[..., top:bottom, left:right].flatten(2).add(1).div(2).clamp(0, 1))


def to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB colors `[n, 3, k]`, 0...1, to CIELAB (D65)."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("ij,njk->nik", _TO_XYZ.to(rgb), linear) / _WHITE.to(rgb)[:, None]
    cube = torch.where(xyz > (6 / 29) ** 3, xyz.clamp_min(1e-9) ** (1 / 3), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = cube.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)
