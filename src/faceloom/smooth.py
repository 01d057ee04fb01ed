"""Smoothing of measurements with noise and gaps: of a whole series, and of values that arrive one by one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def smooth(
    values: Float[np.ndarray, "n c"],
    stiffness: float,
    *,
    order: int = 2,
    weights: Float[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "n c"]:
    """Return a series near the values with small differences between neighbors, without lag.

    Minimizes `sum weights (x - values)^2 + stiffness * sum (D^order x)^2`. Order 1 leaves a constant unchanged, order 2
    a straight line. Oscillations with a period shorter than about `2 pi stiffness^(1 / (2 order))` steps are removed.
    A value of weight 0 is ignored (it may be NaN) and interpolated.
    Convention: values `[n, c]`, weights `[n]`, by default all 1.
    Source: Whittaker 1923; Eilers 2003, "A perfect smoother".
    """
    count = len(values)
    row_weights = np.ones(count) if weights is None else weights
    if count <= order or not stiffness:
        return np.array(values, dtype=float)
    differences = np.diff(np.eye(count), order, axis=0)  # [n - order, n]
    system = np.diag(row_weights) + stiffness * differences.T @ differences
    return np.linalg.solve(system, row_weights[:, None] * np.where(row_weights[:, None] > 0, values, 0.0))


class OneEuroFilter:
    """A filter of values that arrive one after the other: steady while they rest, quick while they move.

    A low-pass filter whose cutoff grows with the speed. `min_cutoff` in Hz removes jitter at rest; `speed_gain`, in Hz
    for one unit a second, removes lag in motion.
    Source: Casiez et al. 2012, "1 Euro Filter".
    """

    def __init__(self, min_cutoff: float = 1.0, speed_gain: float = 0.5, speed_cutoff: float = 1.0) -> None:
        self.min_cutoff, self.speed_gain, self.speed_cutoff = min_cutoff, speed_gain, speed_cutoff
        self.time = 0.0
        self.value: np.ndarray | None = None
        self.speed: np.ndarray | None = None

    def __call__(self, value: Float[np.ndarray, " c"], time: float) -> Float[np.ndarray, " c"]:
        """Return the filtered value at a time in seconds; times must grow, and equal ones count as 1 ms apart."""
        if self.value is None or self.speed is None:
            self.value, self.speed, self.time = value, np.zeros_like(value), time
            return value
        interval = max(time - self.time, 1e-3)
        self.speed += _share(np.full_like(value, self.speed_cutoff), interval) * (
            (value - self.value) / interval - self.speed
        )
        cutoff = self.min_cutoff + self.speed_gain * np.abs(self.speed)
        self.value, self.time = self.value + _share(cutoff, interval) * (value - self.value), time
        return self.value


def _share(cutoff: np.ndarray, interval: float) -> np.ndarray:
    """Return which part of the way to a new value a low-pass filter goes in `interval` seconds."""
    rate = 2 * np.pi * cutoff * interval
    return np.asarray(rate / (rate + 1))
