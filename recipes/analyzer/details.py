"""Labels of the analyzer's details: measured at the points of the face mesh and the iris, and by hand.

`mesh.mjs` writes the points. Shapes are ratios of distances in the plane of the picture, in percent; colors are CIELAB
(D65) of regions that the points give. NaN means unknown.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from faceloom.analyze.skin import to_lab

Array = NDArray[np.float64]

# Points of the face mesh, in MediaPipe's numbering. Pairs of eyes: the viewer's left eye first.
CORNERS = ((33, 133), (362, 263))  # of each eye, from left to right
INNER_LIPS, LIP_CORNERS = (13, 14), (61, 291)
JAWS = ((58, 288), (172, 397), (136, 365))  # pairs of points along the jaw, from the ears downwards
TEMPLES, FOREHEAD_CHIN = (234, 454), (10, 152)
FOREHEAD = (151, 69, 299, 9)
OVAL_TOP = (54, 103, 67, 109, 10, 338, 297, 332, 284)  # upper edge of the mesh, from left to right
# Points of the iris network: `eyes [n, 2, 76, 2]`.
LOWER_LID, UPPER_LID, LOWER_BROW, IRIS = (3, 4, 5), (11, 12, 13), range(48, 54), range(71, 76)

HAIR_RINGS = (1.14, 1.2, 1.26, 1.32)  # distance from the middle of the face, relative to the edge of the mesh
MIN_HAIR_CONTRAST = 12.0  # CIELAB units between hair and forehead
MIN_HAIR_SHARE = 0.3  # of the samples above the forehead
_GRID = np.stack(np.meshgrid((-3.0, -1.0, 1.0, 3.0), (-3.0, -1.0, 1.0, 3.0)), -1).reshape(-1, 2)  # around a point, px
EYE_WIDTH = 2.5  # width of an eye divided by the radius of the eyeball, about 30 mm / 12 mm


HAND_LABELS = ("beard", "hair_length", "hat", "makeup")  # probabilities, in the order of details.txt
POSED = ("eye_opening", "gaze", "brows", "face_fullness")  # measured in the plane, and freed from the effect of pose
MAX_YAW, MAX_PITCH = 30.0, 25.0  # degrees, beyond which POSED labels are unknown
LEVEL = 12.7  # degrees of pitch, see labels.py
MEASURED = (
    "hair_lightness",
    "hair_warmth",
    "brows",
    "eye_opening",
    "gaze",
    "mouth_gap",
    "face_fullness",
)


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of all pictures: columns `[n]` by name, and `split` `[n]`: train, val, generated or generated-val."""

    columns: dict[str, Array]
    split: NDArray[np.str_]
    pictures: tuple[NDArray[np.uint8], NDArray[np.uint8]]

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return pictures of 256 px by row: portraits first, then generated people."""
        portraits, generated = self.pictures
        count = len(portraits)
        return np.stack([portraits[row] if row < count else generated[row - count] for row in rows])


def read_labels(data: Path, work: Path) -> Labels:
    """Read the labels of all pictures. Generated people of seeds 2800-2999 and 5800-5999 are held out."""
    files = list(csv.DictReader((data / "faces" / "faces.csv").open()))
    pictures = (np.load(work / "faces.npy", mmap_mode="r"), np.load(work / "generated.npy", mmap_mode="r"))
    seeds = range(len(pictures[1]))
    split = [row["split"] for row in files] + ["generated-val" if k % 3000 >= 2800 else "generated" for k in seeds]
    names = [row["file"] for row in files] + [f"seed:{seed}" for seed in seeds]
    parts = []
    for name, pixels in zip(("faces", "generated"), pictures, strict=True):
        points = read_points(work / f"{name}.mesh.jsonl")
        parts.append(pose(points) | shapes(points) | colors(pixels, points))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = np.isin(split, ("train", "generated"))
    columns |= {name: _without_pose(columns[name], columns["yaw"], columns["pitch"], rows) for name in POSED}
    aside = (np.abs(columns["yaw"]) > MAX_YAW) | (np.abs(columns["pitch"]) > MAX_PITCH)
    measured = {name: np.where(aside & (name in POSED), np.nan, columns[name]) for name in MEASURED}
    return Labels(measured | _hand_labels(names), np.array(split), pictures)


def _hand_labels(names: list[str]) -> dict[str, Array]:
    lines = (Path(__file__).parent / "details.txt").read_text().splitlines()
    listed = {name: values for name, *values in (line.split() for line in lines if line[:1] != "#")}
    table = np.array([[float(value) for value in listed.get(name, ["nan"] * len(HAND_LABELS))] for name in names])
    return dict(zip(HAND_LABELS, table.T, strict=True))


def _without_pose(values: Array, yaw: Array, pitch: Array, rows: NDArray[np.bool_]) -> Array:
    """Subtract what yaw and pitch predict, by a quadratic fitted to `rows`; the result is as of a frontal face."""
    x = np.stack([yaw, pitch, yaw**2, pitch**2, yaw * pitch], 1)
    known = rows & np.isfinite(values) & (np.abs(yaw) < 45)
    table = np.c_[np.ones(known.sum()), x[known]]
    weights = np.linalg.lstsq(table, values[known], rcond=None)[0]
    return np.asarray(values - x @ weights[1:])


def pose(points: Points) -> dict[str, Array]:
    """Return yaw and pitch in degrees."""
    across = points.mesh[:, TEMPLES[1]] - points.mesh[:, TEMPLES[0]]
    down = points.mesh[:, FOREHEAD_CHIN[1]] - points.mesh[:, FOREHEAD_CHIN[0]]
    return {
        "yaw": np.degrees(np.arctan2(across[:, 2], across[:, 0])),
        "pitch": np.degrees(np.arctan2(down[:, 2], down[:, 1])) - LEVEL,
    }


@dataclass(frozen=True)
class Points:
    """Landmarks of `n` pictures of 256 px: `mesh [n, 468, 3]`, `eyes [n, 2, 76, 2]`, `found [n]`."""

    mesh: Array
    eyes: Array
    found: NDArray[np.bool_]


def read_points(path: Path) -> Points:
    """Read the output of mesh.mjs, one line per picture, in order."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    if [line["i"] for line in lines] != list(range(len(lines))):
        raise SystemExit(f"{path}: expected lines in order; run mesh.mjs again")
    return Points(
        np.array([line["mesh"] for line in lines]).reshape(-1, 468, 3),
        np.array([line["eyes"] for line in lines]).reshape(-1, 2, 76, 2),
        np.array([line["flag"] for line in lines]) > 0.5,
    )


