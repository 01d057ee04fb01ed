"""An honest word for how good a reproduction is."""

from __future__ import annotations

from collections.abc import Mapping

WORDS = ("poor", "fair", "good", "excellent")
BOUNDS = ((0.20, 0.60), (0.12, 0.80), (0.06, 0.92))
"""LPIPS at most and identity at least for 'fair', 'good' and 'excellent'; from val portraits, see docs/inversion.md."""


def word(quality: Mapping[str, float]) -> str:
    """Say 'poor', 'fair', 'good' or 'excellent': both LPIPS (AlexNet, 256 px) and the identity's cosine must be so."""
    met = sum(quality["lpips"] <= lpips and quality["identity"] >= identity for lpips, identity in BOUNDS)
    return WORDS[met]
