"""Bounding boxes: overlap, non-maximum suppression, squaring.

Convention: boxes are float64 `[n, 4]`, (x0, y0, x1, y1) in pixels, measured at the pixels' edges: the first pixel of a
picture covers 0 ... 1, its center is at 0.5.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

Boxes = Float[np.ndarray, "n 4"]
Scores = Float[np.ndarray, " n"]


def box_sizes(boxes: Boxes) -> Float[np.ndarray, "n 2"]:
    """Return the width and height of each box."""
    return np.asarray(boxes[:, 2:] - boxes[:, :2])


def offset_edges(boxes: Boxes, offsets: Boxes) -> Boxes:
    """Move each edge by its offset, in units of the box's width and height."""
    return np.asarray(boxes + offsets * np.tile(box_sizes(boxes), 2))


def square_boxes(boxes: Boxes) -> Boxes:
    """Extend each box to a square of its longer side, about its center."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = box_sizes(boxes).max(1, keepdims=True) / 2
    return np.concatenate([centers - half, centers + half], 1)


def suppress_overlaps(boxes: Boxes, scores: Scores, limit: float, *, nested: bool = False) -> Int[np.ndarray, " k"]:
    """Return the indices of the boxes that remain, best first, when the worse of each overlapping two is dropped.

    Two boxes overlap if the shared area is more than `limit` of the joint area, or with `nested` of the smaller area,
    which also drops a box inside another. Source: greedy non-maximum suppression, Zhang et al. 2016, section 2.
    """
    area = box_sizes(boxes).prod(1)
    order = scores.argsort()[::-1]
    kept: list[int] = []
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(int(first))
        shared = np.minimum(boxes[first, 2:], boxes[rest, 2:]) - np.maximum(boxes[first, :2], boxes[rest, :2])
        overlap = shared.clip(0).prod(1)
        whole = np.minimum(area[first], area[rest]) if nested else area[first] + area[rest] - overlap
        order = rest[overlap <= limit * whole]
    return np.array(kept, dtype=np.int64)