def shapes(points: Points) -> dict[str, Array]:
    """Measure shapes: opening of eyes and mouth, gaze, brows and fullness of the face."""
    mesh, eyes = points.mesh[:, :, :2], points.eyes

    def length(a: int, b: int) -> Array:
        return np.asarray(np.linalg.norm(mesh[:, a] - mesh[:, b], axis=1))

    corners = np.stack([mesh[:, pair] for pair in CORNERS], 1)  # [n 2 2 2]: eye, corner, xy
    across = corners[:, :, 1] - corners[:, :, 0]
    width = np.linalg.norm(across, axis=2)  # [n 2]
    axis = across / width[..., None]
    down = np.stack([-axis[..., 1], axis[..., 0]], -1)
    middle = corners.mean(2)
    lids = ((eyes[:, :, LOWER_LID].mean(2) - eyes[:, :, UPPER_LID].mean(2)) * down).sum(-1) / width
    iris = ((eyes[:, :, IRIS].mean(2) - middle) * axis).sum(-1) / width
    brow = ((middle - eyes[:, :, LOWER_BROW].mean(2)) * down).sum(-1) / width
    gap = length(*INNER_LIPS)
    jaw = np.mean([np.linalg.norm(points.mesh[:, a] - points.mesh[:, b], axis=1) for a, b in JAWS], axis=0)
    height = np.linalg.norm(points.mesh[:, FOREHEAD_CHIN[0]] - points.mesh[:, FOREHEAD_CHIN[1]], axis=1) - gap
    found = {
        "eye_opening": 100 * lids.mean(1),
        "gaze": np.degrees(np.arcsin(np.clip(EYE_WIDTH * iris.mean(1), -1, 1))),
        "brows": 100 * brow.mean(1),
        "mouth_gap": 100 * gap / length(*LIP_CORNERS),
        "face_fullness": 100 * jaw / height,
    }
    return {name: np.where(points.found, value, np.nan) for name, value in found.items()}


def colors(pixels: NDArray[np.uint8], points: Points) -> dict[str, Array]:
    """Measure the hair of pictures `[n, 256, 256, 3]` in CIELAB."""
    mesh = points.mesh[:, :, :2]

    def median(names: Sequence[int]) -> Array:
        where = mesh[:, list(names), None] + _GRID
        return np.asarray(np.median(_sample(pixels, where.reshape(len(mesh), -1, 2)), axis=1))

    hair = _hair(pixels, mesh, median(FOREHEAD))
    found = {"hair_lightness": hair[:, 0], "hair_warmth": hair[:, 2]}
    return {name: np.where(points.found, value, np.nan) for name, value in found.items()}


def _hair(pixels: NDArray[np.uint8], mesh: Array, forehead: Array) -> Array:
    """Return the median color `[n, 3]` of hair above the forehead, NaN where there is little."""
    middle, edge = mesh[:, 168, None], mesh[:, list(OVAL_TOP)]
    where = np.concatenate([middle + ring * (edge - middle) for ring in HAIR_RINGS], 1)[:, :, None]
    samples = _sample(pixels, (where + _GRID * 0.67).reshape(len(mesh), -1, 2))
    is_hair = np.linalg.norm(samples - forehead[:, None], axis=2) > MIN_HAIR_CONTRAST
    color = np.nanmedian(np.where(is_hair[..., None], samples, np.nan), axis=1)
    return np.where((is_hair.mean(1) > MIN_HAIR_SHARE)[:, None], color, np.nan)


def _sample(pixels: NDArray[np.uint8], where: Array) -> Array:
    """Return the CIELAB colors `[n, k, 3]` of the pixels nearest to positions `[n, k, 2]` (x, y)."""
    at = np.clip(np.round(where).astype(int), 0, pixels.shape[1] - 1)
    rgb = np.stack([picture[y, x] for picture, (x, y) in zip(pixels, at.transpose(0, 2, 1), strict=True)])
    lab = to_lab(torch.from_numpy(rgb.transpose(0, 2, 1).astype(np.float32) / 255))
    return lab.numpy().transpose(0, 2, 1).astype(np.float64)
