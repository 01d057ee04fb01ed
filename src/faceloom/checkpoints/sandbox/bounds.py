"""Bounds on network configurations from untrusted files, checked before a network of that size is allocated."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from faceloom.errors import WrongShape

MAX_VALUE = 1 << 20
"""Maximum absolute value of every number in a configuration."""

VALUE_BOUNDS: dict[str, tuple[float, float]] = {
    "img_resolution": (4, 4096),
    "img_channels": (1, 4),
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
    "bands": (0, 1 << 16),
}
"""Minimum and maximum value of fields with tighter bounds."""

LENGTH_BOUNDS = {
    "channels": (1, 10),
    "base": (2, 2),
    "head_depths": (1, 32),
    "resample_filter": (1, 32),
    "blur_filter": (1, 32),
    "bands": (5, 5 * 65),
}
"""Minimum and maximum number of entries of fields that hold several numbers."""


def check_bounds(config: Any) -> None:
    """Raise WrongShape, naming the setting, unless every value of a configuration lies within its bounds."""
    for field in fields(config):
        value = getattr(config, field.name)
        minimum, maximum = VALUE_BOUNDS.get(field.name, (-MAX_VALUE, MAX_VALUE))
        numbers = value if isinstance(value, tuple) else (value,)
        min_length, max_length = LENGTH_BOUNDS.get(field.name, (0, 1))
        fits = isinstance(value, str | None) or (
            min_length <= len(numbers) <= max_length
            and all(isinstance(n, int | float) and minimum <= n <= maximum for n in numbers)  # false for NaN
        )
        is_whole = str(field.type) not in ("int", "tuple[int, ...]", "tuple[int, int]") or all(
            isinstance(n, int) and not isinstance(n, bool) for n in numbers
        )
        if not fits or not is_whole or (isinstance(value, str) and value not in ("orig", "skip", "resnet")):
            raise WrongShape(
                f"the network's {field.name} is {_shorten(value)}", "the file is damaged or of another family"
            )
    side = getattr(config, "img_resolution", 4)
    is_unsupported_size = side & (side - 1) and not hasattr(config, "base")
    if (
        is_unsupported_size
        or side > VALUE_BOUNDS["img_resolution"][1]
        or getattr(config, "num_layers", 2) <= getattr(config, "num_critical", 0)
    ):
        raise WrongShape(
            f"the network's resolution ({side}) and number of layers do not fit each other",
            "the file is damaged or of another family",
        )


def _shorten(value: object) -> str:
    """Return a value as text of at most 60 characters; Python does not print integers of more than 4300 digits."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    try:
        return str(value)[:60]
    except ValueError:
        return f"a {type(value).__name__} with a very large integer"
