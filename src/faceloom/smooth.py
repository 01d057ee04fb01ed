"""Smoothing of a series of measurements with noise and gaps."""

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
