"""Metrics: distances between two sets of pictures, and the smoothness of a generator's latent space."""

from faceloom.metrics.compare import Comparison, compare
from faceloom.metrics.features import FeatureNet, InceptionFeatures, VggFeatures, extract
from faceloom.metrics.frechet import frechet_distance
from faceloom.metrics.kernel import kernel_distance
from faceloom.metrics.manifold import precision_recall
from faceloom.metrics.path_length import path_length
from faceloom.metrics.pictures import generate_pictures, open_pictures

__all__ = [
    "Comparison",
    "FeatureNet",
    "InceptionFeatures",
    "VggFeatures",
    "compare",
    "extract",
    "frechet_distance",
    "generate_pictures",
    "kernel_distance",
    "open_pictures",
    "path_length",
    "precision_recall",
]
