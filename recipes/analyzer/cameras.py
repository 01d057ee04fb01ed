"""Augmentations that imitate real cameras: bad crops, blur, low resolution, JPEG, color, noise; seeded, in batches."""

from __future__ import annotations

import io

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from faceloom.networks.analyzer import ANALYZER_CENTER, ANALYZER_CROP, ANALYZER_RESOLUTION

MAX_RESOLVED = ANALYZER_RESOLUTION / ANALYZER_CROP  # pixels of the square's side that a crop can show


def photograph(
    pixels: NDArray[np.uint8], resolved: NDArray[np.float32], rng: np.random.RandomState, light: bool = True
) -> tuple[Tensor, dict[str, Tensor]]:
    """Photograph every face.

    Convention: pixels `[n, h, h, 3]` aligned; resolved `[n]` pixels of the square's side that the original shows;
    `light` is whether to change exposure and colors, too.
    Returns crops `[n, 3, 128, 128]`, -1...1, and the changes: mirrored `[n]` (0 or 1), roll `[n]` degrees clockwise,
    sharpness `[n]` log2 of the pixels that are still resolved.
    """
    n = len(pixels)
    mirrored = rng.rand(n) < 0.5
    roll = np.where(rng.rand(n) < 0.7, rng.randn(n) * 2, rng.uniform(-20, 20, n))
    zoom = np.exp(rng.randn(n) * 0.04)
    shift = rng.randn(n, 2) * 0.02
    img = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    crops = _crop(img, mirrored, roll, zoom, shift)
    crops, sharpness = _lens(crops, resolved, rng)
    crops = _develop_sensor(crops, rng) if light else torch.stack([_jpeg(crop, rng) for crop in crops])
    changed = {"mirrored": mirrored.astype(np.float32), "roll": roll, "sharpness": np.log2(sharpness)}
    return crops, {name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in changed.items()}


def develop(crops: Tensor, rng: np.random.RandomState) -> Tensor:
    """Apply a camera's degradations to crops `[n, 3, 128, 128]` without changing their geometry."""
    return _develop_sensor(_lens(crops, np.full(len(crops), MAX_RESOLVED, np.float32), rng)[0], rng)


def _develop_sensor(crops: Tensor, rng: np.random.RandomState) -> Tensor:
    return torch.stack([_jpeg(crop, rng) for crop in _sensor(crops, rng)])


def _crop(
    img: Tensor,
    mirrored: NDArray[np.bool_],
    roll: NDArray[np.float64],
    zoom: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> Tensor:
    """Cut the analyzer's crops out of rotated, shifted and scaled squares."""
    angle, scale = np.radians(roll), ANALYZER_CROP * zoom
    # output (-1...1 of the crop) -> input (-1...1 of the square): a clockwise rotation samples counterclockwise
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    flip = np.where(mirrored, -1.0, 1.0)
    middle = 2 * np.array(ANALYZER_CENTER) - 1 + shift
    theta = np.stack([np.stack([a * flip, b, middle[:, 0]], 1), np.stack([-b * flip, a, middle[:, 1]], 1)], 1)
    grid = F.affine_grid(
        torch.from_numpy(theta).float(), [len(img), 3, ANALYZER_RESOLUTION, ANALYZER_RESOLUTION], align_corners=False
    )
    return F.grid_sample(img, grid, padding_mode="reflection", align_corners=False)


def _lens(
    crops: Tensor, resolved: NDArray[np.float32], rng: np.random.RandomState
) -> tuple[Tensor, NDArray[np.float64]]:
    """Reduce the resolution of about a third of the pictures, and blur about a third."""
    sharpness = np.minimum(resolved, MAX_RESOLVED).astype(float)
    out = crops.clone()
    for index in np.flatnonzero(rng.rand(len(crops)) < 0.35):
        side = int(np.exp(rng.uniform(np.log(20), np.log(ANALYZER_RESOLUTION))))
        mode = ("bilinear", "bicubic")[rng.randint(2)]
        small = F.interpolate(out[index : index + 1], (side, side), mode="bilinear", antialias=True)
        out[index : index + 1] = F.interpolate(small, (ANALYZER_RESOLUTION, ANALYZER_RESOLUTION), mode=mode)
        sharpness[index] = min(sharpness[index], side / ANALYZER_CROP)
    for index in np.flatnonzero(rng.rand(len(crops)) < 0.3):
        sigma = np.exp(rng.uniform(np.log(0.5), np.log(4)))
        out[index : index + 1] = _blur(out[index : index + 1], sigma)
        # A Gaussian of standard deviation s resolves about one detail in 2 s pixels.
        sharpness[index] = 1 / np.hypot(1 / sharpness[index], 2 * sigma / MAX_RESOLVED)
    return out, sharpness


def _blur(img: Tensor, sigma: float) -> Tensor:
    radius = int(np.ceil(3 * sigma))
    kernel = torch.exp(-torch.arange(-radius, radius + 1).float().square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    img = F.pad(img, [radius] * 4, mode="reflect")
    return F.conv2d(F.conv2d(img, kernel[:, None, None, :], groups=3), kernel[:, None, :, None], groups=3)


def _sensor(crops: Tensor, rng: np.random.RandomState) -> Tensor:
    """Change white balance, exposure, contrast and saturation, make some pictures gray, and add noise."""
    n = len(crops)

    def each(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values).float().reshape(n, -1, 1, 1)

    img = (crops + 1) / 2
    img = img.clamp(1e-4, 1) ** each(np.exp(rng.randn(n) * 0.25))
    img = img * each(np.exp(rng.randn(n, 3) * 0.08 + rng.randn(n, 1) * 0.12))
    gray = img.mean(1, keepdim=True)
    img = gray + (img - gray) * each(np.where(rng.rand(n) < 0.08, 0.0, np.exp(rng.randn(n) * 0.25)))
    mean = img.mean((1, 2, 3), keepdim=True)
    img = mean + (img - mean) * each(np.exp(rng.randn(n) * 0.15))
    noise = np.where(rng.rand(n) < 0.4, rng.exponential(0.02, n), 0.0)
    img = img + each(noise) * torch.randn(img.shape, generator=torch.Generator().manual_seed(int(rng.randint(2**31))))
    return img.clamp(0, 1) * 2 - 1


def _jpeg(crop: Tensor, rng: np.random.RandomState) -> Tensor:
    if rng.rand() > 0.3:
        return crop
    pixels = ((crop + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.uniform(20, 95)))
    return torch.from_numpy(np.asarray(Image.open(buffer)).copy()).permute(2, 0, 1).float() / 127.5 - 1
