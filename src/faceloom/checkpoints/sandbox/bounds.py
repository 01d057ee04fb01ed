"""How large a described network may be: descriptions come from strangers, and building what they say costs memory."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from faceloom.errors import WrongShape

LARGEST = 1 << 20
"""Of every number in a description."""

SMALLER: dict[str, tuple[float, float]] = {
    "img_resolution": (4, 4096),
    "z_dim": (0, 1 << 16),
    "c_dim": (0, 1 << 16),
    "w_dim": (1, 1 << 16),
    "num_layers": (1, 64),
    "margin_size": (0, 256),
    "conv_kernel": (1, 9),
    "filter_size": (1, 32),
    "lrelu_upsampling": (1, 8),
    "first_cutoff": (0.1, 4096),
    "first_stopband": (0.1, 4096),
    "last_stopband_rel": (0.1, 16),
    "mapping_layers": (0, 64),
    "head_depths": (4, 6),
    "in_channels": (3, 6),
    "width": (2, 1024),
    "base": (1, 64),
}
"""Least and largest of those that count more."""

LONGEST = {
    "channels": (1, 10),
    "base": (2, 2),
    "head_depths": (1, 32),
    "resample_filter": (1, 32),
    "blur_filter": (1, 32),
}
"""Least and largest number of entries."""


def check_bounds(config: Any) -> None:
    """Hold a configuration against what any StyleGAN needs. Raises WrongShape naming the setting."""
    for field in fields(config):
        value = getattr(config, field.name)
        least, most = SMALLER.get(field.name, (-LARGEST, LARGEST))
        numbers = value if isinstance(value, tuple) else (value,)
        fewest, longest = LONGEST.get(field.name, (0, 1))
        fits = isinstance(value, str | None) or (
            fewest <= len(numbers) <= longest
            and all(isinstance(n, int | float) and math.isfinite(n) and least <= n <= most for n in numbers)
        )
        if not fits or (isinstance(value, str) and value not in ("orig", "skip", "resnet")):
            raise WrongShape(f"the network's {field.name} is {str(value)[:60]}", "no StyleGAN is made so")
    side = getattr(config, "img_resolution", 4)
    is_odd = side & (side - 1) and not hasattr(config, "base")
    if (
        is_odd
        or side > SMALLER["img_resolution"][1]
        or getattr(config, "num_layers", 2) <= getattr(config, "num_critical", 0)
    ):
        raise WrongShape(f"the network's sides ({side}) or layers do not fit each other", "no StyleGAN is made so")
