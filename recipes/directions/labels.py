"""What is known about the generated people: what the analyzer reads, and what a look at the pixels adds.

Reads DIR/labels.npz (w, and where eyes and mouth are) and DIR/generated.zip.
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

from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_img
from faceloom.networks.analyzer import ATTRIBUTES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """A row a seed: `w [n, 512]`, traits `[n]` in the analyzer's units, `identity [n, 128]`, colours in sigmas."""

    w: Array
    traits: dict[str, Array]
    identity: Array
    colours: dict[str, Array]


def read_people(folder: Path) -> People:
    """Read everything; four minutes on one core, most of it the analyzer."""
    table = np.load(folder / "labels.npz")
    patches, readings, identities = [], [], []
    with zipfile.ZipFile(folder / "generated.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        for start in range(0, len(names), 20):
            pictures = [np.asarray(Image.open(io.BytesIO(archive.read(n))).convert("RGB")) for n in names[start:][:20]]
            traits, identity = read(pictures)
            readings.append(traits)
            identities.append(identity)
            points = table["mesh5"][start : start + 20, :, :2] * 256
            patches += [measure(p / 255, five) for p, five in zip(pictures, points, strict=True)]
    named = dict(zip(ATTRIBUTES, np.concatenate(readings).T, strict=True))
    return People(table["w"].astype(np.float64), named, np.concatenate(identities), colours(np.stack(patches)))


@torch.no_grad()
def read(pictures: list[NDArray[np.uint8]]) -> tuple[Array, Array]:
    """What the analyzer says of aligned pictures: traits `[n, 10]`, identities `[n, 128]`."""
    reading = load_analyzer()(to_img(pictures))
    return reading.traits.double().numpy(), reading.identity.double().numpy()


def colours(patches: Array) -> dict[str, Array]:
    """Skin, light, background and clothes from mean colours `[n, 4, 3]`."""
    left, right, background, clothes = patches.transpose(1, 0, 2)  # [n 3] each
    cheeks = (left + right) / 2
    brightness = cheeks.mean(1)
    named = {
        "skin brightness": brightness,
        "skin warmth": (cheeks[:, 0] - cheeks[:, 2]) / brightness,
        "light from the side": (left.mean(1) - right.mean(1)) / brightness,
        "background": background.mean(1),
        "clothes": clothes.mean(1),
    }
    return {name: (value - value.mean()) / value.std() for name, value in named.items()}


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
