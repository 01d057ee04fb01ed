"""Refinement of an alignment: the aligner network estimates the error of the square, and the square is corrected.

Source: cascaded regression, Dollar et al. 2010. Two rounds are enough: the second sees a face that is nearly aligned.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from faceloom.faces.align import Quad, quad_frame
from faceloom.faces.geometry import UNIT_CORNERS, Frame, compose_frames, sample_frame, transform_points
from faceloom.images import to_img
from faceloom.networks.aligner import ALIGNER_CENTER, ALIGNER_CROP, ALIGNER_RESOLUTION, Aligner

ROUNDS = 2
MAX_CORRECTION = 0.15  # in sides, in logarithms and in radians; beyond it, the original square is kept


@torch.no_grad()
def refine_quad(net: Aligner, photo: Image.Image, quad: Quad) -> Quad:
    """Move FFHQ's square to the position that the aligner estimates.

    Returns the given quad itself when an estimated error is larger than MAX_CORRECTION or not a number.
    Convention: quad `[4, 2]` in photo pixels, tl, bl, br, tr, any rotation.
    """
    return _correct(net, photo, quad, (False, True))


@torch.no_grad()
def track_quad(net: Aligner, photo: Image.Image, quad: Quad) -> Quad:
    """Move the square of the previous frame of a film as `refine_quad` does, in half of the time.

    The mirror image is not estimated. The mean with it halves the aligner's noise, which smoothing over time replaces.
    """
    return _correct(net, photo, quad, (False,))


def _correct(net: Aligner, photo: Image.Image, quad: Quad, views: tuple[bool, ...]) -> Quad:
    """Correct a square by the mean estimate of some views, mirrored or not; return the given quad when it fails."""
    original = quad
    for _ in range(ROUNDS):
        error = np.mean([_estimate_error(net, photo, quad, mirrored) for mirrored in views], axis=0)
        quad = transform_points(compose_frames(quad_frame(quad), _correction_frame(error)), UNIT_CORNERS)
        if not np.abs(error).max() < MAX_CORRECTION:
            return original
    return quad


def _estimate_error(net: Aligner, photo: Image.Image, quad: Quad, mirrored: bool) -> np.ndarray:
    """Return the aligner's estimate for a square, mirrored or not: x, y, log side, roll."""
    low = np.array(ALIGNER_CENTER) - ALIGNER_CROP / 2
    crop: Frame = np.array([(ALIGNER_CROP, 0, low[0]), (0, ALIGNER_CROP, low[1])], dtype=float)
    img = to_img([sample_frame(photo, compose_frames(quad_frame(quad), crop), ALIGNER_RESOLUTION)])
    error: np.ndarray = net(img.flip(3) if mirrored else img)[0].double().numpy()
    return np.asarray(error * (-1, 1, 1, -1)) if mirrored else error


def _correction_frame(error: np.ndarray) -> Frame:
    """Return the true square as a frame in the unit square of the estimated one."""
    x, y, log_side, roll = error
    rotation = np.exp(log_side) * np.array([(np.cos(roll), -np.sin(roll)), (np.sin(roll), np.cos(roll))])
    center = np.array([0.5 + x, 0.5 + y])
    return np.column_stack([rotation, center - rotation @ (0.5, 0.5)])
