"""The kernel distance compared with a plain loop; precision and recall of sets with a known result."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.metrics import kernel_distance, precision_recall
from faceloom.metrics.kernel import squared_mmd


def points(seed: int, count: int, dim: int = 6, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def test_the_discrepancy_is_the_unbiased_sum():
    x, y = points(1, 7), points(2, 5, shift=0.5)

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((a @ b / 6 + 1) ** 3)

    within_x = sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (7 * 6)
    within_y = sum(kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (5 * 4)
    between = sum(kernel(a, b) for a in x for b in y) / 35
    assert squared_mmd(x, y) == pytest.approx(within_x + within_y - 2 * between)


def test_the_distance_is_unbiased_for_few_pictures():
    same = [squared_mmd(points(seed, 30), points(seed + 1000, 30)) for seed in range(200)]
    assert abs(sum(same) / len(same)) < 0.02
    result = kernel_distance(points(1, 300), points(2, 200, shift=0.5), subsets=20, subset=100)
    assert result.mean > 3 * result.std > 0
    assert result == kernel_distance(points(1, 300), points(2, 200, shift=0.5), subsets=20, subset=100)


def test_precision_and_recall_of_known_sets():
    """Compare two real clusters with generated points of one of them, and of an empty region."""
    first, second, outside = points(1, 60), points(2, 60, shift=100.0), points(3, 20, shift=-100.0)
    generated = points(4, 60)
    both = torch.cat([first, second])
    one_cluster = precision_recall(generated, both)
    assert one_cluster.precision > 0.8
    assert 0.35 < one_cluster.recall < 0.5
    partly_outside = precision_recall(torch.cat([generated, outside]), both)
    assert partly_outside.precision == pytest.approx(0.75 * one_cluster.precision)
    same = precision_recall(both, both)
    assert (same.precision, same.recall) == (1.0, 1.0)


def test_radii_reach_the_third_neighbor():
    """Check a line at 0, 1, 2, 3, 4: the outer balls have radius 3, the middle one 2."""
    line = torch.arange(5.0)[:, None]
    result = precision_recall(torch.tensor([[6.9], [7.1], [-3.0], [2.0]]), line)
    assert result.precision == 0.75
    with pytest.raises(ShapeError):
        precision_recall(line[:3], line)
