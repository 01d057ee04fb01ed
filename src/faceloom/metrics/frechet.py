"""The Frechet distance of two sets of features, each modeled as a normal distribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.metrics.features import Features, OtherFeatures

PICTURES_PER_FEATURE = 10
"""Number of pictures per feature from which on the covariance is accurate enough to need no note."""


@dataclass(frozen=True, eq=False)
class Moments:
    """A normal distribution: `mean [dim]` and a factor of the covariance `[dim, rank]`, covariance = F F^T; float64."""

    mean: Tensor
    factor: Tensor


def frechet_distance(a: Features, b: OtherFeatures) -> float:
    """Return the squared Frechet distance of two sets of features, as usually reported (Heusel et al. 2017, eq. 6).

    |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), covariances over n - 1, in float64. With fewer pictures than
    features it can still be computed, but is too large: see `describe_shortage`.
    Raises ShapeError for features of different dimensions, or fewer than two pictures.
    """
    _check_features(a, b)
    return frechet_from_moments(fit_moments(a), fit_moments(b))


def frechet_from_moments(a: Moments, b: Moments) -> float:
    """Return the squared Frechet distance of two normal distributions.

    With S = F F^T, the trace of (S_a S_b)^(1/2) is the sum of the singular values of F_a^T F_b. This avoids roots of
    rounding errors, which the product's eigenvalues contain when a covariance does not have full rank.
    """
    shift = (a.mean - b.mean).square().sum()
    spread = a.factor.square().sum() + b.factor.square().sum()
    shared = torch.linalg.svdvals(a.factor.T @ b.factor).sum()
    return max(0.0, float(shift + spread - 2 * shared))


def fit_moments(features: Features) -> Moments:
    """Fit a normal distribution. The covariance's factor is of its eigenvectors, without those of eigenvalue 0."""
    x = features.double()
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / (len(x) - 1))
    kept = values > values[-1].clamp(min=0) * 1e-14
    return Moments(mean, vectors[:, kept] * values[kept].sqrt())


def describe_shortage(a: Features, b: OtherFeatures) -> str:
    """Return a note if the pictures are too few to compare the distance with that of other numbers, else ''."""
    fewest, dim = min(len(a), len(b)), a.shape[1]
    if fewest >= PICTURES_PER_FEATURE * dim:
        return ""
    rank = f", and fewer than the {dim} features" if fewest <= dim else ""
    return (
        f"with only {fewest} pictures on one side{rank}, the Frechet distance comes out too large: "
        f"compare it only with that of equally many"
    )


def _check_features(a: Features, b: OtherFeatures) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ShapeError(
            f"features: expected [n, dim] of one kind, n from 2, got {list(a.shape)} and {list(b.shape)}",
            "measure two pictures or more on each side",
        )
