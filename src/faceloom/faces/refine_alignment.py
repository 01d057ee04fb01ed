"""A closer look at an alignment: the aligner says how far the square is off, and it is moved. Knows no files.

Source: cascaded regression, Dollar et al. 2010; two rounds are enough, the second sees a face that is nearly right.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from faceloom.faces.align import Quad, frame_of
from faceloom.faces.geometry import UNIT_CORNERS, Frame, combined, moved_by, sample
from faceloom.images import to_img
from faceloom.networks.aligner import CENTRE, CROP, SIDE, Aligner

ROUNDS = 2
TRUST = 0.15  # of the side, in logarithms and in radians: a correction beyond it is no correction


@torch.no_grad()
def refine(net: Aligner, photo: Image.Image, quad: Quad) -> Quad:
    """Move FFHQ's square to where the aligner sees it; a face that it cannot make sense of keeps its square.

    Convention: quad `[4, 2]` in photo pixels, tl, bl, br, tr, any turn.
    """
    given = quad
    for _ in range(ROUNDS):
        off = np.mean([_seen(net, photo, quad, mirrored) for mirrored in (False, True)], axis=0)
        quad = moved_by(combined(frame_of(quad), _correction(off)), UNIT_CORNERS)
        if not np.abs(off).max() < TRUST:
            return given
    return quad


def _seen(net: Aligner, photo: Image.Image, quad: Quad, mirrored: bool) -> np.ndarray:
    """What the aligner says of a square, as it is or in the mirror: x, y, log side, roll."""
    low = np.array(CENTRE) - CROP / 2
    inside: Frame = np.array([(CROP, 0, low[0]), (0, CROP, low[1])])
    img = to_img([sample(photo, combined(frame_of(quad), inside), SIDE)])
    off: np.ndarray = net(img.flip(3) if mirrored else img)[0].double().numpy()
    return np.asarray(off * (-1, 1, 1, -1)) if mirrored else off


def _correction(off: np.ndarray) -> Frame:
    """The true square as a frame in the believed one's unit square."""
    x, y, log_side, roll = off
    turn = np.exp(log_side) * np.array([(np.cos(roll), -np.sin(roll)), (np.sin(roll), np.cos(roll))])
    middle = np.array([0.5 + x, 0.5 + y])
    return np.column_stack([turn, middle - turn @ (0.5, 0.5)])
