"""How much to augment: as much as keeps the discriminator from knowing the training images by heart."""

from __future__ import annotations

EVERY = 4
"""Steps between two corrections."""


def corrected(p: float, mean_sign: float, target: float, images: float, ada_kimg: float) -> float:
    """Correct the chance of every augmentation after `images` real images with a mean sign of D.

    r_t = E[sign(D(real))] near 1 is overfitting, near 0 none; p moves by a fixed speed towards where r_t is `target`:
    from 0 to 1 in `ada_kimg` thousand images. It stays within 0...1.
    Source: Karras et al. 2020b, section 3.1, eq. 1.
    """
    towards = (mean_sign > target) - (mean_sign < target)
    return min(1.0, max(0.0, p + towards * images / (1000 * ada_kimg)))
