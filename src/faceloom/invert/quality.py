"""A word for the quality of an inversion: poor, fair, good or excellent."""

from __future__ import annotations

from collections.abc import Mapping

QUALITY_WORDS = ("poor", "fair", "good", "excellent")
QUALITY_BOUNDS = ((0.20, 0.60), (0.12, 0.80), (0.06, 0.92))
"""Highest LPIPS and lowest identity similarity for 'fair', 'good' and 'excellent'.

Chosen on the validation portraits, see docs/explanation/inversion.md.
"""


def rate_quality(quality: Mapping[str, float]) -> str:
    """Return 'poor', 'fair', 'good' or 'excellent'.

    Both LPIPS (AlexNet, 256 px) and the identity similarity (cosine) must meet the word's bounds.
    """
    met = sum(quality["lpips"] <= lpips and quality["identity"] >= identity for lpips, identity in QUALITY_BOUNDS)
    return QUALITY_WORDS[met]
