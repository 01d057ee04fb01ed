"""What each of the three networks saw of a person: the detector, the eye of the search, the generator.

For the curious: the booth's Lab and notebooks ask for it. Knows the studio; draws no diagrams.
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
from faceloom.networks.generator import image_at
from faceloom.networks.lpips import distance, distance_map
from faceloom.workflows.studio import Studio

COMPARISON_RESOLUTION = 256  # pixels of what LPIPS compares
LONGEST = 1024  # pixels of the photo that the detector's way is shown on
INSPECTED_MIN_FACE_PIXELS = 20  # pixels of a face on it

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Detected:
    """What the detector saw: (x0, y0, x1, y1) boxes that passed each of its three networks, and five points a face.

    Convention: parts of the photo's width and height, 0...1; `scores` are the last network's.
    """

    proposed: tuple[Box, ...]
    sieved: tuple[Box, ...]
    boxes: tuple[Box, ...]
    scores: tuple[float, ...]
    points: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, eq=False)
class Compared:
    """How VGG16 sees that a person differs from the photo: LPIPS at 256 px, and where it comes from `[256, 256]`."""

    distance: float
    where: Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class LayerStyle:
    """One layer's style: what it shapes, how rare it is, and the factor of each channel against the mean face's.

    Convention: `rarity` is 1 for the generator's own people (see `edit.spread`); `channels` are in standard
    deviations among them, in the order of the layer's features.
    """

    layer: int
    resolution: int
    group: str
    rarity: float
    channels: tuple[float, ...]


def detected(photo: Image.Image) -> Detected:
    """Follow the detector through its three networks on an upright photo; the third looks twice."""
    small = photo.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR, reducing_gap=3)
    net = load_mtcnn()
    found = run_cascade(net, small, INSPECTED_MIN_FACE_PIXELS, DEFAULT_THRESHOLDS)
    scores, points = (
        refine_landmarks(net.onet, small, found.points) if len(found.points) else (found.scores, found.points)
    )
    sure = scores >= DEFAULT_THRESHOLDS.face
    size = np.array(small.size)
    proposed, sieved, boxes = (
        tuple(_box(box) for box in (part.reshape(-1, 2, 2) / size).round(4).reshape(-1, 4))
        for part in (found.pnet_boxes, found.rnet_boxes, found.boxes[sure])
    )
    five = tuple(tuple((float(x), float(y)) for x, y in face) for face in (points[sure] / size).round(4))
    return Detected(proposed, sieved, boxes, tuple(round(float(score), 4) for score in scores[sure]), five)


@torch.no_grad()
def compared(studio: Studio, person: Likeness, img: Tensor) -> Compared:
    """Compare a person, as they were found, with the aligned photo `[1, 3, h, w]` that they were found in."""
    eye = load_lpips("vgg16")
    found = person.unedited
    drawn = image_at(studio.tuned_generator(found), found.w_plus, COMPARISON_RESOLUTION).clamp(-1, 1)
    photo, likeness = eye.features(area_resize(img, COMPARISON_RESOLUTION)), eye.features(drawn)
    return Compared(float(distance(photo, likeness)), distance_map(photo, likeness, COMPARISON_RESOLUTION)[0].numpy())


@torch.no_grad()
def styles(studio: Studio, person: Likeness) -> tuple[LayerStyle, ...]:
    """Read every layer's style off a person."""
    G = studio.generator.G
    group_of = {layer: name for name, layers in layer_groups(G.layer_resolutions).items() for layer in layers}
    rarity = studio.latent_statistics.distance(person.w_plus)[0].tolist()
    return tuple(
        LayerStyle(layer, side, group_of[layer], round(rarity[layer], 3), _channels(studio, person.w_plus, layer))
        for layer, side in enumerate(G.layer_resolutions)
    )


def _channels(studio: Studio, w_plus: Tensor, layer: int) -> tuple[float, ...]:
    """The first affine's style against the mean face's, each channel by its own spread: A S A' has the variances."""
    affine = studio.generator.G.affines(layer)[0]
    people = studio.latent_statistics
    mean = people.mean.to(w_plus)
    zero = affine(torch.zeros_like(mean)[None])
    along = (people.axes * people.variances.sqrt()).to(w_plus)  # [w_dim w_dim], a column one deviation
    spread = (affine(along.T) - zero).square().sum(0).sqrt()
    away = (affine(w_plus[:, layer]) - affine(mean[None]))[0] / spread.clamp_min(1e-6)
    return tuple(round(value, 2) for value in away.tolist())


def _box(box: np.ndarray) -> Box:
    x0, y0, x1, y1 = (float(part) for part in box)
    return x0, y0, x1, y1
