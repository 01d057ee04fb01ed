"""Improved precision and recall: the share of one set's pictures that lie in the other set's manifold.

Source: Kynkaanniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models", eq. 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.metrics.features import Features, OtherFeatures

NEIGHBORS = 3  # number of the nearest neighbor that sets a ball's radius
_ROWS = 2048  # rows of distances that are computed at once


@dataclass(frozen=True)
class Manifolds:
    """The shares, 0...1, of A in B's manifold (precision, when A is generated) and of B in A's manifold (recall)."""

    precision: float
    recall: float


def precision_recall(a: Features, b: OtherFeatures, neighbors: int = NEIGHBORS) -> Manifolds:
    """Return the precision and recall of the generated pictures A with respect to the real pictures B.

    A set's manifold is the union of balls around its pictures, each of which reaches the picture's nearest neighbor
    with number `neighbors`. Raises ShapeError unless there are more pictures than neighbors.
    """
    if min(len(a), len(b)) <= neighbors:
        raise ShapeError(f"expected more than {neighbors} pictures, got {min(len(a), len(b))}", "measure more pictures")
    a, b = a.double(), b.double()
    return Manifolds(_share_inside(a, b, neighbors), _share_inside(b, a, neighbors))


def _share_inside(points: Tensor, centers: Tensor, neighbors: int) -> float:
    """Return the share of `points` that lie in a ball around any of `centers` (eq. 1)."""
    radii = torch.cat(
        [_distances(rows, centers).kthvalue(neighbors + 1, dim=1).values for rows in centers.split(_ROWS)]
    )  # + 1, because the nearest is the picture itself
    inside = [(_distances(rows, centers) <= radii).any(1) for rows in points.split(_ROWS)]
    return float(torch.cat(inside).double().mean())


def _distances(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist")
