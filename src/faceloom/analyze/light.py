"""The light of a portrait, read from the whites of the eyes, and portraits in one light. Uses no network.

The whites of the eyes have nearly the same color in everyone, unlike the skin: what differs between two portraits there
is light, exposure and white balance, so that a change of light leaves the skin's own tone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from faceloom.images.tensors import Img

EYES = ((0.34, 0.44), (0.56, 0.66))  # left and right limits of both eyes, as fractions of the width of the crop
EYE_ROWS = (0.445, 0.495)  # upper and lower limit of the eyes, as fractions of the height
BRIGHT = 0.25  # part of the eyes' pixels that are the brightest: whites, and reflections
NEUTRAL = 0.5  # part of those whose colors are the most neutral, which are taken for the whites
COLOR_PULL, BRIGHTNESS_PULL = 0.7, 0.5  # powers of the ratio of two lights: the reading is noisy, less so in color
MAX_GAIN = 1.6  # largest factor by which a channel is made brighter or darker, in linear light

_LUMINANCE = torch.tensor([0.2126, 0.7152, 0.0722])


def read_light(img: Img) -> Tensor:
    """Return the mean color of the whites of the eyes, in linear light, for every face of a batch.

    Convention: img `[n, 3, h, w]`, -1...1, aligned as FFHQ, eyes open and without dark glasses; the result is `[n, 3]`,
    above 0.
    """
    h, w = img.shape[-2:]
    rows = slice(round(EYE_ROWS[0] * h), round(EYE_ROWS[1] * h))
    patches = [img[:, :, rows, round(left * w) : round(right * w)].flatten(2) for left, right in EYES]
    return torch.stack([_whites(face) for face in to_linear(torch.cat(patches, 2))])


def in_one_light(imgs: Img, lights: Tensor, target: Tensor) -> Img:
    """Return portraits as if they had been taken in the same light.

    Convention: imgs `[n, 3, h, w]`, -1...1; lights `[n, 3]` as `read_light` returns them; target `[3]`.
    """
    brightness = ((target @ _LUMINANCE) / (lights @ _LUMINANCE))[:, None]
    gains = (target / lights / brightness).pow(COLOR_PULL) * brightness.pow(BRIGHTNESS_PULL)
    gains = gains.clamp(1 / MAX_GAIN, MAX_GAIN)
    return to_srgb(to_linear(imgs) * gains[:, :, None, None])


def mean_light(lights: Tensor) -> Tensor:
    """Return the geometric mean `[3]` of lights `[n, 3]`."""
    return lights.log().mean(dim=0).exp()


def to_linear(img: Tensor) -> Tensor:
    """Convert sRGB, -1...1, to linear light, 0...1 (IEC 61966-2-1)."""
    value = img.add(1).div(2).clamp(0, 1)
    return torch.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Tensor) -> Tensor:
    """Convert linear light, 0...1, to sRGB, -1...1; brighter light becomes white."""
    light = light.clamp(0, 1)
    value = torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp_min(1e-9) ** (1 / 2.4) - 0.055)
    return value * 2 - 1


def _whites(colors: Tensor) -> Tensor:
    """Return the mean of the most neutral of the brightest colors `[3, k]`."""
    bright = colors[:, _largest(_LUMINANCE @ colors, BRIGHT)]
    neutrality = bright.amin(dim=0) / bright.amax(dim=0).clamp_min(1e-4)
    return bright[:, _largest(neutrality, NEUTRAL)].mean(dim=1).clamp_min(1e-3)


def _largest(values: Tensor, part: float) -> Tensor:
    """Return the indices of the largest values, as many as the part says, at least one."""
    return values.topk(max(1, round(part * len(values)))).indices
