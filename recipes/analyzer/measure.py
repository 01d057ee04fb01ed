"""Measure the analyzer on held-out people: `python recipes/analyzer/measure.py --data DIR --teachers DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from labels import Table
from labels import read as read_table
from numpy.typing import NDArray

from faceloom.analyze.reading import read
from faceloom.images import to_img
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer

STATED = {
    "age_truth": "age",
    "smile_truth": "smile",
    "sex_truth": "gender",
}  # labels stated by the sources, not predicted by teachers


def main() -> None:
    """Measure the shipped analyzer."""
    from faceloom.checkpoints.shipped import load_analyzer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    args = parser.parse_args()
    report(load_analyzer(), read_table(args.data, args.teachers))


def report(net: Analyzer, table: Table) -> None:
    """Print the model card's table: portraits of val, none of whose people are in train, then generated people."""
    for split in ("val", "generated-val"):
        rows = np.flatnonzero(table.split == split)
        attributes, identity = read_attributes(net, table.pixels[rows])
        print(f"{split}: {len(rows)} pictures")
        for column in (*ATTRIBUTES[:9], *STATED):
            truth, place = table.columns[column][rows], ATTRIBUTES.index(STATED.get(column, column))
            known = ~np.isnan(truth)
            if known.any():
                print(f"  {column:11} {_agreement(ATTRIBUTES[place], attributes[known, place], truth[known])}")
        cosine = (identity * table.identity[rows]).sum(1)
        print(f"  identity    cosine with the teacher {cosine.mean():.3f}")
        if split == "val":
            print(f"  identity    {pairs(identity, table.person[rows])}")
            print(f"  (teacher    {pairs(table.identity[rows], table.person[rows])})")


@torch.no_grad()
def read_attributes(net: Analyzer, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read pictures `[n, h, h, 3]`: attributes `[n, 10]`, identities `[n, 128]`."""
    parts = [read(net, to_img(list(pixels[start : start + 16]))) for start in range(0, len(pixels), 16)]
    return torch.cat([p.attributes for p in parts]).numpy(), torch.cat([p.identity for p in parts]).numpy()


def pairs(identity: NDArray[np.float32], person: NDArray[np.str_]) -> str:
    """Report how well photos of one person are matched among all others: rank one, and area under the curve."""
    cosine = identity @ identity.T
    same = person[:, None] == person[None]
    np.fill_diagonal(cosine, -2)
    twice = same.sum(1) > 1
    first = same[np.arange(len(person)), cosine.argmax(1)][twice].mean()
    upper = np.triu(np.ones_like(same), 1)
    positive, negative = cosine[same & upper], cosine[~same & upper]
    return (
        f"rank one {first:.3f} of {twice.sum()}, AUC {auc(positive, negative):.4f}, "
        f"same {np.median(positive):.2f} (lowest {positive.min():.2f}), strangers {np.median(negative):.2f}, "
        f"99.9 % of them below {np.quantile(negative, 0.999):.2f}"
    )


def auc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """Return the probability that a positive scores above a negative."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def _agreement(name: str, read: NDArray[np.float32], truth: NDArray[np.float32]) -> str:
    if name in ("age", "yaw", "pitch", "roll"):
        error, r = np.abs(read - truth).mean(), np.corrcoef(read, truth)[0, 1]
        return f"mean absolute error {error:.2f}, correlation {r:.3f}, of {len(truth)}"
    yes = truth > 0.5
    if yes.all() or not yes.any():
        return f"right {np.mean((read > 0) == yes):.3f} of {len(truth)}"
    return f"right {np.mean((read > 0) == yes):.3f}, AUC {auc(read[yes], read[~yes]):.4f} of {len(truth)}"


if __name__ == "__main__":
    main()
