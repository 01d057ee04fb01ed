"""Smoothing a series that was measured with noise and with gaps. Knows numbers only."""

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
    """Give the series that stays near the values and has small differences between neighbours, without any lag.

    The minimum of `sum weights (x - values)^2 + stiffness * sum (D^order x)^2`: with order 1 a constant costs nothing,
    with order 2 a straight line; what turns faster than a period of about `2 pi stiffness^(1 / (2 order))` is taken
    out. Where a weight is 0 the value is not looked at (it may be NaN), and the gap is bridged.
    Source: Whittaker 1923; Eilers 2003, "A perfect smoother".
    """
    count = len(values)
    trusted = np.ones(count) if weights is None else weights
    if count <= order or not stiffness:
        return np.array(values, dtype=float)
    differences = np.diff(np.eye(count), order, axis=0)  # [n - order, n]
    system = np.diag(trusted) + stiffness * differences.T @ differences
    return np.linalg.solve(system, trusted[:, None] * np.where(trusted[:, None] > 0, values, 0.0))
