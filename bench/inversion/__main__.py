"""`python -m bench.inversion DATA`: inversion within time budgets, ours and three published algorithms, in one run.

DATA is a folder with `faces.csv` and `faces.zip` (aligned portraits of 256 px); the portraits are a fixed random
choice of the val split. The methods alternate for each portrait and budget, so that changes in the machine's speed
affect all of them. --out receives results.csv (rows in it are not measured again; delete them to repeat), the
pictures, a sheet of them, and a plot of quality against time. --evaluators is as in bench.control. The docstring of
bench.inversion describes the other algorithms and their differences from the publications.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from bench.inversion.methods import NAMES, load_methods, warm_up
from bench.inversion.networks import Method, Result
from bench.inversion.pictures import picture_path, plot, sheet
from bench.inversion.quality import QualityMeter, open_evaluators
from bench.inversion.results import HEADER, Row, append, medians, read_rows
from bench.portraits import val_portraits
from faceloom.images import save_picture, to_img, to_pixels


def main() -> None:
    """Measure missing rows and print them, then the medians; save the sheet and the plot."""
    args = _arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    results = args.out / "results.csv"
    rows = {row.key: row for row in read_rows(results)}
    portraits = dict(val_portraits(args.data, args.count))
    requested = [(file, seconds, name) for file in portraits for seconds in args.seconds for name in args.methods]
    missing = [key for key in requested if key not in rows]
    quality_meter = QualityMeter(others=open_evaluators(args.evaluators))
    methods = load_methods(list(dict.fromkeys(name for _, _, name in missing)))
    for method in methods.values():
        warm_up(method, to_img(next(iter(portraits.values()))))
    print(f"{torch.get_num_threads()} threads; {len(missing)} of {len(requested)} to do\n{HEADER}", flush=True)
    for key in missing:
        target = to_img(portraits[key[0]])
        row, result = measure(key, methods[key[2]], target, quality_meter)
        save_picture(to_pixels(result.img), picture_path(args.out, row), ai_generated=True)
        append(results, row)
        rows[key] = row
        print(row, flush=True)
    chosen = [rows[key] for key in requested]
    print(f"\nMedians\n\n{medians(chosen, args.methods)}")
    save_picture(sheet(args.out, chosen, portraits, args.methods), args.out / "sheet.png", ai_generated=True)
    save_picture(plot(chosen, args.methods), args.out / "plot.png", ai_generated=False)


def measure(
    key: tuple[str, float, str], method: Method, target: Tensor, quality_meter: QualityMeter
) -> tuple[Row, Result]:
    """Run a method, measure its time and the quality of its result."""
    start = time.perf_counter()
    result = method(target, key[1])
    took = time.perf_counter() - start
    return Row(*key, took=took, steps=result.steps, **asdict(quality_meter(result.img, target))), result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--seconds", type=_numbers, default=[1.0, 10.0, 30.0, 120.0], help="budgets, such as 1,10,30,120"
    )
    parser.add_argument("--count", type=int, default=10, help="number of portraits")
    parser.add_argument("--methods", type=_methods, default=list(NAMES), help=f"methods, of {','.join(NAMES)}")
    parser.add_argument("--evaluators", type=Path, help="folder with the networks listed in bench.evaluators")
    parser.add_argument("--out", type=Path, default=Path("build/inversion"))
    return parser.parse_args()


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _methods(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(NAMES):
        raise argparse.ArgumentTypeError(f"unknown method: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    main()
