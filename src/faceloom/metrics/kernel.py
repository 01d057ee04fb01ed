"""The kernel distance of two sets of features, which has no bias for small numbers of pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.metrics.features import Features, OtherFeatures

SUBSETS = 100  # number of random subsets
SUBSET = 1000  # pictures of a subset


@dataclass(frozen=True)
class Kernel:
    """The distance as papers report it: mean and standard deviation over subsets."""

    mean: float
    std: float


def kernel_distance(
    a: Features, b: OtherFeatures, *, subsets: int = SUBSETS, subset: int = SUBSET, seed: int = 0
) -> Kernel:
    """Return the unbiased squared maximum mean discrepancy with the kernel (x y / dim + 1)^3.

    Convention: subsets have `subset` pictures, or all if there are fewer, drawn without replacement by `seed`.
    Source: Binkowski et al. 2018, eq. 4.
    """
    size = min(subset, len(a), len(b))
    generator = torch.Generator().manual_seed(seed)
    x, y = a.double(), b.double()
    values = []
    for _ in range(1 if size == len(x) == len(y) else subsets):  # all pictures of both sets are a single subset
        rows_x = torch.randperm(len(x), generator=generator)[:size]
        rows_y = torch.randperm(len(y), generator=generator)[:size]
        values.append(squared_mmd(x[rows_x], y[rows_y]))
    all_values = torch.tensor(values, dtype=torch.float64)
    return Kernel(float(all_values.mean()), float(all_values.std(correction=0)))


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Return the unbiased squared maximum mean discrepancy of `[n, dim]` and `[m, dim]`; it may be negative."""
    n, m = len(x), len(y)
    within_x, within_y, between = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    mean_x = (within_x.sum() - within_x.trace()) / (n * (n - 1))
    mean_y = (within_y.sum() - within_y.trace()) / (m * (m - 1))
    return float(mean_x + mean_y - 2 * between.mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
