"""Measure the open face model: how near it is to portraits kept aside, and whether it copies those it learned from.

    python recipes/open-faces/measure.py --data DIR --work build/open-faces [--generator NAME] [--count 1000]

Writes WORK/people.png, WORK/nearest.png (people it invents, each with the nearest training portraits by the analyzer's
identity) and the figures. The nearest portraits show real people: they stay in WORK.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faceloom.analyze.reading import read
from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.datasets import Dataset
from faceloom.images import contact_sheet, save_picture, to_img, to_pixels
from faceloom.metrics import VggFeatures, compare, drawn, extract
from faceloom.networks.generator import Generator
from train import dataset

SIDE = 256  # at which the analyzer reads
SHOWN = 10  # people with their neighbours


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--generator", default="open-faces")
    arguments.add_argument("--count", type=int, default=1000, help="people invented, and portraits compared")
    given = arguments.parse_args()
    G = load_generator(given.generator).G
    train, val = (Dataset.open(dataset(given.data, given.work, G.img_resolution, split)) for split in ("train", "val"))
    grid(G, given.work / "people.png")
    distances(G, train, val, given.count)
    copies(G, train, val, given.count, given.work / "nearest.png")


def grid(G: Generator, path: Path) -> None:
    """People as a user sees them first, truncated to 0.7."""
    people = [to_pixels(image) for image in drawn(G, 60, psi=0.7)]
    save_picture(contact_sheet(people, 10, 128), path, ai_generated=True)


def distances(G: Generator, train: Dataset, val: Dataset, count: int) -> None:
    """Print distances (VGG16): drawn people, and training portraits, to those kept aside and to other training ones."""
    net = VggFeatures(load_lpips("vgg16"))
    shuffled_indices = np.random.default_rng(0).permutation(len(train))
    first, second = (extract(net, portraits(train, rows)) for rows in np.split(shuffled_indices[: 2 * count], 2))
    aside, fake = extract(net, portraits(val, range(len(val)))), extract(net, drawn(G, count))
    print(f"{'':32}{'Frechet':>9}{'kernel':>9}{'precision':>11}{'recall':>8}")
    for name, one, other in (
        (f"{count} drawn / {len(val)} kept aside", fake, aside),
        (f"{count} real / {len(val)} kept aside", first, aside),
        (f"{count} drawn / {count} real", fake, first),
        (f"{count} real / {count} other real", second, first),
    ):
        found = compare(net, one, other)
        shares = found.manifolds
        print(f"{name:32}{found.frechet:9.2f}{found.kernel.mean:9.4f}{shares.precision:11.2f}{shares.recall:8.2f}")


def portraits(data: Dataset, rows: Iterable[int]) -> Iterator[Tensor]:
    """Pictures of a dataset by number."""
    for row in rows:
        yield to_img(data[int(row)][0])


def copies(G: Generator, train: Dataset, val: Dataset, count: int, path: Path) -> None:
    """Is anybody copied? How near the nearest training portrait is to drawn people, and to portraits kept aside."""
    known = identities(portraits(train, range(len(train))))
    kept_aside = identities(portraits(val, range(len(val))))
    invented = identities(drawn(G, count))
    for name, people in (("drawn", invented), ("kept aside", kept_aside)):
        nearest = (people @ known.T).max(1).values
        middle, most = float(nearest.median()), float(nearest.max())
        print(f"{name}: similarity to the nearest training portrait: median {middle:.2f}, most {most:.2f}")
    closest = (invented @ known.T).max(1).values.topk(SHOWN).indices.tolist()
    tiles = []
    for seed in closest:
        tiles += [to_pixels(image) for image in drawn(G, 1, seed=seed)]
        tiles += [np.asarray(train[row][0]) for row in (invented[seed] @ known.T).topk(4).indices.tolist()]
    save_picture(contact_sheet(tiles, 5, 128), path, ai_generated=True)


@torch.no_grad()
def identities(images: Iterator[Tensor]) -> Tensor:
    """Whose faces these are, to the analyzer: `[n, 128]`, unit length."""
    analyzer = load_analyzer()
    large = (torch.nn.functional.interpolate(img, (SIDE, SIDE), mode="bilinear") for img in images)
    return torch.cat([read(analyzer, img.clamp(-1, 1)).identity for img in large])


if __name__ == "__main__":
    main()
