"""Synthetic test data: squares at any position, and smooth colorful pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image


def square(x: float, y: float, side: float, degrees: float = 0) -> np.ndarray:
    """Return a quad about (x, y), rotated clockwise in the picture."""
    a = np.radians(degrees)
    right, down = side / 2 * np.array([np.cos(a), np.sin(a)]), side / 2 * np.array([-np.sin(a), np.cos(a)])
    center = np.array([x, y])
    return np.stack([center - right - down, center - right + down, center + right + down, center + right - down])


def smooth(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a picture of soft blobs about 12 px large."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 12, width // 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
