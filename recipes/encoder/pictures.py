"""Training pictures of the encoder: real portraits, generated people, and camera degradations for both."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

DEV_SEED, DEV_PEOPLE = 0, 64  # people of the train split that are held out to choose settings


def portraits(data: Path, split: str) -> NDArray[np.uint8]:
    """Return aligned portraits `[n, 256, 256, 3]` of 'train', 'dev' (held out of train) or 'val' (measuring only)."""
    with (data / "faces" / "faces.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    person_names = sorted({row["person"] for row in rows if row["split"] == "train"})
    aside = set(np.random.RandomState(DEV_SEED).choice(person_names, DEV_PEOPLE, replace=False))
    names = [row["file"] for row in rows if split == _split(row["split"], row["person"] in aside)]
    return _decode(data / "faces" / "faces.zip", names)


def people(data: Path) -> tuple[NDArray[np.uint8], Tensor]:
    """Return generated people: pictures `[n, 256, 256, 3]` and their `w [n, 512]`."""
    table = np.load(data / "generated" / "labels.npz")
    names = [f"{seed:05d}.webp" for seed in table["seed"]]
    return _decode(data / "generated" / "generated.zip", names), torch.from_numpy(table["w"].astype(np.float32))


def to_img(pixels: NDArray[np.uint8]) -> Tensor:
    """Convert `[n, h, w, 3]` uint8 to `[n, 3, h, w]` in -1...1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def camera(img: Tensor, rng: np.random.RandomState) -> Tensor:
    """Degrade the encoder's input by low resolution, noise and JPEG, with probability 1/4 each; not the target."""
    return torch.stack([_degrade(image, rng) for image in img])


def _degrade(img: Tensor, rng: np.random.RandomState) -> Tensor:
    size = img.shape[-1]
    if rng.rand() < 0.25:
        side = int(np.exp(rng.uniform(np.log(40), np.log(size))))
        small = F.interpolate(img[None], (side, side), mode="bilinear", antialias=True)
        img = F.interpolate(small, (size, size), mode="bicubic")[0]
    if rng.rand() < 0.25:
        img = img + rng.exponential(0.04) * torch.from_numpy(rng.randn(*img.shape).astype(np.float32))
    if rng.rand() < 0.25:
        pixels = ((img + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.uniform(25, 95)))
        img = to_img(np.array(Image.open(buffer))[None])[0]
    return img.clamp(-1, 1)


def _split(split: str, aside: bool) -> str:
    return "dev" if aside and split == "train" else split


def _decode(archive: Path, names: list[str]) -> NDArray[np.uint8]:
    with zipfile.ZipFile(archive) as files:
        return np.stack([np.asarray(Image.open(io.BytesIO(files.read(name))).convert("RGB")) for name in names])
