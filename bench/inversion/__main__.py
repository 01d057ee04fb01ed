"""`python -m bench.inversion DATA`: a likeness in so many seconds, ours and three published algorithms, in one run.

DATA is a folder with `faces.csv` and `faces.zip` (aligned portraits of 256 px); a fixed random choice of the val split
is taken. Portrait by portrait and budget by budget the methods take turns, so that the machine's moods are shared.
--out keeps results.csv (what is in it is not measured again: to have it again, delete its lines), the pictures, a sheet
of them, and a plot of quality against time. --judges as in bench.control. What the others are, and where they differ
from what was published: the docstring of bench.inversion.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from bench.inversion.judge import Judge, other_judges
from bench.inversion.methods import NAMES, load_methods, warm_up
from bench.inversion.networks import Method, Result
from bench.inversion.pictures import picture_path, plot, sheet
from bench.inversion.results import HEADER, Row, append, medians, read_rows
from bench.portraits import val_portraits
from faceloom.images import save_picture, to_img, to_pixels


def main() -> None:
    """Measure what is missing; print a row each, then the medians; draw."""
    args = _arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    results = args.out / "results.csv"
    rows = {row.key: row for row in read_rows(results)}
    portraits = dict(val_portraits(args.data, args.count))
    wanted = [(file, seconds, name) for file in portraits for seconds in args.seconds for name in args.methods]
    missing = [key for key in wanted if key not in rows]
    judge = Judge(others=other_judges(args.judges))
    methods = load_methods(list(dict.fromkeys(name for _, _, name in missing)))
    for method in methods.values():
        warm_up(method, to_img(next(iter(portraits.values()))))
    print(f"{torch.get_num_threads()} threads; {len(missing)} of {len(wanted)} to do\n{HEADER}", flush=True)
    for key in missing:
        target = to_img(portraits[key[0]])
        row, result = measure(key, methods[key[2]], target, judge)
        save_picture(to_pixels(result.img), picture_path(args.out, row), ai_generated=True)
        append(results, row)
        rows[key] = row
        print(row, flush=True)
    chosen = [rows[key] for key in wanted]
    print(f"\nMedians\n\n{medians(chosen, args.methods)}")
    save_picture(sheet(args.out, chosen, portraits, args.methods), args.out / "sheet.png", ai_generated=True)
    save_picture(plot(chosen, args.methods), args.out / "plot.png", ai_generated=False)


def measure(key: tuple[str, float, str], method: Method, target: Tensor, judge: Judge) -> tuple[Row, Result]:
    """Run a method under the clock, then judge what it found."""
    begin = time.perf_counter()
    result = method(target, key[1])
    took = time.perf_counter() - begin
    return Row(*key, took=took, steps=result.steps, **asdict(judge(result.img, target))), result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=_numbers, default=[1.0, 10.0, 30.0, 120.0], help="budgets, as in 1,10,30,120")
    parser.add_argument("--count", type=int, default=10, help="portraits")
    parser.add_argument("--methods", type=_methods, default=list(NAMES), help=f"of {','.join(NAMES)}")
    parser.add_argument("--judges", type=Path, help="folder of the networks that bench.judges names")
    parser.add_argument("--out", type=Path, default=Path("build/inversion"))
    return parser.parse_args()


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _methods(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(NAMES):
        raise argparse.ArgumentTypeError(f"no such method: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    main()
