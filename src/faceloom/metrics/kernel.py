"""The kernel distance of two sets of features, which few pictures do not make larger. Knows numbers only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.metrics.features import Features

SUBSETS = 100
SUBSET = 1000


@dataclass(frozen=True)
class Kernel:
    """The distance as papers state it: the mean over subsets and their standard deviation."""

    mean: float
    std: float


def kernel_distance(a: Features, b: Features, *, subsets: int = SUBSETS, subset: int = SUBSET, seed: int = 0) -> Kernel:
    """The squared maximum mean discrepancy with the kernel (x y / dim + 1)^3, unbiased (Binkowski et al. 2018, eq. 4).

    Convention: subsets of `subset` pictures, fewer where there are fewer, drawn without putting back, by `seed`.
    """
    size = min(subset, len(a), len(b))
    generator = torch.Generator().manual_seed(seed)
    x, y = a.double(), b.double()
    values = []
    for _ in range(1 if size == len(x) == len(y) else subsets):  # all of both is one subset, however often drawn
        rows_x = torch.randperm(len(x), generator=generator)[:size]
        rows_y = torch.randperm(len(y), generator=generator)[:size]
        values.append(discrepancy(x[rows_x], y[rows_y]))
    all_values = torch.tensor(values, dtype=torch.float64)
    return Kernel(float(all_values.mean()), float(all_values.std(correction=0)))


def discrepancy(x: Tensor, y: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy of `[n, dim]` and `[m, dim]`; may fall below zero."""
    n, m = len(x), len(y)
    within_x, within_y, between = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    own_x = (within_x.sum() - within_x.trace()) / (n * (n - 1))
    own_y = (within_y.sum() - within_y.trace()) / (m * (m - 1))
    return float(own_x + own_y - 2 * between.mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
