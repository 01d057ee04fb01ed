"""Adaptive discriminator augmentation (ADA): adjusts the probability of augmentation to limit overfitting."""

from __future__ import annotations

ADJUSTMENT_STEPS = 4
"""Training steps between two adjustments."""


def adjust_probability(p: float, mean_sign: float, target: float, nimg: float, ada_kimg: float) -> float:
    """Return the new augmentation probability after `nimg` real images with the given mean sign of D.

    r_t = E[sign(D(real))] is near 1 when D overfits and near 0 when it does not. p moves at a fixed speed toward the
    value at which r_t equals `target`: from 0 to 1 in `ada_kimg` thousand images. The result stays within 0...1.
    Source: Karras et al. 2020b, section 3.1, eq. 1.
    """
    sign = (mean_sign > target) - (mean_sign < target)
    return min(1.0, max(0.0, p + sign * nimg / (1000 * ada_kimg)))
