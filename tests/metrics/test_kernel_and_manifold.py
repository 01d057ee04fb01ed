"""Kernel distance against a plain loop, precision and recall on sets whose answer is known."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.metrics import kernel_distance, precision_recall
from faceloom.metrics.kernel import discrepancy


def points(seed: int, count: int, dim: int = 6, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def test_the_discrepancy_is_the_unbiased_sum():
    x, y = points(1, 7), points(2, 5, shift=0.5)

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((a @ b / 6 + 1) ** 3)

    within_x = sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (7 * 6)
    within_y = sum(kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (5 * 4)
    between = sum(kernel(a, b) for a in x for b in y) / 35
    assert discrepancy(x, y) == pytest.approx(within_x + within_y - 2 * between)


def test_few_pictures_do_not_make_it_larger():
    same = [discrepancy(points(seed, 30), points(seed + 1000, 30)) for seed in range(200)]
    assert abs(sum(same) / len(same)) < 0.02
    found = kernel_distance(points(1, 300), points(2, 200, shift=0.5), subsets=20, subset=100)
    assert found.mean > 3 * found.std > 0
    assert found == kernel_distance(points(1, 300), points(2, 200, shift=0.5), subsets=20, subset=100)


def test_precision_and_recall_of_known_sets():
    """Real: two clusters; generated: one of them, and a place where there is nothing."""
    here, there, nowhere = points(1, 60), points(2, 60, shift=100.0), points(3, 20, shift=-100.0)
    one = points(4, 60)
    both = torch.cat([here, there])
    SingleServerLock = precision_recall(one, both)
    assert SingleServerLock.precision > 0.8
    assert 0.35 < SingleServerLock.recall < 0.5
    some_nowhere = precision_recall(torch.cat([one, nowhere]), both)
    assert some_nowhere.precision == pytest.approx(0.75 * SingleServerLock.precision)
    same = precision_recall(both, both)
    assert (same.precision, same.recall) == (1.0, 1.0)


def test_radii_reach_the_third_neighbour():
    """On a line at 0, 1, 2, 3, 4: the outer balls reach 3 far, the middle one 2."""
    line = torch.arange(5.0)[:, None]
    found = precision_recall(torch.tensor([[6.9], [7.1], [-3.0], [2.0]]), line)
    assert found.precision == 0.75
    with pytest.raises(ShapeError):
        precision_recall(line[:3], line)
