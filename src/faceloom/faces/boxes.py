"""Boxes around faces: overlap, suppression, squaring. Knows numbers only.

Convention: boxes are float64 `[n, 4]`, (x0, y0, x1, y1) in pixels, measured at the pixels' edges: the first pixel of a
picture covers 0 ... 1, its centre is at 0.5.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

Boxes = Float[np.ndarray, "n 4"]
Scores = Float[np.ndarray, " n"]


def sides(boxes: Boxes) -> Float[np.ndarray, "n 2"]:
    """Width and height of each box."""
    return np.asarray(boxes[:, 2:] - boxes[:, :2])


def moved(boxes: Boxes, offsets: Boxes) -> Boxes:
    """Move each edge by its offset, given in units of the box's width and height."""
    return np.asarray(boxes + offsets * np.tile(sides(boxes), 2))


def squared(boxes: Boxes) -> Boxes:
    """Give each box its longer side in both directions, about its centre."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = sides(boxes).max(1, keepdims=True) / 2
    return np.concatenate([centres - half, centres + half], 1)


def best_of_each(boxes: Boxes, scores: Scores, limit: float, *, nested: bool = False) -> Int[np.ndarray, " k"]:
    """Suppress the lesser of every two boxes that overlap by more than `limit`: gives the indices kept, best first.

    Overlap is the shared area over the joint area, or with `nested` over the smaller one, which also drops a box inside
    another. Source: greedy non-maximum suppression, Zhang et al. 2016, section 2.
    """
    area = sides(boxes).prod(1)
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
