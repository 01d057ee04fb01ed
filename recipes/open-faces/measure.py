"""Measure the open face model: its distance to held-out portraits, and whether it copies training portraits.

    python recipes/open-faces/measure.py --work build/open-faces [--generator NAME] [--count 1000]

Saves WORK/people.png and WORK/nearest.png (generated people, each with the most similar training portraits by the
analyzer's identity), and prints the figures. The nearest portraits show real people: they stay in WORK.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from train import dataset

from faceloom.analyze.reading import read
from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.datasets import Dataset
from faceloom.images import make_contact_sheet, save_picture, to_img, to_pixels
from faceloom.metrics import VggFeatures, compare, extract, generate_pictures
from faceloom.networks.generator import Generator

SIDE = 256  # resolution for the analyzer in pixels
SHOWN = 10  # people shown with their nearest portraits


def main() -> None:
    """Save the sheets and print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of train.py")
    parser.add_argument("--generator", default="open-faces")
    parser.add_argument("--count", type=int, default=1000, help="number of generated people and of portraits")
    args = parser.parse_args()
    G = load_generator(args.generator).G
    train, val = (Dataset.open(dataset(args.work, G.img_resolution, split)) for split in ("train", "val"))
    save_people(G, args.work / "people.png")
    report_distances(G, train, val, args.count)
    report_copies(G, train, val, args.count, args.work / "nearest.png")


def save_people(G: Generator, path: Path) -> None:
    """Save a sheet of generated people, truncated to 0.7."""
    people = [to_pixels(image) for image in generate_pictures(G, 100, psi=0.7)]
    save_picture(make_contact_sheet(people, 10, 128), path, ai_generated=True)


def report_distances(G: Generator, train: Dataset, val: Dataset, count: int) -> None:
    """Print distances (VGG16) of generated and training pictures to held-out and to other training portraits."""
    net = VggFeatures(load_lpips("vgg16"))
    order = np.random.default_rng(0).permutation(len(train))
    first, second = (extract(net, portraits(train, rows)) for rows in np.split(order[: 2 * count], 2))
    val_features, fake = extract(net, portraits(val, range(len(val)))), extract(net, generate_pictures(G, count))
    print(f"{'':32}{'Frechet':>9}{'kernel':>9}{'precision':>11}{'recall':>8}")
    for name, one, other in (
        (f"{count} generated / {len(val)} held out", fake, val_features),
        (f"{count} real / {len(val)} held out", first, val_features),
        (f"{count} generated / {count} real", fake, first),
        (f"{count} real / {count} other real", second, first),
    ):
        comparison = compare(net, one, other)
        shares = comparison.manifolds
        print(
            f"{name:32}{comparison.frechet:9.2f}{comparison.kernel.mean:9.4f}{shares.precision:11.2f}{shares.recall:8.2f}"
        )


def portraits(data: Dataset, rows: Iterable[int]) -> Iterator[Tensor]:
    """Yield pictures of a dataset by index."""
    for row in rows:
        yield to_img(data[int(row)][0])


def report_copies(G: Generator, train: Dataset, val: Dataset, count: int, path: Path) -> None:
    """Print the similarity of generated people and held-out portraits to their nearest training portraits."""
    training = identities(portraits(train, range(len(train))))
    held_out = identities(portraits(val, range(len(val))))
    generated = identities(generate_pictures(G, count))
    for name, people in (("generated", generated), ("held out", held_out)):
        nearest = (people @ training.T).max(1).values
        middle, most = float(nearest.median()), float(nearest.max())
        print(f"{name}: similarity to the nearest training portrait: median {middle:.2f}, most {most:.2f}")
    closest = (generated @ training.T).max(1).values.topk(SHOWN).indices.tolist()
    tiles = []
    for seed in closest:
        tiles += [to_pixels(image) for image in generate_pictures(G, 1, seed=seed)]
        tiles += [np.asarray(train[row][0]) for row in (generated[seed] @ training.T).topk(4).indices.tolist()]
    save_picture(make_contact_sheet(tiles, 5, 128), path, ai_generated=True)


@torch.no_grad()
def identities(images: Iterator[Tensor]) -> Tensor:
    """Return the analyzer's identities: `[n, 128]`, unit length."""
    analyzer = load_analyzer()
    large = (torch.nn.functional.interpolate(img, (SIDE, SIDE), mode="bilinear") for img in images)
    return torch.cat([read(analyzer, img.clamp(-1, 1)).identity for img in large])


if __name__ == "__main__":
    main()
