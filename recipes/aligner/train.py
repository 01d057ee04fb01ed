"""Train the aligner on generated faces that were shifted, rotated and scaled by known amounts.

    python recipes/aligner/train.py --data DIR --out build/aligner --minutes 20

DIR holds generated.zip (see recipes/directions). Seeds 2000-2999 are excluded from training: measure.py uses them.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from faceloom.memory import keep_memory
from faceloom.networks.aligner import ALIGNER_CENTER, ALIGNER_CROP, ALIGNER_RESOLUTION, Aligner

sys.path.insert(0, str(Path(__file__).parents[1] / "analyzer"))
from cameras import develop

BATCH, RATE = 64, 2e-3
HELD_OUT = range(2000, 3000)  # seeds
# Deviations of the estimated square from the true one: four times MTCNN's, so that batches contain many hard cases.
SHIFT, SCALE, ROLL = 0.015, 0.045, np.radians(3)
LIMIT = 2.2  # maximum in standard deviations; larger errors would show the picture's edge


def main() -> None:
    """Train and save the aligner."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    args = parser.parse_args()
    keep_memory()
    args.out.mkdir(parents=True, exist_ok=True)
    train(pictures(args.data / "generated.zip"), args.minutes * 60, args.out / "aligner.safetensors")


def pictures(archive: Path) -> NDArray[np.uint8]:
    """Decode all training pictures: `[n, 256, 256, 3]`."""
    with zipfile.ZipFile(archive) as files:
        names = sorted(name for name in files.namelist() if name.endswith(".webp"))
        train_names = [name for seed, name in enumerate(names) if seed not in HELD_OUT]
        return np.stack([np.asarray(Image.open(io.BytesIO(files.read(name))).convert("RGB")) for name in train_names])


def train(pixels: NDArray[np.uint8], seconds: float, path: Path) -> None:
    """Train for the given seconds; save the averaged weights every two minutes and at the end."""
    torch.manual_seed(0)
    rng = np.random.RandomState(0)
    net = Aligner().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.AdamW(net.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.02)
    average = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    start, reported_at, nimg, smooth = time.monotonic(), 0.0, 0, None
    while (progress := (time.monotonic() - start) / seconds) < 1:
        for group in adam.param_groups:
            group["lr"] = RATE * min(1.0, nimg / 20_000 + 0.01) * (0.5 + 0.5 * np.cos(np.pi * progress))
        crops, truth = make_wrong_squares(pixels[rng.choice(len(pixels), BATCH)], rng)
        crops = develop(crops, rng)
        with torch.autocast("cpu", torch.bfloat16):
            read = net(crops.contiguous(memory_format=torch.channels_last))
        # An error of 0.01 of the side, of the scale or of a radian counts as 1.
        loss = F.smooth_l1_loss(read * 100, truth * 100, beta=0.3)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        adam.step()
        nimg += BATCH
        keep = min(0.998, nimg / (nimg + 20_000))
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                average[name].lerp_(tensor, 1 - keep)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        if time.monotonic() - start - reported_at > 120:
            reported_at = time.monotonic() - start
            print(f"{reported_at / 60:.1f} min, kimg {nimg / 1000:.1f}: {smooth:.3f}", flush=True)
            _save(average, path)
    _save(average, path)


def make_wrong_squares(pixels: NDArray[np.uint8], rng: np.random.RandomState) -> tuple[Tensor, Tensor]:
    """Make wrong squares: their crops `[n, 3, 128, 128]`, and the corrections that the network learns `[n, 4]`."""
    n = len(pixels)
    off = rng.randn(n, 4).clip(-LIMIT, LIMIT) * rng.choice([0.3, 1.0], (n, 1)) * (SHIFT, SHIFT, SCALE, ROLL)
    mirrored = rng.rand(n) < 0.5
    # the estimated square relative to the true one: the inverse of (shift, scale, roll)
    side, angle = np.exp(-off[:, 2]), -off[:, 3]
    turn = side[:, None, None] * np.stack(
        [np.stack([np.cos(angle), -np.sin(angle)], 1), np.stack([np.sin(angle), np.cos(angle)], 1)], 1
    )  # [n 2 2], clockwise with y downwards
    middle = -(turn @ off[:, :2, None])[:, :, 0]
    center = middle + (turn @ (np.array(ALIGNER_CENTER) - 0.5))  # of the crop, from the true square's center
    flip = np.where(mirrored, -1.0, 1.0)
    theta = np.concatenate([ALIGNER_CROP * turn, 2 * center[:, :, None]], 2)
    theta[:, 0] *= flip[:, None]  # sampling a mirrored picture
    img = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    grid = F.affine_grid(
        torch.from_numpy(theta).float(), [n, 3, ALIGNER_RESOLUTION, ALIGNER_RESOLUTION], align_corners=False
    )
    crops = F.grid_sample(img, grid, padding_mode="reflection", align_corners=False)
    return crops, torch.from_numpy(off.astype(np.float32))


def _save(average: dict[str, Tensor], path: Path) -> None:
    save_file({name: tensor.half().contiguous() for name, tensor in average.items() if "num_batches" not in name}, path)


if __name__ == "__main__":
    main()
