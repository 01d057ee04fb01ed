"""The Frechet distance of two sets of features, each taken for a normal distribution. Knows numbers only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.metrics.features import Features

MANY = 10
"""Pictures a feature from which on the covariance is known well enough not to speak of it."""


@dataclass(frozen=True, eq=False)
class Moments:
    """A normal distribution: `mean [dim]` and a factor of the covariance `[dim, rank]`, covariance = F F^T; float64."""

    mean: Tensor
    factor: Tensor


def frechet_distance(a: Features, b: Features) -> float:
    """The Frechet distance of two sets of features, squared as the field states it (Heusel et al. 2017, eq. 6).

    |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), covariances over n - 1, in float64. Fewer pictures than features
    leave no hole in it, but make it larger than it is: see `shortage`.
    Raises ShapeError for features of two kinds, or fewer than two pictures.
    """
    _check(a, b)
    return frechet_of_moments(moments(a), moments(b))


def frechet_of_moments(a: Moments, b: Moments) -> float:
    """As `frechet_distance`, from the distributions.

    With S = F F^T the trace of (S_a S_b)^(1/2) is the sum of the singular values of F_a^T F_b: no root is taken of
    a rounding error, as it would be of the product's eigenvalues where a covariance has no full rank.
    """
    shift = (a.mean - b.mean).square().sum()
    spread = a.factor.square().sum() + b.factor.square().sum()
    shared = torch.linalg.svdvals(a.factor.T @ b.factor).sum()
    return max(0.0, float(shift + spread - 2 * shared))


def moments(features: Features) -> Moments:
    """Fit a normal distribution; the covariance's factor comes from its eigenvectors, those of no weight left out."""
    x = features.double()
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / (len(x) - 1))
    kept = values > values[-1].clamp(min=0) * 1e-14
    return Moments(mean, vectors[:, kept] * values[kept].sqrt())


def shortage(a: Features, b: Features) -> str:
    """Say whether the pictures are too few for the distance to be compared with that of other numbers of pictures."""
    fewest, dim = min(len(a), len(b)), a.shape[1]
    if fewest >= MANY * dim:
        return ""
    rank = f", and fewer than the {dim} features" if fewest <= dim else ""
    return (
        f"with only {fewest} pictures on one side{rank}, the Frechet distance comes out too large: "
        f"compare it only with that of equally many"
    )


def _check(a: Features, b: Features) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ShapeError(
            f"features: expected [n, dim] of one kind, n from 2, got {list(a.shape)} and {list(b.shape)}",
            "measure two pictures or more on each side",
        )
