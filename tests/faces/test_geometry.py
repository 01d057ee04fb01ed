"""Frames: mapping and sampling, exact to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from faceloom.faces.geometry import (
    UNIT_CORNERS,
    compose_frames,
    fit_similarity,
    invert_frame,
    sample_frame,
    transform_points,
)


def frame(x: float, y: float, side: float, degrees: float) -> np.ndarray:
    c, s = side * np.cos(np.radians(degrees)), side * np.sin(np.radians(degrees))
    return np.array([(c, -s, x), (s, c, y)])


def ramp(width: int, height: int) -> Image.Image:
    """Return a picture whose red and green are x and y of each pixel's center, rounded."""
    y, x = np.mgrid[:height, :width] + 0.5
    return Image.fromarray(np.stack([x, y, 0 * x], -1).round().astype(np.uint8))


def test_fit_similarity_recovers_the_frame() -> None:
    points = np.random.default_rng(0).random((5, 2))
    true = frame(30, -7, 120, 33)
    np.testing.assert_allclose(fit_similarity(points, transform_points(true, points)), true, atol=1e-9)


def test_inversion_and_composition() -> None:
    one, other = frame(3, 4, 50, 20), frame(-1, 2, 0.5, -70)
    points = np.random.default_rng(1).random((7, 2))
    np.testing.assert_allclose(transform_points(invert_frame(one), transform_points(one, points)), points, atol=1e-12)
    np.testing.assert_allclose(
        transform_points(compose_frames(one, other), points), transform_points(one, transform_points(other, points))
    )


@pytest.mark.parametrize("size", [12, 24, 48, 90])
@pytest.mark.parametrize("degrees", [0, 30, 90, 200])
def test_samples_lie_at_their_transformed_positions(size: int, degrees: float) -> None:
    square = frame(120, 110, 80, degrees)
    sampled = np.asarray(sample_frame(ramp(250, 240), square, size)).astype(float)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    expected = transform_points(square, np.stack([x, y], -1))
    error = sampled[..., :2] - expected
    assert np.abs(error.mean((0, 1))).max() < 0.55  # Pillow truncates instead of rounding
    assert np.abs(error).max() < 1.6


def test_beyond_the_photo_is_black() -> None:
    white = Image.new("RGB", (50, 50), (255, 255, 255))
    half = np.asarray(sample_frame(white, frame(-20, 0, 40, 0), 20))
    assert half[:, :9].max() == 0
    assert half[:, 11:].min() == 255
    assert np.asarray(sample_frame(white, frame(500, 500, 40, 0), 20)).max() == 0


def test_unit_corners_have_the_order_of_a_quad() -> None:
    assert UNIT_CORNERS.tolist() == [[0, 0], [0, 1], [1, 1], [1, 0]]
