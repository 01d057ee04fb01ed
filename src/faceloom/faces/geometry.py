"""Frames: squares at any position, rotation and scale in a photo, and the sampling of their pixels.

Convention: points are (x, y) in pixels, measured at the pixels' edges: the center of the first pixel is (0.5, 0.5). A
frame is a float64 `[2, 3]` matrix that maps the unit square ((0, 0) top-left, (1, 1) bottom-right) into the photo.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from PIL import Image

Points = Float[np.ndarray, "*n 2"]
Frame = Float[np.ndarray, "2 3"]

UNIT_CORNERS = np.array([(0, 0), (0, 1), (1, 1), (1, 0)], dtype=float)  # tl, bl, br, tr: the order of a quad


def transform_points(frame: Frame, points: Points) -> Points:
    """Map points from the frame's unit square into the photo."""
    return np.asarray(points @ frame[:, :2].T + frame[:, 2])


def invert_frame(frame: Frame) -> Frame:
    """Return the matrix that maps photo points into the frame's unit square."""
    back = np.linalg.inv(frame[:, :2])
    return np.column_stack([back, -back @ frame[:, 2]])


def compose_frames(outer: Frame, inner: Frame) -> Frame:
    """Return the matrix that applies `inner` first, then `outer`."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], transform_points(outer, inner[:, 2])])


def fit_similarity(source: Points, target: Points) -> Frame:
    """Fit the rotation, scale and shift that map `source [n, 2]` closest to `target [n, 2]`, in least squares.

    Source: with points as complex numbers, the best factor is a quotient of two inner products.
    """
    a, b = source @ (1, 1j), target @ (1, 1j)
    factor = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean())
    shift = b.mean() - factor * a.mean()
    return np.array([(factor.real, -factor.imag, shift.real), (factor.imag, factor.real, shift.imag)])


def sample_frame(photo: Image.Image, frame: Frame, size: int) -> Image.Image:
    """Return the square that a frame encloses as `size` x `size` pixels, antialiased, black beyond the photo."""
    step = max(1, int(np.hypot(*frame[:, 0]) / size))  # photo pixels per pixel of the result
    corners = transform_points(frame, UNIT_CORNERS)
    low = np.clip(np.floor(corners.min(0)) - 2 * step, 0, photo.size).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 2 * step, 0, photo.size).astype(int)
    if (low >= high).any():
        return Image.new("RGB", (size, size))
    part = photo.reduce(step, (*low, *high))
    pixel = np.column_stack([frame[:, :2] / size, frame[:, 2] - low]) / step  # pixels of the result -> those of `part`
    return part.transform((size, size), Image.Transform.AFFINE, pixel.ravel().tolist(), Image.Resampling.BILINEAR)
