"""What is known about the generated people: the teachers' labels, and what a look at the pixels adds.

Reads DIR/labels.npz and DIR/generated.zip. The columns `age_cnn` and `male_cnn` are never read: the network that gave
them judges the edits, and a judge must not have taught.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]
GLASSES = Path(__file__).with_name("glasses.txt")
LOOKED_AT = [*range(300), *range(3000, 3300)]  # seeds that glasses.txt speaks of


@dataclass(frozen=True)
class People:
    """`w [n, 512]`, the labels by name `[n]`, and small pictures `[n, 64, 64, 3]` 0...1, one row a seed."""

    w: Array
    labels: dict[str, Array]
    small: Array


def read_people(folder: Path) -> People:
    """Read everything; a minute and a half, most of it the pictures."""
    table = np.load(folder / "labels.npz")
    w = table["w"].astype(np.float64)
    colours, small = look_at_pictures(folder / "generated.zip", table["mesh5"])
    named = {
        "age": years(table["age_faceres"].astype(np.float64), table["age_faceapi"].astype(np.float64)),
        "smile": standard(table["expression_logits"][:, 1] - table["expression_logits"][:, 0]),
        "gender": standard(standard(logit(table["male_faceres"])) + standard(logit(table["male_faceapi"]))),
        "glasses": standard(glasses(w, small)),
    }
    return People(w, named | pose(table["mesh5"].astype(np.float64)) | colours, small)


def years(faceres: Array, faceapi: Array) -> Array:
    """Two teachers' ages as one.

    faceres is steady but squeezes everybody towards 30, so it is stretched to faceapi's spread; faceapi reads some
    adults at 12-18, so there, where faceres sees an adult, faceres alone counts. Otherwise the mean of the two.
    """
    stretched = standard(faceres) * faceapi.std() + faceapi.mean()
    mistaken = (faceapi > 12) & (faceapi < 18) & (faceres > 22)
    return np.where(mistaken, stretched, (stretched + faceapi) / 2)


def pose(mesh5: Array) -> dict[str, Array]:
    """Where the nose stands between eyes and mouth: sideways (yaw) and up and down (pitch)."""
    left, right, nose, mouth_left, mouth_right = mesh5.transpose(1, 0, 2)  # [n 3] each
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    width = np.linalg.norm((right - left)[:, :2], axis=1)
    yaw = (nose[:, 0] - (eyes[:, 0] + mouth[:, 0]) / 2) / width
    pitch = (nose[:, 1] - eyes[:, 1]) / (mouth[:, 1] - eyes[:, 1])
    return {"yaw": standard(yaw), "pitch": standard(pitch)}


def look_at_pictures(archive: Path, mesh5: NDArray[np.float32]) -> tuple[dict[str, Array], Array]:
    """Measure skin, light, background and clothes: `(labels, small pictures)`."""
    patches, small = [], []
    with zipfile.ZipFile(archive) as pictures:
        for name, points in zip(sorted(n for n in pictures.namelist() if n.endswith(".webp")), mesh5, strict=True):
            with Image.open(io.BytesIO(pictures.read(name))) as picture:
                pixels = np.asarray(picture.convert("RGB"), np.float64) / 255
                small.append(np.asarray(picture.convert("RGB").resize((64, 64), Image.Resampling.BOX)))
            patches.append(measure(pixels, points[:, :2] * 256))
    left, right, background, clothes = np.stack(patches).transpose(1, 0, 2)  # [n 3] each
    cheeks = (left + right) / 2
    brightness = cheeks.mean(1)
    colours = {
        "skin brightness": brightness,
        "skin warmth": (cheeks[:, 0] - cheeks[:, 2]) / brightness,
        "light from the side": (left.mean(1) - right.mean(1)) / brightness,
        "background": background.mean(1),
        "clothes": clothes.mean(1),
    }
    return {name: standard(value) for name, value in colours.items()}, np.stack(small) / 255


def measure(pixels: Array, points: NDArray[np.float32]) -> Array:
    """Mean colours `[4, 3]` of both cheeks, the upper corners and the lower corners of a picture of 256 px."""
    left, right, _, mouth_left, mouth_right = points

    def around(x: float, y: float, r: int = 6) -> Array:
        x, y = int(np.clip(x, r, 255 - r)), int(np.clip(y, r, 255 - r))
        return pixels[y - r : y + r, x - r : x + r].reshape(-1, 3).mean(0)

    cheek_left = around(*((left + mouth_left) / 2 - (6, 0)))
    cheek_right = around(*((right + mouth_right) / 2 + (6, 0)))
    upper = np.concatenate([pixels[:40, :40], pixels[:40, -40:]]).reshape(-1, 3).mean(0)
    lower = np.concatenate([pixels[-24:, :60], pixels[-24:, -60:]]).reshape(-1, 3).mean(0)
    return np.stack([cheek_left, cheek_right, upper, lower])


def glasses(w: Array, small: Array) -> Array:
    """Score everybody's glasses from the 600 people in glasses.txt: ridge regression on the edges around the eyes
    and on w. Five-fold area under the curve on the 600: 0.994."""
    worn = {int(seed) for line in GLASSES.read_text().splitlines() if line[:1] != "#" for seed in line.split()}
    labels = np.array([float(seed in worn) for seed in LOOKED_AT])
    eyes = small[:, 24:38, 14:50].mean(-1)
    edges = [np.abs(np.diff(eyes, axis=axis)).reshape(len(eyes), -1) for axis in (2, 1)]
    columns = np.concatenate([standard(w), *(0.7 * standard(edge) for edge in edges)], 1)
    known = columns[LOOKED_AT]
    gram = known @ known.T / columns.shape[1]
    weights = np.linalg.solve(gram + 0.5 * np.eye(len(known)), labels - labels.mean())
    return columns @ (known.T @ weights)


def logit(p: NDArray[np.float32]) -> Array:
    """Log odds, with a bound on certainty."""
    p = np.clip(p.astype(np.float64), 0.005, 0.995)
    return np.log(p / (1 - p))


def standard(x: Array) -> Array:
    """Mean 0 and standard deviation 1 a column."""
    return (x - x.mean(0)) / (x.std(0) + 1e-9)
