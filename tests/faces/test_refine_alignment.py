"""Refining a square: an aligner that knows the truth brings it there, from any turn; one that raves is not believed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.faces.geometry import UNIT_CORNERS, combined, moved_by
from faceloom.faces.refine_alignment import refine
from faceloom.networks.aligner import Aligner

PHOTO = Image.new("RGB", (400, 300), (90, 120, 150))


class Says(Aligner):
    """Gives these corrections, one a call; each is asked for twice, as it is and mirrored."""

    def __init__(self, *corrections: tuple[float, float, float, float]) -> None:
        super().__init__()
        self.rows = [row for c in corrections for row in (c, (-c[0], c[1], c[2], -c[3]))]

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        assert crops.shape == (1, 3, 128, 128)
        return torch.tensor([self.rows.pop(0)])


def square(centre: tuple[float, float], side: float, roll: float) -> np.ndarray:
    turn = side * np.array([(np.cos(roll), -np.sin(roll)), (np.sin(roll), np.cos(roll))])
    return (UNIT_CORNERS - 0.5) @ turn.T + centre


@pytest.mark.parametrize("roll", [0.0, 0.7, 3.0])
def test_a_correction_is_in_the_squares_own_frame(roll: float):
    believed = square((180, 150), 100, roll)
    moved = refine(Says((0.05, -0.02, 0.1, 0.04), (0.0, 0.0, 0.0, 0.0)), PHOTO, believed)
    centre = np.array([180, 150]) + 100 * np.array(
        [0.05 * np.cos(roll) + 0.02 * np.sin(roll), 0.05 * np.sin(roll) - 0.02 * np.cos(roll)]
    )
    np.testing.assert_allclose(moved, square(tuple(centre), 100 * np.exp(0.1), roll + 0.04), atol=1e-4)


def test_nothing_to_correct_changes_nothing():
    believed = square((180, 150), 100, 0.3)
    np.testing.assert_allclose(refine(Says((0,) * 4, (0,) * 4), PHOTO, believed), believed, atol=1e-9)


@pytest.mark.parametrize("off", [(0.5, 0, 0, 0), (0, 0, 0.4, 0), (0, 0, 0, 1.0), (float("nan"), 0, 0, 0)])
def test_an_aligner_that_raves_is_not_believed(off: tuple[float, float, float, float]):
    believed = square((180, 150), 100, 0.3)
    assert refine(Says(off, off), PHOTO, believed) is believed


def test_corners_and_frames_agree():
    frame = np.array([(2.0, 0, 5), (0, 2.0, 7)])
    np.testing.assert_array_equal(
        moved_by(combined(frame, np.array([(1.0, 0, 0), (0, 1.0, 0)])), UNIT_CORNERS)[2], (7, 9)
    )
