"""`python -m bench.restore DATA`: restoration of damaged portraits against the plain search of the same length.

Every portrait is made gray, blurred (sigma 4 at 256 px) and hidden by 20 % (a gray rectangle over the face), all three
together or one at a time. LPIPS (AlexNet, 256 px) and dlib's identity compare with the undamaged portrait. The row
`hidden part` shows what the hidden part alone costs: the undamaged portrait with that part of the restored picture.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from bench.evaluators import SAME, Evaluators
from bench.portraits import val_portraits
from faceloom.checkpoints.load import load_lpips
from faceloom.images import make_contact_sheet, to_img, to_pixels
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.degradation import blur, to_gray
from faceloom.workflows.restoring import restore_img
from faceloom.workflows.studio import Studio

SIGMA, HIDDEN = 4.0, 0.2
KINDS = ("all", "gray", "blurred", "hidden")
METHODS = ("plain", "restore")
PART = "hidden part"  # name of the row of undamaged portraits with the hidden part of the restored picture


def main() -> None:
    """Print a row a kind of damage and method, and save the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with faces.csv and faces.zip")
    parser.add_argument("--judges", type=Path, required=True, help="folder of bench.evaluators")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seconds", type=float, help="of each search; without it, the steps count")
    parser.add_argument("--steps", type=int, help="of each search")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["all"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--split", default="val")
    options = parser.parse_args()
    config = EncodeConfig(None if options.steps else options.seconds or 30.0, options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    studio, judges = Studio(), Evaluators(options.judges)
    studio.warm_up()
    portraits = list(val_portraits(options.data, options.count, options.split))
    methods: dict[str, Callable[[Tensor], Tensor]] = {
        "plain": lambda img: studio.invert(img, config).img,
        "restore": lambda img: restore_img(studio, img, config).inversion.img,
    }
    chosen = {name: methods[name] for name in options.methods}
    for kind in options.kinds:
        _measure_kind(kind, chosen, judges, portraits, options.out)


def _measure_kind(
    kind: str,
    methods: dict[str, Callable[[Tensor], Tensor]],
    judges: Evaluators,
    portraits: list[tuple[str, Image.Image]],
    out: Path,
) -> None:
    lpips = load_lpips("alexnet")
    rows: dict[str, list[tuple[float, float]]] = {}
    cells: list[Image.Image] = []
    names: list[str] = []
    for number, (_, portrait) in enumerate(portraits):
        true = to_img(portrait)
        damaged, hidden = damage(true, kind, number)
        pictures = {"photo": damaged} | {name: method(damaged).clamp(-1, 1) for name, method in methods.items()}
        if "restore" in pictures and hidden.any():
            pictures[PART] = torch.where(hidden, pictures["restore"], true)
        identities = judges.read([to_pixels(img) for img in (true, *pictures.values())]).identity
        for (name, img), identity in zip(pictures.items(), identities[1:], strict=True):
            distance = float(((identities[0] - identity) ** 2).sum() ** 0.5)
            rows.setdefault(name, []).append((float(lpips(img, true).item()), distance))
        cells += [_picture(img) for img in (true, *pictures.values())]
        names = ["true", *pictures]
        print(number, *(f"{name} {row[-1][0]:.3f} {row[-1][1]:.2f}" for name, row in rows.items()), flush=True)
        make_contact_sheet(cells, len(names), 192, names * (number + 1)).save(out / f"{kind}.png")
    for name, row in rows.items():
        same = sum(distance < SAME for _, distance in row)
        medians = [statistics.median(column) for column in zip(*row, strict=True)]
        print(
            f"{kind:<10}{name:<12} n {len(row)} LPIPS {medians[0]:.3f} dlib {medians[1]:.3f} same {same / len(row):.0%}"
        )


def damage(img: Tensor, kind: str, seed: int) -> tuple[Tensor, Tensor]:
    """Return a portrait `[1, 3, 256, 256]` as an old photo, and where it is hidden, `[1, 1, 256, 256]`, boolean.

    The photo is gray, blurred, partly hidden, or all of it.
    """
    side = img.shape[-1]
    hidden = torch.zeros(1, 1, side, side, dtype=torch.bool)
    img = to_gray(img) if kind in ("all", "gray") else img
    img = blur(img, SIGMA) if kind in ("all", "blurred") else img
    if kind in ("all", "hidden"):
        draw = random.Random(seed)
        width = draw.randint(round(0.35 * side), round(0.6 * side))
        height = round(HIDDEN * side**2 / width)
        x, y = draw.randint(0, side - width), draw.randint(round(0.15 * side), round(0.9 * side) - height)
        hidden[..., y : y + height, x : x + width] = True
        img = img.masked_fill(hidden, draw.choice((-0.9, 0.0, 0.9)))
    return to_img(Image.fromarray(to_pixels(img.clamp(-1, 1)))).clone(), hidden


def _picture(img: Tensor) -> Image.Image:
    return Image.fromarray(to_pixels(img.clamp(-1, 1)))


if __name__ == "__main__":
    main()
