"""Draw pictures beside their regions, to look at: held-out people, or likenesses of real people.

python recipes/regions/sheet.py --work WORK --kind generated -o sheet.png [--weights FILE]
python recipes/regions/sheet.py --likenesses FOLDER -o sheet.png [--weights FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from measure import load_head
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from faceloom.analyze.regions import read_regions
from faceloom.checkpoints.load import load_generator
from faceloom.images import to_pixels
from faceloom.likeness import Likeness
from faceloom.networks.regions import REGIONS
from faceloom.networks.tuned import Tuned

SIDE = 256
COLORS = {
    "background": (60, 60, 60),
    "clothes": (255, 140, 0),
    "neck": (0, 200, 200),
    "skin": (255, 200, 160),
    "hair": (130, 70, 20),
    "brows": (255, 0, 255),
    "eyes": (0, 90, 255),
    "lips": (220, 0, 0),
    "glasses": (0, 255, 0),
    "ears": (255, 255, 0),
}
OPACITY = 0.6
Pixels = NDArray[np.uint8]


@torch.no_grad()
def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--kind", default="generated")
    parser.add_argument("--likenesses", type=Path, help="folder of likeness files, instead of --work")
    parser.add_argument("--weights", type=Path, help="the shipped ones by default")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    head, G = load_head(args.weights), load_generator(precision="bf16").G
    if args.likenesses:
        people = [Likeness.load(path) for path in sorted(args.likenesses.glob("*.likeness"))]
        tiles = []
        for person in people:
            tuned = Tuned(G, person.delta) if person.delta else G
            pixels = to_pixels(tuned.synthesis_at(person.w_plus, SIDE))
            tiles.append(beside(pixels, read_regions(tuned, head, person.w_plus)))
    else:
        table = np.load(args.work / args.kind / "latents.npz")
        chosen = np.flatnonzero(table["held_out"])[args.first :][: args.count]
        w_plus = torch.from_numpy(table["w_plus"][chosen].astype(np.float32))
        pictures = np.load(args.work / args.kind / "pictures.npy", mmap_mode="r")[chosen]
        tiles = [beside(p, read_regions(G, head, w)) for p, w in zip(pictures, w_plus.split(1), strict=True)]
    save(tiles, args.out)


def beside(pixels: Pixels, regions: Tensor) -> Pixels:
    """Return a picture and the same under the colors of its regions, mixed by their probabilities."""
    colors = torch.tensor([COLORS[name] for name in REGIONS], dtype=torch.float32)
    mixed = torch.einsum("nrhw,rc->nchw", regions, colors)
    layer = F.interpolate(mixed, (SIDE, SIDE), mode="bilinear")[0].permute(1, 2, 0).numpy()
    covered = (1 - OPACITY) * pixels + OPACITY * layer
    return np.concatenate([pixels, covered.astype(np.uint8)], 1)


def save(tiles: list[Pixels], path: Path, columns: int = 4) -> None:
    """Save tiles in rows."""
    blank = np.zeros_like(tiles[0])
    tiles = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    Image.fromarray(np.concatenate(rows, 0)).save(path)


if __name__ == "__main__":
    main()
