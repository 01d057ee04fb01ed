"""`python -m bench.styles STYLE ... --judges FOLDER`: do people stay recognizable in a style?

Generated people that no style was fitted to are drawn with and without each style. The judges are faceloom's analyzer,
which took no part in fits to exact examples, and dlib's network, which took part in nothing. dlib reads both pictures
at the place where it finds the face without the style, because it finds no faces in some drawings.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.evaluators import SAME, Evaluators
from faceloom.images import to_pixels
from faceloom.networks.generator import image_at
from faceloom.workflows.studio import Studio
from faceloom.workflows.styling import load_style, read_identity

FIRST_SEED, PSI, SIDE = 7000, 0.7, 256


def main() -> None:
    """Measure, and print one line for each style and strength."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("styles", nargs="+", help="names or files of styles")
    parser.add_argument("--judges", type=Path, required=True)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--strengths", default="1,0.7")
    options = parser.parse_args()
    studio, evaluators = Studio(), Evaluators(options.judges)
    people = [studio.generate(seed, PSI) for seed in range(FIRST_SEED, FIRST_SEED + options.people)]
    plain, pixels = draw(studio, people)
    places = [evaluators.points(image, evaluators._detect(image)) for image in pixels]
    before = describe(evaluators, pixels, places)
    print("style | strength | analyzer: mean, lowest, own is nearest | dlib: median, same, own is nearest")
    for name in options.styles:
        style = load_style(name)
        for strength in map(float, options.strengths.split(",")):
            drawn, drawn_pixels = draw(studio, [studio.draw_in_style(one, style, strength) for one in people])
            table = (drawn @ plain.T).numpy()  # [drawn plain]
            distances = np.linalg.norm(describe(evaluators, drawn_pixels, places)[:, None] - before, axis=2)
            own, nearest = np.diagonal(distances), (distances.argmin(1) == np.arange(len(people))).mean()
            print(
                f"{style.name} | {strength:g} | {table.diagonal().mean():.2f}, {table.diagonal().min():.2f}, "
                f"{(table.argmax(1) == np.arange(len(people))).mean():.0%} | "
                f"{np.median(own):.2f}, {(own < SAME).mean():.0%}, {nearest:.0%}",
                flush=True,
            )


@torch.no_grad()
def draw(studio: Studio, people: list[Any]) -> tuple[torch.Tensor, list[NDArray[np.uint8]]]:
    """Return identities `[n, 128]` and pictures of people as they are drawn."""
    images = [image_at(studio.person_generator(person), person.w_plus, SIDE).clamp(-1, 1) for person in people]
    return torch.cat([read_identity(img) for img in images]), [to_pixels(img) for img in images]


def describe(evaluators: Evaluators, pictures: list[NDArray[np.uint8]], places: list[Any]) -> NDArray[np.float64]:
    """Return dlib's identities of faces at given places."""
    rows = [
        evaluators.identity.compute_face_descriptor(image, place, 0)
        for image, place in zip(pictures, places, strict=True)
    ]
    return np.array(rows)


if __name__ == "__main__":
    main()
