"""MTCNN's cascade: P-net proposes boxes on an image pyramid, R-net filters them, O-net scores them and finds landmarks.

Convention: as in `boxes`; points are `[n, 5, 2]` in the same pixels. The exact scale of every pyramid level is used, so
that the way from a level to the photo is exact to a fraction of a pixel. Source: Zhang et al. 2016, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from faceloom.faces.boxes import Boxes, Scores, box_sizes, offset_edges, square_boxes, suppress_overlaps
from faceloom.images import to_img
from faceloom.networks.mtcnn import CELL, ONET_SIZE, RNET_SIZE, STRIDE, Mtcnn, ONet, PNet, RNet

Points = Float[np.ndarray, "n 5 2"]

PYRAMID_STEP = 0.709  # scale from one pyramid level to the next: it halves the area, as in the networks' training
RESIZE_FILTER = Image.Resampling.BILINEAR  # compared with a box filter, it makes the landmarks 10 % more stable
CROP_BATCH = 256  # crops that go through a network together


@dataclass(frozen=True)
class Thresholds:
    """The lowest face probability that passes each stage."""

    pnet: float = 0.6
    rnet: float = 0.6
    onet: float = 0.6
    face: float = 0.9  # mean of O-net's scores in the landmark refinement; without a person it reached 0.82 at most


@dataclass(frozen=True, eq=False)
class CascadeResult:
    """The boxes that P-net and R-net passed on, and the boxes, scores and landmarks that O-net returned."""

    pnet_boxes: Float[np.ndarray, "p 4"]
    rnet_boxes: Float[np.ndarray, "r 4"]
    boxes: Boxes
    scores: Scores
    points: Points


@torch.inference_mode()
def run_cascade(net: Mtcnn, photo: Image.Image, min_size: float, thresholds: Thresholds) -> CascadeResult:
    """Detect upright faces of at least `min_size` pixels, best first, and return the boxes of every stage."""
    pnet_boxes = _run_pnet(net.pnet, photo, min_size, thresholds.pnet)
    rnet_boxes = _run_rnet(net.rnet, photo, pnet_boxes, thresholds.rnet)
    return CascadeResult(pnet_boxes, rnet_boxes, *_detect_in_boxes(net.onet, photo, rnet_boxes, thresholds.onet))


def detect_upright(
    net: Mtcnn, photo: Image.Image, min_size: float, thresholds: Thresholds
) -> tuple[Boxes, Scores, Points]:
    """Detect upright faces of at least `min_size` pixels: boxes, scores and landmarks, best first."""
    result = run_cascade(net, photo, min_size, thresholds)
    return result.boxes, result.scores, result.points


def run_onet(onet: ONet, img: Tensor) -> tuple[Scores, Boxes, Points]:
    """Run O-net on crops `[n, 3, 48, 48]` in batches: scores, box offsets and landmarks, in units of the crop."""
    parts = [onet(batch) for batch in img.split(CROP_BATCH)]
    scores, offsets, points = (torch.cat(column).double().numpy() for column in zip(*parts, strict=True))
    return scores, offsets, points


def crop_boxes(photo: Image.Image, boxes: Boxes, size: int) -> Tensor:
    """Crop each box and resize it, antialiased: `img [n, 3, size, size]`, black beyond the photo."""
    if not len(boxes):
        return torch.empty(0, 3, size, size)
    overhang = max(-boxes.min(), (boxes[:, 2:] - photo.size).max(), 0)
    margin = int(np.ceil(overhang))
    padded = ImageOps.expand(photo, margin)
    return to_img([padded.resize((size, size), RESIZE_FILTER, tuple(box)) for box in boxes + margin])


def _run_pnet(pnet: PNet, photo: Image.Image, min_size: float, threshold: float) -> Boxes:
    found = [_detect_windows(pnet, level, photo.size, threshold) for level in _pyramid(photo, min_size)]
    boxes = np.concatenate([boxes for boxes, _ in found]) if found else np.empty((0, 4))
    scores = np.concatenate([scores for _, scores in found]) if found else np.empty(0)
    return np.asarray(boxes[suppress_overlaps(boxes, scores, 0.7)])


def _pyramid(photo: Image.Image, min_size: float) -> list[Image.Image]:
    levels, scale, size = [], CELL / min_size, np.array(photo.size)
    while min(size * scale) >= CELL:
        levels.append(photo.resize(tuple(np.ceil(size * scale).astype(int)), RESIZE_FILTER, reducing_gap=3))
        scale *= PYRAMID_STEP
    return levels


def _detect_windows(pnet: PNet, level: Image.Image, size: tuple[int, int], threshold: float) -> tuple[Boxes, Scores]:
    """Return the boxes, in the photo's pixels, and scores of one level's windows that look like a face."""
    probability, offsets = (t[0].double().numpy() for t in pnet(to_img(level)))
    rows, columns = np.nonzero(probability >= threshold)
    corners = STRIDE * np.stack([columns, rows], 1)
    boxes = np.concatenate([corners, corners + CELL], 1).astype(float)
    scores = probability[rows, columns]
    kept = suppress_overlaps(boxes, scores, 0.5)
    boxes = offset_edges(boxes, offsets[:, rows, columns].T)[kept]
    return boxes * np.tile(np.divide(size, level.size), 2), scores[kept]


def _run_rnet(rnet: RNet, photo: Image.Image, boxes: Boxes, threshold: float) -> Float[np.ndarray, "k 4"]:
    boxes = square_boxes(boxes)
    parts = [rnet(batch) for batch in crop_boxes(photo, boxes, RNET_SIZE).split(CROP_BATCH)]
    scores, offsets = (torch.cat(column).double().numpy() for column in zip(*parts, strict=True))
    likely = scores >= threshold
    boxes = offset_edges(boxes, offsets)[likely]
    return np.asarray(boxes[suppress_overlaps(boxes, scores[likely], 0.7)])


def _detect_in_boxes(
    onet: ONet, photo: Image.Image, boxes: Boxes, threshold: float
) -> tuple[Float[np.ndarray, "k 4"], Float[np.ndarray, " k"], Float[np.ndarray, "k 5 2"]]:
    """Run O-net on the boxes, and return the boxes, scores and landmarks of the faces that pass the threshold."""
    boxes = square_boxes(boxes)
    scores, offsets, points = run_onet(onet, crop_boxes(photo, boxes, ONET_SIZE))
    points = boxes[:, None, :2] + points * box_sizes(boxes)[:, None]
    boxes = offset_edges(boxes, offsets)
    likely = np.flatnonzero(scores >= threshold)
    kept = likely[suppress_overlaps(boxes[likely], scores[likely], 0.7, nested=True)]
    return boxes[kept], scores[kept], points[kept]
