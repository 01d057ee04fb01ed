"""Alignment refinement: correct estimates move the square there, at any rotation; implausible ones are ignored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.faces.geometry import UNIT_CORNERS, compose_frames, transform_points
from faceloom.faces.refine_alignment import refine_quad, track_quad
from faceloom.networks.aligner import Aligner

PHOTO = Image.new("RGB", (400, 300), (90, 120, 150))


class FakeAligner(Aligner):
    """An aligner that returns the given corrections, each for a crop and then for its mirror image."""

    def __init__(self, *corrections: tuple[float, float, float, float]) -> None:
        super().__init__()
        self.rows = [row for c in corrections for row in (c, (-c[0], c[1], c[2], -c[3]))]

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        assert crops.shape == (1, 3, 128, 128)
        return torch.tensor([self.rows.pop(0)])


def square(center: tuple[float, float], side: float, roll: float) -> np.ndarray:
    turn = side * np.array([(np.cos(roll), -np.sin(roll)), (np.sin(roll), np.cos(roll))])
    return (UNIT_CORNERS - 0.5) @ turn.T + center


@pytest.mark.parametrize("roll", [0.0, 0.7, 3.0])
def test_a_correction_is_in_the_squares_own_frame(roll: float):
    estimated = square((180, 150), 100, roll)
    moved = refine_quad(FakeAligner((0.05, -0.02, 0.1, 0.04), (0.0, 0.0, 0.0, 0.0)), PHOTO, estimated)
    center = np.array([180, 150]) + 100 * np.array(
        [0.05 * np.cos(roll) + 0.02 * np.sin(roll), 0.05 * np.sin(roll) - 0.02 * np.cos(roll)]
    )
    np.testing.assert_allclose(moved, square(tuple(center), 100 * np.exp(0.1), roll + 0.04), atol=1e-4)


def test_tracking_corrects_without_the_mirror_image():
    estimated, corrections = square((180, 150), 100, 0.3), ((0.05, -0.02, 0.1, 0.04), (0.01, 0.0, 0.0, 0.0))
    net = FakeAligner(*corrections)
    net.rows = net.rows[::2]
    moved = track_quad(net, PHOTO, estimated)
    assert not net.rows
    np.testing.assert_allclose(moved, refine_quad(FakeAligner(*corrections), PHOTO, estimated), atol=1e-9)


def test_a_zero_correction_changes_nothing():
    estimated = square((180, 150), 100, 0.3)
    np.testing.assert_allclose(refine_quad(FakeAligner((0,) * 4, (0,) * 4), PHOTO, estimated), estimated, atol=1e-9)


@pytest.mark.parametrize("error", [(0.5, 0, 0, 0), (0, 0, 0.4, 0), (0, 0, 0, 1.0), (float("nan"), 0, 0, 0)])
def test_an_implausible_estimate_is_ignored(error: tuple[float, float, float, float]):
    estimated = square((180, 150), 100, 0.3)
    assert refine_quad(FakeAligner(error, error), PHOTO, estimated) is estimated
    assert track_quad(FakeAligner(error, error), PHOTO, estimated) is estimated


def test_frames_map_unit_corners():
    frame = np.array([(2.0, 0, 5), (0, 2.0, 7)])
    np.testing.assert_array_equal(
        transform_points(compose_frames(frame, np.array([(1.0, 0, 0), (0, 1.0, 0)])), UNIT_CORNERS)[2], (7, 9)
    )
