"""Calibrate the second analyzer to the first, and measure both, their mean and their spread on held-out people.

    python recipes/second_analyzer/measure.py --data DIR --teachers DIR [--weights FILE] [--calibrate]

`--calibrate` prints the table CALIBRATION of `faceloom.analyze.ensemble`, fitted on pictures of the train split.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from labels import Table, read
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from faceloom.analyze.ensemble import read_latents, read_opinions
from faceloom.checkpoints.shipped import load_analyzer, load_latent_reader, load_second_analyzer
from faceloom.images import to_img
from faceloom.networks.analyzer import ATTRIBUTES
from faceloom.networks.second_analyzer import SECOND_ATTRIBUTES, SecondAnalyzer

ANGLES_AND_AGES = ("age", "yaw", "pitch")
CALIBRATION_PICTURES = 300


def main() -> None:
    """Calibrate or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="weights of the second analyzer, the shipped ones by default")
    parser.add_argument("--count", type=int, help="number of pictures of each split, all by default")
    parser.add_argument("--calibrate", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = load_second_analyzer()
    if args.weights:
        net.load_state_dict({k: v.float() for k, v in load_file(args.weights).items()}, strict=False)
    table = read(args.data, args.teachers)
    if args.calibrate:
        calibrate(net, table)
        return
    judged = np.load(args.data / "generated" / "labels.npz")  # age_cnn is read here alone, to measure
    first_generated = int(np.flatnonzero(np.char.startswith(table.split, "generated"))[0])
    for split in ("val", "generated-val"):
        rows = np.flatnonzero(table.split == split)
        rows = rows if args.count is None else np.random.RandomState(0).permutation(rows)[: args.count]
        columns = {name: column[rows] for name, column in table.columns.items()}
        readings = Readings.read(net, table.pixels[rows])
        report(readings, columns, split)
        if split == "generated-val":
            seeds = rows - first_generated
            latent = read_latents(load_latent_reader(), torch.from_numpy(judged["w"][seeds]).float())[:, 0].detach()
            report_ages_of_generated(readings, columns["age"], judged["age_cnn"][seeds], latent)


@torch.no_grad()
def calibrate(net: SecondAnalyzer, table: Table) -> None:
    """Print offset and factor by which the second analyzer's readings get the first one's mean and deviation."""
    rng = np.random.RandomState(0)
    rows = rng.choice(np.flatnonzero(np.isin(table.split, ("train", "generated"))), CALIBRATION_PICTURES, replace=False)
    first, second = [], []
    for row in rows:
        img = to_img(table.pixels[row])
        first.append(load_analyzer()(img).attributes[0])
        second.append(net(img)[0])
    a, b = torch.stack(first)[:, [ATTRIBUTES.index(name) for name in SECOND_ATTRIBUTES]], torch.stack(second)
    for place, name in enumerate(SECOND_ATTRIBUTES):
        x, y = b[:, place], a[:, place]
        factor = float(y.std() / x.std())
        r = float(np.corrcoef(x, y)[0, 1])
        print(f'    "{name}": ({float(y.mean() - factor * x.mean()):.2f}, {factor:.3f}),  # correlation {r:.3f}')


@dataclass(frozen=True, eq=False)
class Readings:
    """One view by each network, `[n, 10]` and `[n, 7]`, and the ensemble's means and spreads `[n, 10]`."""

    first: Tensor
    second: Tensor
    mean: Tensor
    spread: Tensor

    @classmethod
    @torch.no_grad()
    def read(cls, net: SecondAnalyzer, pixels: NDArray[np.uint8]) -> Readings:
        """Read pictures `[n, h, h, 3]`."""
        pictures = [to_img(picture) for picture in pixels]
        both = [read_opinions(load_analyzer(), net, img) for img in pictures]
        return cls(
            torch.cat([load_analyzer()(img).attributes for img in pictures]),
            torch.cat([net(img) for img in pictures]),
            torch.cat([opinions.mean for opinions in both]),
            torch.cat([opinions.spread for opinions in both]),
        )


def report(readings: Readings, columns: dict[str, NDArray[np.float32]], split: str) -> None:
    """Print the errors of each network and of the mean, by the labels; the stated ones for portraits."""
    print(f"{split}: {len(readings.first)} pictures")
    for place, name in enumerate(SECOND_ATTRIBUTES):
        index = ATTRIBUTES.index(name)
        column = {"age": "age_truth", "gender": "sex_truth", "smile": "smile_truth"}.get(name, name)
        truth = torch.from_numpy(columns[column if split == "val" else name])
        known = ~truth.isnan()
        if not known.any():
            continue
        single = [readings.first[:, index], readings.second[:, place]]
        if name not in ANGLES_AND_AGES:
            single = [value.sigmoid() for value in single]
        errors = [_error(value[known], truth[known], name) for value in (*single, readings.mean[:, index])]
        spread = readings.spread[known, index]
        calm = spread <= spread.median()
        errors.append(_error(readings.mean[known, index][calm], truth[known][calm], name))
        print(f"  {name:10} first {errors[0]}, second {errors[1]}, mean {errors[2]}, ", end="")
        print(f"mean of the half with the smaller spread {errors[3]}, median spread {float(spread.median()):.2f}")


def _error(value: Tensor, truth: Tensor, name: str) -> str:
    if name in ANGLES_AND_AGES:
        return f"{float((value - truth).abs().mean()):.2f}"
    return f"{float(((value > 0.5) == (truth > 0.5)).float().mean()):.3f}"


def report_ages_of_generated(
    readings: Readings, labels: NDArray[np.float32], judge: NDArray[np.float32], latent: Tensor
) -> None:
    """Print how far each opinion on age is from an independent network's, and the same by spread."""
    known = ~np.isnan(judge)
    mean, spread = readings.mean[:, 0], readings.spread[:, 0]
    three = mean.lerp(latent, 1 / 3)
    apart = (spread.square() / 2 + (latent - mean).square() / 3).sqrt()
    named = {"first": readings.first[:, 0], "second": readings.second[:, 0], "latent": latent}
    named |= {"mean of two": mean, "mean of three": three}
    print(f"ages of generated people against an independent network, {known.sum()} of {len(judge)}")
    for name, value in named.items():
        print(f"  {name:14} {_distance(value.numpy(), judge, known)}")
    for limit in (3.0, 4.0, 5.0, 6.0, 8.0):
        print(f"  three, spread up to {limit:g}: {_distance(three.numpy(), judge, known & (apart.numpy() <= limit))}")
    for low, high in ((0, 12), (12, 18), (18, 25), (25, 35), (35, 45), (45, 55), (55, 65), (65, 95)):
        inside = (three.numpy() >= low) & (three.numpy() < high)
        label, count = labels[inside].mean(), int(inside.sum())
        print(
            f"  read {low}-{high}: {count} people, read {three.numpy()[inside].mean():.1f}, teachers {label:.1f}",
            end="",
        )
        print(f", independent network {judge[inside & known].mean():.1f}")


def _distance(value: NDArray[np.float32], judge: NDArray[np.float32], rows: NDArray[np.bool_]) -> str:
    error = np.abs(value - judge)[rows]
    r = np.corrcoef(value[rows], judge[rows])[0, 1]
    return f"mean error {error.mean():.2f}, within 8 years {(error <= 8).mean():.3f}, r {r:.3f}, of {rows.sum()}"


if __name__ == "__main__":
    main()
