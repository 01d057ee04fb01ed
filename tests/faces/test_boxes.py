"""Bounding boxes: results that can be checked by hand."""

from __future__ import annotations

import numpy as np

from faceloom.faces.boxes import box_sizes, offset_edges, square_boxes, suppress_overlaps


def test_sizes_and_offsets() -> None:
    boxes = np.array([[10.0, 20.0, 30.0, 60.0]])
    assert box_sizes(boxes).tolist() == [[20, 40]]
    assert offset_edges(boxes, np.array([[0.1, -0.1, 0.5, 0.25]])).tolist() == [[12, 16, 40, 70]]


def test_squares_keep_the_center() -> None:
    assert square_boxes(np.array([[10.0, 20.0, 30.0, 60.0]])).tolist() == [[0, 20, 40, 60]]


def test_the_best_of_overlapping_boxes_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 4], [20, 0, 30, 10]], dtype=float)
    scores = np.array([0.7, 0.9, 0.8, 0.1])
    assert suppress_overlaps(boxes, scores, 0.45).tolist() == [
        1,
        3,
    ]  # 0 shares .8 of the joint area with 1, 2 shares .5
    assert suppress_overlaps(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert suppress_overlaps(boxes, scores, 0.85).tolist() == [1, 2, 0, 3]


def test_nested_overlap_is_relative_to_the_smaller_box() -> None:
    boxes = np.array([[0, 0, 100, 100], [40, 40, 50, 50]], dtype=float)
    scores = np.array([0.9, 0.8])
    assert suppress_overlaps(boxes, scores, 0.7).tolist() == [0, 1]
    assert suppress_overlaps(boxes, scores, 0.7, nested=True).tolist() == [0]


def test_no_boxes() -> None:
    assert suppress_overlaps(np.empty((0, 4)), np.empty(0), 0.5).tolist() == []
