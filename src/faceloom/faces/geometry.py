"""Frames: squares that lie anywhere in a photo, moved, turned and scaled. Knows coordinates and sampling, not faces.

Convention: points are (x, y) in pixels at the pixels' edges: the centre of the first pixel is (0.5, 0.5). A frame is a
float64 `[2, 3]` matrix that takes the unit square ((0, 0) top-left, (1, 1) bottom-right) into the photo.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from PIL import Image

Points = Float[np.ndarray, "*n 2"]
Frame = Float[np.ndarray, "2 3"]

UNIT_CORNERS = np.array([(0, 0), (0, 1), (1, 1), (1, 0)], dtype=float)  # tl, bl, br, tr: the order of a quad


def moved_by(frame: Frame, points: Points) -> Points:
    """Take points through a frame: unit square -> photo."""
    return np.asarray(points @ frame[:, :2].T + frame[:, 2])


def inverse(frame: Frame) -> Frame:
    """The way back: photo -> unit square."""
    back = np.linalg.inv(frame[:, :2])
    return np.column_stack([back, -back @ frame[:, 2]])


def combined(outer: Frame, inner: Frame) -> Frame:
    """First `inner`, then `outer`."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], moved_by(outer, inner[:, 2])])


def similarity(source: Points, target: Points) -> Frame:
    """Find the turn, scale and shift that bring `source [n, 2]` closest to `target [n, 2]`, in least squares.

    Source: with points as complex numbers the best factor is a quotient of two inner products.
    """
    a, b = source @ (1, 1j), target @ (1, 1j)
    factor = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean())
    shift = b.mean() - factor * a.mean()
    return np.array([(factor.real, -factor.imag, shift.real), (factor.imag, factor.real, shift.imag)])


def sample(photo: Image.Image, frame: Frame, size: int) -> Image.Image:
    """Show what a square frame encloses as `size` x `size` pixels: antialiased, black beyond the photo."""
    step = max(1, int(np.hypot(*frame[:, 0]) / size))  # photo pixels that one pixel of the result stands for
    corners = moved_by(frame, UNIT_CORNERS)
    low = np.clip(np.floor(corners.min(0)) - 2 * step, 0, photo.size).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 2 * step, 0, photo.size).astype(int)
    if (low >= high).any():
        return Image.new("RGB", (size, size))
    part = photo.reduce(step, (*low, *high))
    pixel = np.column_stack([frame[:, :2] / size, frame[:, 2] - low]) / step  # pixels of the result -> those of `part`
    return part.transform((size, size), Image.Transform.AFFINE, pixel.ravel().tolist(), Image.Resampling.BILINEAR)
