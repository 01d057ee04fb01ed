"""Improved precision and recall: how many pictures of one set lie where the other's are. Knows numbers only.

Source: Kynkaanniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models", eq. 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.metrics.features import Features

NEIGHBOURS = 3
_ROWS = 2048


@dataclass(frozen=True)
class Manifolds:
    """Shares, 0...1: of A's pictures among B's (precision, when A is generated), of B's among A's (recall)."""

    precision: float
    recall: float


def precision_recall(a: Features, b: Features, neighbours: int = NEIGHBOURS) -> Manifolds:
    """Measure A, what is generated, against B, what is real.

    A set's manifold is the union of balls around its pictures, each as large as to reach the `neighbours`-th nearest.
    Raises ShapeError for no more pictures than neighbours.
    """
    if min(len(a), len(b)) <= neighbours:
        raise ShapeError(f"{min(len(a), len(b))} pictures have no {neighbours} neighbours each", "measure more of them")
    a, b = a.double(), b.double()
    return Manifolds(_share_inside(a, b, neighbours), _share_inside(b, a, neighbours))


def _share_inside(points: Tensor, centres: Tensor, neighbours: int) -> float:
    """How many of `points` lie in a ball around any of `centres` (eq. 1)."""
    radii = torch.cat(
        [_distances(rows, centres).kthvalue(neighbours + 1, dim=1).values for rows in centres.split(_ROWS)]
    )  # the nearest is the picture itself
    inside = [(_distances(rows, centres) <= radii).any(1) for rows in points.split(_ROWS)]
    return float(torch.cat(inside).double().mean())


def _distances(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist")
