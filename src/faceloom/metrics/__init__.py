"""How like two sets of pictures are, and how smooth a generator's space is. Knows features, pictures and generators."""

from faceloom.metrics.compare import Comparison, compare
from faceloom.metrics.features import FeatureNet, InceptionFeatures, VggFeatures, extract
from faceloom.metrics.frechet import frechet_distance
from faceloom.metrics.kernel import kernel_distance
from faceloom.metrics.manifold import precision_recall
from faceloom.metrics.path_length import path_length
from faceloom.metrics.pictures import drawn, opened

__all__ = [
    "Comparison",
    "FeatureNet",
    "InceptionFeatures",
    "VggFeatures",
    "compare",
    "drawn",
    "extract",
    "frechet_distance",
    "kernel_distance",
    "opened",
    "path_length",
    "precision_recall",
]
