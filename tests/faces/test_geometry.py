"""Frames: exact to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from faceloom.faces.geometry import UNIT_CORNERS, combined, inverse, moved_by, sample, similarity


def frame(x: float, y: float, side: float, degrees: float) -> np.ndarray:
    c, s = side * np.cos(np.radians(degrees)), side * np.sin(np.radians(degrees))
    return np.array([(c, -s, x), (s, c, y)])


def ramp(width: int, height: int) -> Image.Image:
    """Red and green are the pixel centres' x and y, in half levels of what fits."""
    y, x = np.mgrid[:height, :width] + 0.5
    return Image.fromarray(np.stack([x, y, 0 * x], -1).round().astype(np.uint8))


def test_similarity_finds_the_frame() -> None:
    points = np.random.default_rng(0).random((5, 2))
    true = frame(30, -7, 120, 33)
    np.testing.assert_allclose(similarity(points, moved_by(true, points)), true, atol=1e-9)


def test_inverse_and_combination() -> None:
    one, other = frame(3, 4, 50, 20), frame(-1, 2, 0.5, -70)
    points = np.random.default_rng(1).random((7, 2))
    np.testing.assert_allclose(moved_by(inverse(one), moved_by(one, points)), points, atol=1e-12)
    np.testing.assert_allclose(moved_by(combined(one, other), points), moved_by(one, moved_by(other, points)))


@pytest.mark.parametrize("size", [12, 24, 48, 90])
@pytest.mark.parametrize("degrees", [0, 30, 90, 200])
def test_samples_lie_where_they_should(size: int, degrees: float) -> None:
    square = frame(120, 110, 80, degrees)
    shown = np.asarray(sample(ramp(250, 240), square, size)).astype(float)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    expected = moved_by(square, np.stack([x, y], -1))
    error = shown[..., :2] - expected
    assert np.abs(error.mean((0, 1))).max() < 0.55  # Pillow cuts off where it should round
    assert np.abs(error).max() < 1.6


def test_beyond_the_photo_is_black() -> None:
    white = Image.new("RGB", (50, 50), (255, 255, 255))
    half = np.asarray(sample(white, frame(-20, 0, 40, 0), 20))
    assert half[:, :9].max() == 0
    assert half[:, 11:].min() == 255
    assert np.asarray(sample(white, frame(500, 500, 40, 0), 20)).max() == 0


def test_unit_corners_go_round_as_a_quad_does() -> None:
    assert UNIT_CORNERS.tolist() == [[0, 0], [0, 1], [1, 1], [1, 0]]
