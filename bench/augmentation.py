"""`python -m bench.augmentation DATA --work DIR`: the effect of ADA on a small dataset.

Two runs on the same thousand portraits (split=train of DATA) that differ only in `--augment none` and `ada` train side
by side on one core each, for the same number of images. Every snapshot is measured against portraits of the val split:
the Frechet distance (VGG16, 1,000 generated images). Prints a table; the page DIR/ada.html plots the distances, the
signs of D and p.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.datasets import Condition, Dataset, MakeConfig, SourceConfig, TableConfig, make
from faceloom.images import to_img
from faceloom.metrics import VggFeatures, extract, frechet_distance, generate_pictures
from faceloom.train import stats
from faceloom.train.plots import Curve, plot
from faceloom.train.snapshot import kimg_of

AUGMENTATIONS = ("none", "ada")
GENERATED = 1000  # generated images per Frechet distance
STYLE = (
    "<style>figure{margin:8px;font:14px sans-serif}svg{width:720px}polyline{fill:none;stroke-width:2}"
    ".grid{stroke:#ddd}.level{stroke:#888;stroke-dasharray:4}text{font:11px sans-serif;fill:#555}</style>"
)


def main() -> None:
    """Train both runs where they are missing, then report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with faces.zip and faces.csv")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--kimg", type=float, default=300)
    parser.add_argument("--width", type=int, default=64)
    args = parser.parse_args()
    train_set = dataset(args.data, args.work, args.resolution, "train", args.pictures)
    val_set = dataset(args.data, args.work, args.resolution, "val", None)
    runs = {augmentation: args.work / augmentation for augmentation in AUGMENTATIONS}
    command = [
        "--data",
        train_set,
        "--preset",
        "wavelet",
        "--width",
        args.width,
        "--gamma",
        0.05,
        "--mirror",
        "--metrics",
    ]
    command += ["none", "--kimg", args.kimg, "--snap", args.kimg / 5]
    started = [
        start(*command, "--out", run, "--augment", augmentation)
        for augmentation, run in runs.items()
        if not run.exists()
    ]
    for process in started:
        process.wait()
    report(runs, Dataset.open(val_set), args.work / "ada.html")


def dataset(data: Path, work: Path, resolution: int, split: str, limit: int | None) -> Path:
    """Make a dataset of a split's portraits, spread over its sources, unless it exists; return its path."""
    path = work / f"{split}{resolution}.zip"
    reading = TableConfig(where=(Condition("split", split), Condition("source", "digitalcorps", is_equal=False)))
    if not path.exists():
        source = SourceConfig(reading=reading, every=3 if limit else 1)
        make(data, path, MakeConfig((resolution, resolution), source=source, limit=limit))
    return path


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """Start a training process on one core."""
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "faceloom", "train", *map(str, arguments)], env=alone)


def report(runs: dict[str, Path], val_set: Dataset, page: Path) -> None:
    """Measure every snapshot, print the distances and write the plots."""
    net = VggFeatures(load_lpips("vgg16"))
    real = extract(net, (to_img(val_set[i][0]) for i in range(len(val_set))))
    distances, signs, strengths = [], [], []
    for augmentation, run in runs.items():
        rows = [line for line in stats.read(run / stats.FILE) if "sign_real" in line]
        signs.append(Curve(augmentation, [(line["kimg"], line["sign_real"]) for line in rows]))
        strengths.append(Curve(augmentation, [(line["kimg"], line["p"]) for line in rows]))
        points = []
        for snapshot in sorted(run.glob("network-snapshot-*"))[1:]:
            features = extract(net, generate_pictures(load_generator(str(snapshot)).G, GENERATED))
            kimg, distance = kimg_of(snapshot.name), frechet_distance(features, real)
            points.append((kimg, distance))
            print(f"{augmentation:6}{kimg:8.0f} kimg  Frechet distance (VGG16) {distance:.2f}", flush=True)
        distances.append(Curve(augmentation, points))
    plots = (
        plot(f"Frechet distance (VGG16) to {len(val_set)} portraits of the val split", distances),
        plot("Mean sign of D on training images", signs, level=0.6),
        plot("p, the probability of each augmentation", strengths),
    )
    page.write_text("<!doctype html><meta charset='utf-8'>" + STYLE + "".join(plots), encoding="utf-8")


if __name__ == "__main__":
    main()
