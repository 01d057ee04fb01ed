"""Intermediate results of the networks: the detector's stages, the difference to the photo, and the layers' styles.

The booth's Lab and notebooks show them. Does not draw diagrams.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from faceloom.checkpoints.load import load_lpips, load_mtcnn
from faceloom.faces.cascade import run_cascade
from faceloom.faces.detect import DEFAULT_THRESHOLDS
from faceloom.faces.refine_landmarks import refine_landmarks
from faceloom.images import area_resize
from faceloom.latents import layer_groups
from faceloom.likeness import Likeness
from faceloom.networks import lpips
from faceloom.networks.generator import image_at
from faceloom.workflows.studio import Studio

COMPARISON_RESOLUTION = 256  # side in pixels of the images that LPIPS compares
MAX_SIDE = 1024  # longest side in pixels of the photo in which the detector is traced
INSPECTED_MIN_FACE_PIXELS = 20  # smallest face in pixels that the detector is traced for

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class DetectorTrace:
    """The boxes that passed each of the detector's three networks, with the scores and landmarks of the last one.

    Convention: boxes (x0, y0, x1, y1) and points (x, y) in fractions of the photo's width and height, 0...1;
    `landmarks` are five points for each of `boxes`.
    """

    pnet_boxes: tuple[Box, ...]
    rnet_boxes: tuple[Box, ...]
    boxes: tuple[Box, ...]
    scores: tuple[float, ...]
    landmarks: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, eq=False)
class PhotoComparison:
    """The LPIPS distance (VGG16) between a likeness and its photo at 256 px, and its map `[256, 256]`."""

    distance: float
    distance_map: Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class LayerStyle:
    """The style of one layer: its resolution and group, how rare it is, and its channels relative to the mean face.

    Convention: `rarity` is about 1 for generated faces (see `edit.latent_statistics`); `channels` are in standard
    deviations among generated faces, in the order of the layer's features.
    """

    layer: int
    resolution: int
    group: str
    rarity: float
    channels: tuple[float, ...]


def trace_detector(photo: Image.Image) -> DetectorTrace:
    """Run the detector's three networks on an upright photo and return the boxes of each; landmarks are refined."""
    small = photo.copy()
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BILINEAR, reducing_gap=3)
    net = load_mtcnn()
    result = run_cascade(net, small, INSPECTED_MIN_FACE_PIXELS, DEFAULT_THRESHOLDS)
    scores, points = result.scores, result.points
    if len(points):
        scores, points = refine_landmarks(net.onet, small, points)
    accepted = scores >= DEFAULT_THRESHOLDS.face
    size = np.array(small.size)
    return DetectorTrace(
        pnet_boxes=_to_fractions(result.pnet_boxes, size),
        rnet_boxes=_to_fractions(result.rnet_boxes, size),
        boxes=_to_fractions(result.boxes[accepted], size),
        scores=tuple(round(float(score), 4) for score in scores[accepted]),
        landmarks=tuple(tuple((float(x), float(y)) for x, y in face) for face in (points[accepted] / size).round(4)),
    )


@torch.no_grad()
def compare_to_photo(studio: Studio, person: Likeness, img: Tensor) -> PhotoComparison:
    """Compare a person before edits with the aligned photo `[1, 3, h, w]`, -1...1."""
    vgg = load_lpips("vgg16")
    unedited = person.unedited
    rendered = image_at(studio.tuned_generator(unedited), unedited.w_plus, COMPARISON_RESOLUTION).clamp(-1, 1)
    a, b = vgg.features(area_resize(img, COMPARISON_RESOLUTION)), vgg.features(rendered)
    distances = lpips.distance_map(a, b, COMPARISON_RESOLUTION)[0].numpy()
    return PhotoComparison(float(lpips.distance(a, b)), distances)


@torch.no_grad()
def layer_styles(studio: Studio, person: Likeness) -> tuple[LayerStyle, ...]:
    """Return the style of every layer of a person."""
    G = studio.generator.G
    group_of = {layer: name for name, layers in layer_groups(G.layer_resolutions).items() for layer in layers}
    rarity = studio.latent_statistics.distance(person.w_plus)[0].tolist()
    return tuple(
        LayerStyle(layer, side, group_of[layer], round(rarity[layer], 3), _channels(studio, person.w_plus, layer))
        for layer, side in enumerate(G.layer_resolutions)
    )


def _channels(studio: Studio, w_plus: Tensor, layer: int) -> tuple[float, ...]:
    """Return the first affine map's style minus that of the mean face, in standard deviations of each channel.

    The variances of the channels are the diagonal of A S A', where S is the covariance of w.
    """
    affine = studio.generator.G.affines(layer)[0]
    statistics = studio.latent_statistics
    mean = statistics.mean.to(w_plus)
    zero = affine(torch.zeros_like(mean)[None])
    axes = (statistics.axes * statistics.variances.sqrt()).to(w_plus)  # [w_dim w_dim], one deviation in each column
    sigmas = (affine(axes.T) - zero).square().sum(0).sqrt()
    offsets = (affine(w_plus[:, layer]) - affine(mean[None]))[0] / sigmas.clamp_min(1e-6)
    return tuple(round(value, 2) for value in offsets.tolist())


def _to_fractions(boxes: np.ndarray, size: np.ndarray) -> tuple[Box, ...]:
    rows = (boxes.reshape(-1, 2, 2) / size).round(4).reshape(-1, 4)
    return tuple((float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in rows)
