"""Measure the aligner on generated faces it never saw: seeds 2000 up, whose true square is the picture's frame.

    python recipes/aligner/measure.py --data DIR [--count 500]

Every picture is found and aligned as a photo would be: as it is; turned by any angle on a larger canvas; and small,
45 px a face. Errors: centre in % of the side (x and y along the square's axes), scale, roll in degrees.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.checkpoints.readers.mtcnn import load_mtcnn
from faceloom.checkpoints.shipped import load_aligner
from faceloom.faces import detect, quad_from_landmarks
from faceloom.faces.align import Quad
from faceloom.faces.refine_alignment import refine

FIRST = 2000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with generated.zip")
    arguments.add_argument("--count", type=int, default=500)
    given = arguments.parse_args()
    rng = np.random.RandomState(0)
    views = {"as it is": (0.0, 1.0), "turned": (180.0, 1.0), "small": (20.0, 0.3)}
    rows: dict[str, list[np.ndarray]] = {f"{name}, {how}": [] for name in views for how in ("points", "aligner")}
    with zipfile.ZipFile(given.data / "generated.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        for name in names[FIRST : FIRST + given.count]:
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            for view, (tilt, scale) in views.items():
                photo, truth = staged(picture, rng.uniform(-tilt, tilt), scale)
                for how, quad in zip(("points", "aligner"), found(photo), strict=False):
                    rows[f"{view}, {how}"].append(error(quad, truth))
    for view, errors in rows.items():
        show(view, np.array(errors), given.count)


def staged(picture: Image.Image, tilt: float, scale: float) -> tuple[Image.Image, Quad]:
    """Put a picture, turned clockwise and reduced, into a grey photo; also its corners there, tl, bl, br, tr."""
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


def found(photo: Image.Image) -> list[Quad]:
    """The square by five points, and as the aligner refines it; nothing where no face is found."""
    faces = detect(load_mtcnn(), photo)
    if not faces:
        return []
    quad = quad_from_landmarks(faces[0].landmarks)
    return [quad, refine(load_aligner(), photo, quad)]


def error(quad: Quad, truth: Quad) -> np.ndarray:
    """Centre along the true square's axes in its sides (x, y), scale, roll in degrees."""
    x, true_x = quad[3] - quad[0], truth[3] - truth[0]
    side = np.hypot(*true_x)
    axes = np.stack([true_x, (-true_x[1], true_x[0])]) / side**2
    shift = axes @ (quad.mean(0) - truth.mean(0))
    roll = np.degrees(np.arctan2(*x[::-1]) - np.arctan2(*true_x[::-1]))
    return np.array([*(100 * shift), np.hypot(*x) / side, (roll + 180) % 360 - 180])


def show(view: str, errors: np.ndarray, count: int) -> None:
    """Print mean and standard deviation of those found; a face turned the wrong way round counts as not found."""
    right = errors[np.abs(errors[:, 3]) < 30] if len(errors) else errors
    if not len(right):
        print(f"{view:18} none found")
        return
    mean, std = right.mean(0), right.std(0)
    print(
        f"{view:18} {len(right):4} of {count}: "
        f"centre {mean[0]:+.2f} +- {std[0]:.2f}, {mean[1]:+.2f} +- {std[1]:.2f} %; "
        f"scale {mean[2]:.4f} +- {std[2]:.4f}; roll {mean[3]:+.2f} +- {std[3]:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
