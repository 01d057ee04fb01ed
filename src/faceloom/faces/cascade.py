"""MTCNN's cascade: P-net proposes boxes on a pyramid, R-net sieves them, O-net judges and places five points.

Convention: as in `boxes`; points are `[n, 5, 2]` in the same pixels. Every level's true scale is used, so that going
from a level to the photo is exact to a fraction of a pixel. Source: Zhang et al. 2016, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from faceloom.faces.boxes import Boxes, Scores, best_of_each, moved, sides, squared
from faceloom.images import to_img
from faceloom.networks.mtcnn import CELL, ONET_SIZE, RNET_SIZE, STRIDE, Mtcnn, ONet, PNet, RNet

Points = Float[np.ndarray, "n 5 2"]

PYRAMID_STEP = 0.709  # halves the area, as the networks were trained for
FILTER = Image.Resampling.BILINEAR  # a triangle: against a box it halves nothing but steadies the points by 10 %
BATCH = 256  # crops that go through a network together


@dataclass(frozen=True)
class Thresholds:
    """The least face probability that passes each stage."""

    pnet: float = 0.6
    rnet: float = 0.6
    onet: float = 0.6
    face: float = 0.9  # mean of O-net's second looks; on pictures without a person the highest was 0.82


@dataclass(frozen=True, eq=False)
class Stages:
    """What each network of the cascade left over: P-net's boxes, R-net's, and O-net's with scores and points."""

    proposed: Boxes
    sieved: Boxes
    boxes: Boxes
    scores: Scores
    points: Points


@torch.inference_mode()
def stages(net: Mtcnn, photo: Image.Image, min_size: float, thresholds: Thresholds) -> Stages:
    """Find upright faces of at least `min_size` pixels, best first, and remember the way there."""
    proposed = _propose(net.pnet, photo, min_size, thresholds.pnet)
    sieved = _sieve(net.rnet, photo, proposed, thresholds.rnet)
    return Stages(proposed, sieved, *_judge(net.onet, photo, sieved, thresholds.onet))


def search(net: Mtcnn, photo: Image.Image, min_size: float, thresholds: Thresholds) -> tuple[Boxes, Scores, Points]:
    """Find upright faces of at least `min_size` pixels: boxes, scores and points, best first."""
    found = stages(net, photo, min_size, thresholds)
    return found.boxes, found.scores, found.points


def judged(onet: ONet, img: Tensor) -> tuple[Scores, Boxes, Points]:
    """Run O-net over crops `[n, 3, 48, 48]` in batches: scores, box offsets and points, in units of the crop."""
    parts = [onet(batch) for batch in img.split(BATCH)]
    scores, offsets, points = (torch.cat(column).double().numpy() for column in zip(*parts, strict=True))
    return scores, offsets, points


def cut_out(photo: Image.Image, boxes: Boxes, size: int) -> Tensor:
    """Resize what each box holds to `size` x `size`, antialiased: `img [n, 3, size, size]`, black beyond the photo."""
    if not len(boxes):
        return torch.empty(0, 3, size, size)
    overhang = max(-boxes.min(), (boxes[:, 2:] - photo.size).max(), 0)
    margin = int(np.ceil(overhang))
    padded = ImageOps.expand(photo, margin)
    return to_img([padded.resize((size, size), FILTER, tuple(box)) for box in boxes + margin])


FILTER = Image.Resampling.BILINEAR


def _propose(pnet: PNet, photo: Image.Image, min_size: float, threshold: float) -> Boxes:
    found = [_windows(pnet, level, photo.size, threshold) for level in _pyramid(photo, min_size)]
    boxes = np.concatenate([boxes for boxes, _ in found]) if found else np.empty((0, 4))
    scores = np.concatenate([scores for _, scores in found]) if found else np.empty(0)
    return np.asarray(boxes[best_of_each(boxes, scores, 0.7)])


def _pyramid(photo: Image.Image, min_size: float) -> list[Image.Image]:
    levels, scale, size = [], CELL / min_size, np.array(photo.size)
    while min(size * scale) >= CELL:
        levels.append(photo.resize(tuple(np.ceil(size * scale).astype(int)), FILTER, reducing_gap=3))
        scale *= PYRAMID_STEP
    return levels


def _windows(pnet: PNet, level: Image.Image, size: tuple[int, int], threshold: float) -> tuple[Boxes, Scores]:
    """Give the boxes, in the photo's pixels, of the windows of one level that look like a face."""
    probability, offsets = (t[0].double().numpy() for t in pnet(to_img(level)))
    rows, columns = np.nonzero(probability >= threshold)
    corners = STRIDE * np.stack([columns, rows], 1)
    boxes = np.concatenate([corners, corners + CELL], 1).astype(float)
    scores = probability[rows, columns]
    kept = best_of_each(boxes, scores, 0.5)
    boxes = moved(boxes, offsets[:, rows, columns].T)[kept]
    return boxes * np.tile(np.divide(size, level.size), 2), scores[kept]


def _sieve(rnet: RNet, photo: Image.Image, boxes: Boxes, threshold: float) -> Boxes:
    boxes = squared(boxes)
    parts = [rnet(batch) for batch in cut_out(photo, boxes, RNET_SIZE).split(BATCH)]
    scores, offsets = (torch.cat(column).double().numpy() for column in zip(*parts, strict=True))
    likely = scores >= threshold
    boxes = moved(boxes, offsets)[likely]
    return np.asarray(boxes[best_of_each(boxes, scores[likely], 0.7)])


def _judge(onet: ONet, photo: Image.Image, boxes: Boxes, threshold: float) -> tuple[Boxes, Scores, Points]:
    boxes = squared(boxes)
    scores, offsets, points = judged(onet, cut_out(photo, boxes, ONET_SIZE))
    points = boxes[:, None, :2] + points * sides(boxes)[:, None]
    boxes = moved(boxes, offsets)
    likely = np.flatnonzero(scores >= threshold)
    kept = likely[best_of_each(boxes[likely], scores[likely], 0.7, nested=True)]
    return boxes[kept], scores[kept], points[kept]
