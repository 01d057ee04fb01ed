"""Comparison of two sets of features by all distances at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faceloom.metrics.features import FeatureNet, Features
from faceloom.metrics.frechet import describe_shortage, frechet_distance
from faceloom.metrics.kernel import Kernel, kernel_distance
from faceloom.metrics.manifold import Manifolds, precision_recall


@dataclass(frozen=True)
class Comparison:
    """The distances of set A from set B by features of `network`; `notes` are limits of their comparability."""

    network: str
    counts: tuple[int, int]
    frechet_name: str
    frechet: float
    kernel_name: str
    kernel: Kernel
    manifolds: Manifolds
    notes: Sequence[str]


def compare(net: FeatureNet, a: Features, b: Features) -> Comparison:
    """Compare the generated pictures A with the real pictures B. Raises ShapeError for fewer than four of either."""
    frechet = frechet_distance(a, b)
    notes = [note for note in (describe_shortage(a, b),) if note]
    counts = len(a), len(b)
    kernel, manifolds = kernel_distance(a, b), precision_recall(a, b)
    return Comparison(net.name, counts, net.frechet_name, frechet, net.kernel_name, kernel, manifolds, notes)
