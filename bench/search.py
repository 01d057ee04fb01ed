"""`python -m bench.search DATA`: latent optimization from the mean face on portraits of the val split.

DATA is a folder with `faces.csv` and `faces.zip` (aligned portraits of 256 px). Nothing is fitted here.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
from PIL import Image

from bench.portraits import val_portraits
from faceloom.images import make_contact_sheet, save_picture, to_img, to_pixels
from faceloom.images.tensors import Pixels
from faceloom.invert.optimize import OptimizeConfig
from faceloom.workflows.studio import Studio


def main() -> None:
    """Optimize each portrait and print a row, then the medians; save a sheet of pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--skip", type=int, default=0, help="number of portraits to skip, to continue an earlier run")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--sheet", type=Path, default=Path("build/search.jpg"))
    args = parser.parse_args()
    studio = Studio()
    rows: list[tuple[float, float, int, float]] = []
    pairs: list[Image.Image | Pixels] = []
    for file, portrait in list(val_portraits(args.data, args.skip + args.count))[args.skip :]:
        result = studio.optimize(to_img(portrait), OptimizeConfig(seconds=args.seconds))
        rows.append((result.lpips[0], result.mse[0], result.steps, result.seconds))
        print(f"{file:<34}" + "  ".join(f"{x:8.4f}" for x in rows[-1]), flush=True)
        with torch.no_grad():
            pairs += [portrait, to_pixels(studio.fast_generator.G.synthesis_at(result.w_plus, 256))]
    lpips, mse, steps, seconds = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"median of {len(rows)}: LPIPS {lpips:.4f}, MSE {mse:.4f}, {steps:.0f} steps, {seconds:.1f} s")
    save_picture(make_contact_sheet(pairs, 8, 192), args.sheet, ai_generated=True)


if __name__ == "__main__":
    main()
