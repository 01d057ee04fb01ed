"""Fit the constants that correct the mean error of FFHQ squares from MTCNN's landmarks.

Generated faces are FFHQ-aligned by construction: their true square is the picture's own frame. Fitted on seeds 0-1999,
measured on seeds 2000-2999. The constants are copied into src/faceloom/faces/align.py by hand.

    python recipes/calibrate_alignment.py DATA    # DATA/generated/generated.zip: one picture per seed, in order

Result, November 2026, 2 minutes on one core (mean +- standard deviation; the center in % of the quad's side):

    quads             n     x               y               scale             roll, degrees
    seeds 0-1999      2000  +.016 +- .229   -.477 +- .270   1.0125 +- .0183   +.040 +- .521
    seeds 2000-2999   1000  +.001 +- .249   -.481 +- .276   1.0119 +- .0183   +.048 +- .519
    the same, after   1000  +.001 +- .249   -.004 +- .276    .9994 +- .0180   +.048 +- .519
    dlib, 68 points     80            .19             .21    .993  +- .013            .37

A linear correction from all ten coordinates would give .234, .261; .0177; .500, which does not justify its hundred
parameters.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.faces.align import Quad, ffhq_quad
from faceloom.faces.detect import detect

FIT, REPORT = 2000, 3000  # seeds below FIT are fitted, the others below REPORT are measured


def pictures(data: Path, count: int) -> Iterator[Image.Image]:
    """Yield the first `count` generated faces."""
    with zipfile.ZipFile(data / "generated" / "generated.zip") as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".webp"))[:count]:
            yield Image.open(io.BytesIO(archive.read(name))).convert("RGB")


def error(quad: Quad, side: float) -> tuple[float, float, float, float]:
    """Return a quad's error: center along the quad's axes in its sides (x, y), scale, roll in degrees."""
    x = quad[3] - quad[0]
    length = np.hypot(*x)
    axes = np.stack([x, (-x[1], x[0])]) / length**2
    shift = axes @ (quad.mean(0) - side / 2)
    return float(shift[0]), float(shift[1]), float(length / side), float(np.degrees(np.arctan2(x[1], x[0])))


def show(name: str, errors: np.ndarray) -> None:
    """Print mean and standard deviation, the center in percent."""
    mean, std = errors.mean(0) * (100, 100, 1, 1), errors.std(0) * (100, 100, 1, 1)
    print(
        f"{name} n={len(errors)}: center % x {mean[0]:+.3f} +- {std[0]:.3f}, y {mean[1]:+.3f} +- {std[1]:.3f}; "
        f"scale {mean[2]:.4f} +- {std[2]:.4f}; roll {mean[3]:+.3f} +- {std[3]:.3f} degrees"
    )


def main(data: Path) -> None:
    """Measure, fit on the first FIT seeds, and show the remaining error on the others."""
    net = load_mtcnn()
    errors = np.full((REPORT, 4), np.nan)
    for seed, picture in enumerate(pictures(data, REPORT)):
        faces = detect(net, picture)
        if faces:
            errors[seed] = error(ffhq_quad(faces[0].landmarks), picture.width)
    print("without a face:", np.flatnonzero(np.isnan(errors[:, 0])).tolist())
    fit, rest = (part[~np.isnan(part[:, 0])] for part in (errors[:FIT], errors[FIT:]))
    shift_y, scale = -fit[:, 1].mean(), 1 / fit[:, 2].mean()
    print(f"SHIFT_Y = {shift_y:.4f}\nSCALE = {scale:.4f}")
    show("before, seeds 0-1999", fit)
    show("before, seeds 2000-2999", rest)
    show("after, seeds 2000-2999", (rest + np.array([0, shift_y, 0, 0])) * (1, 1, scale, 1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
