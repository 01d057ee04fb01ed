"""Labels of the generated people: the analyzer's readings, and colors measured in the pixels.

Reads DIR/labels.npz (w, and the positions of eyes and mouth) and DIR/generated.zip.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from faceloom.analyze.skin import skin_tone
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_img
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS

Array = NDArray[np.float64]
READ = (*ATTRIBUTES, *DETAILS, "skin_tone")


@dataclass(frozen=True)
class People:
    """One row per seed: `w [n, 512]`, attributes of READ `[n]` by name, `identity [n, 128]`, colors in sigmas."""

    w: Array
    attributes: dict[str, Array]
    identity: Array
    colors: dict[str, Array]


def read_people(folder: Path) -> People:
    """Read and measure all people, in four minutes on one core, mostly spent in the analyzer."""
    table = np.load(folder / "labels.npz")
    patches, readings, identities = [], [], []
    with zipfile.ZipFile(folder / "generated.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        for start in range(0, len(names), 20):
            pictures = [np.asarray(Image.open(io.BytesIO(archive.read(n))).convert("RGB")) for n in names[start:][:20]]
            attributes, identity = read(pictures)
            readings.append(attributes)
            identities.append(identity)
            points = table["mesh5"][start : start + 20, :, :2] * 256
            patches += [measure(p / 255, five) for p, five in zip(pictures, points, strict=True)]
    named = dict(zip(READ, np.concatenate(readings).T, strict=True))
    return People(table["w"].astype(np.float64), named, np.concatenate(identities), colors(np.stack(patches)))


@torch.no_grad()
def read(pictures: list[NDArray[np.uint8]]) -> tuple[Array, Array]:
    """Read aligned pictures: attributes `[n, len(READ)]`, identities `[n, 128]`."""
    img = to_img(pictures)
    reading = load_analyzer()(img)
    attributes = torch.cat([reading.attributes, reading.details, skin_tone(img)[:, None]], 1)
    return attributes.double().numpy(), reading.identity.double().numpy()


def colors(patches: Array) -> dict[str, Array]:
    """Compute skin, light, background and clothes from mean colors `[n, 4, 3]`."""
    left, right, background, clothes = patches.transpose(1, 0, 2)  # [n 3] each
    cheeks = (left + right) / 2
    brightness = cheeks.mean(1)
    named = {
        "skin brightness": brightness,
        "skin warmth": (cheeks[:, 0] - cheeks[:, 2]) / brightness,
        "light from the side": (left.mean(1) - right.mean(1)) / brightness,
        "background": background.mean(1),
        "clothes": clothes.mean(1),
        "background warmth": background[:, 0] - background[:, 2],
        "clothes warmth": clothes[:, 0] - clothes[:, 2],
    }
    return {name: (value - value.mean()) / value.std() for name, value in named.items()}


def measure(pixels: Array, points: NDArray[np.float32]) -> Array:
    """Return mean colors `[4, 3]` of both cheeks, the upper corners and the lower corners of a picture of 256 px."""
    left, right, _, mouth_left, mouth_right = points

    def around(x: float, y: float, r: int = 6) -> Array:
        column, row = int(np.clip(x, r, 255 - r)), int(np.clip(y, r, 255 - r))
        return np.asarray(pixels[row - r : row + r, column - r : column + r].reshape(-1, 3).mean(0))

    cheek_left = around(*((left + mouth_left) / 2 - (6, 0)))
    cheek_right = around(*((right + mouth_right) / 2 + (6, 0)))
    upper = np.concatenate([pixels[:40, :40], pixels[:40, -40:]]).reshape(-1, 3).mean(0)
    lower = np.concatenate([pixels[-24:, :60], pixels[-24:, -60:]]).reshape(-1, 3).mean(0)
    return np.stack([cheek_left, cheek_right, upper, lower])
