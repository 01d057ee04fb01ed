"""`python -m bench.several`: one likeness of three photos against the likenesses of each, on a fourth photo kept aside.

The photos are generated people in four poses and expressions, each blurred a little and in another light, because no
collection of ours has four photos of one person. dlib's distance to the fourth, undamaged photo is measured; nothing
here was trained on it. Weights are not tuned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from bench.evaluators import Evaluators
from faceloom.checkpoints.load import load_lpips
from faceloom.checkpoints.shipped import load_analyzer, load_curvature
from faceloom.edit.apply import apply
from faceloom.images import make_contact_sheet, to_pixels
from faceloom.invert.degradation import blur
from faceloom.invert.natural_gradient import ImageLoss, NaturalGradientDescent
from faceloom.invert.several import average, shared_descent
from faceloom.networks.generator import image_at
from faceloom.workflows.studio import Studio

VIEWS = (
    {"yaw": -14.0, "smile": -2.0},
    {"yaw": 12.0, "smile": 3.0, "pitch": 5.0},
    {"pitch": -6.0, "smile": 1.0},
    {"yaw": 3.0, "smile": 2.0},  # the one that is kept aside
)
LIGHT = ((0.8, -0.15), (1.0, 0.1), (0.9, 0.0))  # contrast and brightness of the three photos
SIGMA = 1.5  # pixels of blur of the three photos
STEPS = 10


def main() -> None:
    """Print a row a person: the distances of the single likenesses and of the common one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judges", type=Path, required=True, help="folder of bench.evaluators")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[9001, 9002, 9003, 9004])
    options = parser.parse_args()
    studio, judges = Studio(), Evaluators(options.judges)
    assert studio.encoder is not None
    G, curvature = studio.fast_generator.G, load_curvature()
    loss = ImageLoss(load_lpips("alexnet"), load_analyzer())
    cells: list[Image.Image] = []
    for seed in options.seeds:
        views = [_draw(studio, seed, view) for view in VIEWS]
        photos = [
            (blur(view, SIGMA) * gain + light).clamp(-1, 1) for view, (gain, light) in zip(views, LIGHT, strict=False)
        ]
        singles = [
            _descend(NaturalGradientDescent(G, loss.for_target(photo), studio.encoder(photo), curvature))
            for photo in photos
        ]
        shared = average(G, torch.cat(photos), loss=loss, curvature=curvature, encoder_guess=studio.encoder)
        common = _descend(shared_descent(G, loss, curvature, shared)(photos[shared.reference], shared.w_plus))
        pictures = [views[3], *singles, common]
        identity = judges.read([to_pixels(picture.clamp(-1, 1)) for picture in pictures]).identity
        distances = [float(((row - identity[0]) ** 2).sum() ** 0.5) for row in identity[1:]]
        print(seed, "single", *(f"{d:.3f}" for d in distances[:3]), f"common {distances[3]:.3f}", flush=True)
        cells += [Image.fromarray(to_pixels(picture.clamp(-1, 1))) for picture in (*photos, *pictures)]
    labels = ["photo 1", "photo 2", "photo 3", "kept aside", "of 1", "of 2", "of 3", "of all"]
    make_contact_sheet(cells, 8, 144, labels * len(options.seeds)).save(options.out)


@torch.no_grad()
def _draw(studio: Studio, seed: int, view: dict[str, float]) -> Tensor:
    G = studio.fast_generator.G
    return image_at(G, apply(studio.generate(seed).w_plus, studio.basis, view), 256).clamp(-1, 1)


def _descend(descent: NaturalGradientDescent) -> Tensor:
    for number in range(STEPS):
        descent.step(number, 0.0)
    return descent.finish()[3]


if __name__ == "__main__":
    main()
