"""Views of small portraits for a proof: crops, random views, and changes that make real photos look alike."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.networks.small_faces import INPUT_SIDE

CROP = 0.8  # part of the portrait's side that a classifier sees, from forehead to chin
CENTER_Y = 0.54  # of the crop, as a part of the portrait's height
GRAY = 0.15  # part of the pictures that lose their colors
BLOCK = 8  # pixels of the side of a compressed block


def crop(pixels: Tensor, random: torch.Generator | None = None) -> Tensor:
    """Crop portraits `[n, 3, 96, 96]`, uint8, to what classifiers see, `[n, 3, 64, 64]`; at random with a generator."""
    img = pixels.float() / 127.5 - 1
    if random is not None:
        return view(img, random_views(len(img), random, part=CROP, center_y=CENTER_Y))
    middle = torch.tensor([[CROP, 0, 0], [0, CROP, 2 * CENTER_Y - 1]])
    return view(img, middle.repeat(len(img), 1, 1))


def random_views(count: int, random: torch.Generator, *, part: float, center_y: float) -> Tensor:
    """Return affine maps `[n, 2, 3]` of random views: turned, scaled, moved and mirrored."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=random)

    angle, scale = uniform(-0.2, 0.2), part * uniform(0.85, 1.1)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    x, y = uniform(-0.08, 0.08), uniform(-0.08, 0.08) + 2 * center_y - 1
    return torch.stack((cos * mirror, -sin, x, sin * mirror, cos, y), 1).view(count, 2, 3)


def view(img: Tensor, theta: Tensor, mode: str = "bilinear") -> Tensor:
    """Sample views `[n, c, 64, 64]` of pictures `[n, c, h, h]` by affine maps `[n, 2, 3]`."""
    grid = F.affine_grid(theta, [len(img), img.shape[1], INPUT_SIDE, INPUT_SIDE], align_corners=False)
    return F.grid_sample(img, grid, mode=mode, padding_mode="border", align_corners=False)


def augment(img: Tensor, random: torch.Generator) -> Tensor:
    """Change the light, the colors, the sharpness and the compression of pictures `[n, 3, h, h]`, -1...1, at random."""
    img = _change_colors(_change_light(img, random), random)
    img = _compress(_change_sharpness(img, random), random)
    noise = torch.randn(img.shape, generator=random)
    return (img + 0.05 * _uniform(img, random) * noise).clamp(-1, 1)


def _change_light(img: Tensor, random: torch.Generator) -> Tensor:
    """Light pictures from a side, and change their gamma."""
    angle, strength = 2 * math.pi * _uniform(img, random), 0.25 * _normal(img, random)
    y = torch.linspace(-1, 1, img.shape[-1])[None, None, :, None]
    lit = img + strength * (angle.cos() * y.mT + angle.sin() * y)
    gamma = (0.35 * _normal(img, random)).exp()
    brightness: Tensor = ((lit + 1) / 2).clamp(1e-3, 1) ** gamma
    return brightness * 2 - 1


def _change_colors(img: Tensor, random: torch.Generator) -> Tensor:
    """Change saturation, contrast, brightness and the color of the light."""
    gray = img.mean(1, keepdim=True)
    saturation = (1 + 0.4 * _normal(img, random)).clamp(0, 2) * (_uniform(img, random) > GRAY)
    contrast = (1 + 0.2 * _normal(img, random)).clamp(0.5, 1.6)
    tint = 0.07 * torch.randn(len(img), 3, 1, 1, generator=random)
    return (gray + (img - gray) * saturation) * contrast + 0.12 * _normal(img, random) + tint


def _change_sharpness(img: Tensor, random: torch.Generator) -> Tensor:
    """Blur some pictures, sharpen others, and halve the resolution of a quarter of them."""
    soft = F.avg_pool2d(img, 3, stride=1, padding=1, count_include_pad=False)
    softer = F.avg_pool2d(soft, 3, stride=1, padding=1, count_include_pad=False)
    sharpened = img + (img - soft) * (1.2 * _uniform(img, random) - 0.2)
    blurred = img.lerp(softer, _uniform(img, random))
    img = torch.where(_uniform(img, random) < 0.6, sharpened, blurred)
    small = F.avg_pool2d(img, 2)
    enlarged = F.interpolate(small, img.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(_uniform(img, random) < 0.25, enlarged, img)


def _compress(img: Tensor, random: torch.Generator) -> Tensor:
    """Round the differences to the mean of each block in a quarter of the pictures: JPEG leaves blocks like these."""
    mean = F.interpolate(F.avg_pool2d(img, BLOCK), scale_factor=float(BLOCK))
    size = 0.02 + 0.35 * _uniform(img, random)
    return torch.where(_uniform(img, random) < 0.25, mean + ((img - mean) / size).round() * size, img)


def _normal(img: Tensor, random: torch.Generator) -> Tensor:
    """Return a normal number for each picture, `[n, 1, 1, 1]`."""
    return torch.randn(len(img), 1, 1, 1, generator=random)


def _uniform(img: Tensor, random: torch.Generator) -> Tensor:
    """Return a number from 0 to 1 for each picture, `[n, 1, 1, 1]`."""
    return torch.rand(len(img), 1, 1, 1, generator=random)
