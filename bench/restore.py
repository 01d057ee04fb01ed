"""`python -m bench.restore DATA`: restoration of damaged portraits against the plain search of the same length.

Every portrait is made gray, blurred (sigma 4 at 256 px) and hidden by 20 % (a gray rectangle over the face), all three
together or one at a time. LPIPS (AlexNet, 256 px) and dlib's identity compare with the undamaged portrait.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable
from pathlib import Path

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
    parser.add_argument("--split", default="val")
    options = parser.parse_args()
    config = EncodeConfig(None if options.steps else options.seconds or 30.0, options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    studio, judges = Studio(), Evaluators(options.judges)
    studio.warm_up()
    portraits = list(val_portraits(options.data, options.count, options.split))
    for kind in options.kinds:
        _measure_kind(kind, studio, judges, portraits, config, options.out)


def _measure_kind(
    kind: str,
    studio: Studio,
    judges: Evaluators,
    portraits: list[tuple[str, Image.Image]],
    config: EncodeConfig,
    out: Path,
) -> None:
    methods: dict[str, Callable[[Tensor], Tensor]] = {
        "plain": lambda img: studio.invert(img, config).img,
        "restore": lambda img: restore_img(studio, img, config).inversion.img,
    }
    lpips = load_lpips("alexnet")
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    cells: list[Image.Image] = []
    for number, (_, portrait) in enumerate(portraits):
        true = to_img(portrait)
        damaged = damage(true, kind, number)
        cells += [_picture(true), _picture(damaged)]
        for name, method in methods.items():
            img = method(damaged).clamp(-1, 1)
            identity = judges.read([to_pixels(true), to_pixels(img)]).identity
            distance = float(((identity[0] - identity[1]) ** 2).sum() ** 0.5)
            rows[name].append((float(lpips(img, true).item()), distance))
            cells.append(_picture(img))
        print(number, *(f"{name} {row[-1][0]:.3f} {row[-1][1]:.2f}" for name, row in rows.items()), flush=True)
    make_contact_sheet(cells, 4, 192, ["true", "photo", *methods] * len(portraits)).save(out / f"{kind}.png")
    for name, row in rows.items():
        same = sum(distance < SAME for _, distance in row)
        medians = [statistics.median(column) for column in zip(*row, strict=True)]
        print(
            f"{kind:<10}{name:<10} n {len(row)} LPIPS {medians[0]:.3f} dlib {medians[1]:.3f} same {same / len(row):.0%}"
        )


def damage(img: Tensor, kind: str, seed: int) -> Tensor:
    """Return a portrait `[1, 3, 256, 256]` as an old photo: gray, blurred, partly hidden, or all of it."""
    side = img.shape[-1]
    img = to_gray(img) if kind in ("all", "gray") else img
    img = blur(img, SIGMA) if kind in ("all", "blurred") else img
    if kind in ("all", "hidden"):
        draw = random.Random(seed)
        width = draw.randint(round(0.35 * side), round(0.6 * side))
        height = round(HIDDEN * side**2 / width)
        x, y = draw.randint(0, side - width), draw.randint(round(0.15 * side), round(0.9 * side) - height)
        img = img.clone()
        img[..., y : y + height, x : x + width] = draw.choice((-0.9, 0.0, 0.9))
    return (to_img(Image.fromarray(to_pixels(img.clamp(-1, 1))))).clone()


def _picture(img: Tensor) -> Image.Image:
    return Image.fromarray(to_pixels(img.clamp(-1, 1)))


if __name__ == "__main__":
    main()
