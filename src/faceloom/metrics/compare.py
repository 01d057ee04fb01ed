"""All distances of two sets of features at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faceloom.metrics.features import FeatureNet, Features
from faceloom.metrics.frechet import frechet_distance, shortage
from faceloom.metrics.kernel import Kernel, kernel_distance
from faceloom.metrics.manifold import Manifolds, precision_recall


@dataclass(frozen=True)
class Comparison:
    """A against B, through the eyes of `network`; `notes` say what the numbers may not be compared with."""

    network: str
    counts: tuple[int, int]
    frechet_name: str
    frechet: float
    kernel_name: str
    kernel: Kernel
    manifolds: Manifolds
    notes: Sequence[str]


def compare(net: FeatureNet, a: Features, b: Features) -> Comparison:
    """Compare A, what is generated, with B, what is real. Raises ShapeError for fewer than four pictures a side."""
    frechet = frechet_distance(a, b)
    notes = [note for note in (shortage(a, b),) if note]
    counts = len(a), len(b)
    kernel, manifolds = kernel_distance(a, b), precision_recall(a, b)
    return Comparison(net.name, counts, net.frechet_name, frechet, net.kernel_name, kernel, manifolds, notes)
