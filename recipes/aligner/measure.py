"""Measure the aligner on generated faces it was not trained on: seeds from 2000, whose true square is the frame.

    python recipes/aligner/measure.py --data DIR [--count 500]

Faces are detected and aligned in three views of every picture: unchanged; rotated by any angle on a larger canvas; and
small, with a face of 45 px. Errors: center in % of the side (x and y along the square's axes), scale, roll in degrees.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.checkpoints.shipped import load_aligner
from faceloom.faces.align import Quad, quad_from_landmarks
from faceloom.faces.detect import detect
from faceloom.faces.refine_alignment import refine_quad

FIRST = 2000


def main() -> None:
    """Measure all views and print the errors of the landmarks' squares and of the aligner's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with generated.zip")
    parser.add_argument("--count", type=int, default=500)
    args = parser.parse_args()
    rng = np.random.RandomState(0)
    views = {"unchanged": (0.0, 1.0), "rotated": (180.0, 1.0), "small": (20.0, 0.3)}
    rows: dict[str, list[np.ndarray]] = {f"{name}, {how}": [] for name in views for how in ("points", "aligner")}
    with zipfile.ZipFile(args.data / "generated.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        for name in names[FIRST : FIRST + args.count]:
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            for view, (tilt, scale) in views.items():
                photo, truth = make_photo(picture, rng.uniform(-tilt, tilt), scale)
                for how, quad in zip(("points", "aligner"), find_squares(photo), strict=False):
                    rows[f"{view}, {how}"].append(error(quad, truth))
    for view, errors in rows.items():
        show(view, np.array(errors), args.count)


def make_photo(picture: Image.Image, tilt: float, scale: float) -> tuple[Image.Image, Quad]:
    """Place a picture, rotated clockwise and reduced, in a gray photo; return it with the corners tl, bl, br, tr."""
    side = round(picture.width * scale)
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    canvas = round(side * 1.5) if tilt else side
    photo = Image.new("RGB", (canvas, canvas), (128, 128, 128))
    photo.paste(small, ((canvas - side) // 2,) * 2)
    corner = (canvas - side) // 2
    corners = np.array([(0, 0), (0, side), (side, side), (side, 0)], float) + corner - canvas / 2
    angle = np.radians(tilt)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return photo.rotate(-tilt, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)), corners @ turn.T + canvas / 2


def find_squares(photo: Image.Image) -> list[Quad]:
    """Return the square of the five landmarks and the aligner's refinement; empty when no face is detected."""
    faces = detect(load_mtcnn(), photo)
    if not faces:
        return []
    quad = quad_from_landmarks(faces[0].landmarks)
    return [quad, refine_quad(load_aligner(), photo, quad)]


def error(quad: Quad, truth: Quad) -> np.ndarray:
    """Return the error: center along the true square's axes in its sides (x, y), scale, roll in degrees."""
    x, true_x = quad[3] - quad[0], truth[3] - truth[0]
    side = np.hypot(*true_x)
    axes = np.stack([true_x, (-true_x[1], true_x[0])]) / side**2
    shift = axes @ (quad.mean(0) - truth.mean(0))
    roll = np.degrees(np.arctan2(*x[::-1]) - np.arctan2(*true_x[::-1]))
    return np.array([*(100 * shift), np.hypot(*x) / side, (roll + 180) % 360 - 180])


def show(view: str, errors: np.ndarray, count: int) -> None:
    """Print mean and standard deviation over detected faces; a face detected upside down counts as not detected."""
    right = errors[np.abs(errors[:, 3]) < 30] if len(errors) else errors
    if not len(right):
        print(f"{view:18} none detected")
        return
    mean, std = right.mean(0), right.std(0)
    print(
        f"{view:18} {len(right):4} of {count}: "
        f"center {mean[0]:+.2f} +- {std[0]:.2f}, {mean[1]:+.2f} +- {std[1]:.2f} %; "
        f"scale {mean[2]:.4f} +- {std[2]:.4f}; roll {mean[3]:+.2f} +- {std[3]:.2f}"
    )


if __name__ == "__main__":
    main()
