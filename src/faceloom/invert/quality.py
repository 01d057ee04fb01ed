"""A word for the quality of an inversion: poor, fair, good or excellent."""

from __future__ import annotations

from collections.abc import Mapping

QUALITY_WORDS = ("poor", "fair", "good", "excellent")
QUALITY_BOUNDS = ((0.40, 0.93), (0.28, 0.97), (0.12, 0.985))
"""Highest LPIPS and lowest identity similarity for 'fair', 'good' and 'excellent'.

The search raises the analyzer's own similarity more than it makes two faces alike. These bounds are therefore chosen by
two judges that took no part in any training here, on training portraits: see docs/explanation/inversion.md.
"""


def rate_identity(identity: float) -> str:
    """Return the word for an identity similarity alone, as while an inversion runs."""
    return QUALITY_WORDS[sum(identity >= least for _, least in QUALITY_BOUNDS)]


def rate_quality(quality: Mapping[str, float]) -> str:
    """Return 'poor', 'fair', 'good' or 'excellent'.

    Both LPIPS (AlexNet, 256 px) and the identity similarity (cosine) must meet the word's bounds.
    """
    met = sum(quality["lpips"] <= lpips and quality["identity"] >= identity for lpips, identity in QUALITY_BOUNDS)
    return QUALITY_WORDS[met]
