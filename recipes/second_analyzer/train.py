"""Train the second analyzer.

    python recipes/second_analyzer/train.py --data DIR --teachers DIR --out build/second_analyzer --minutes 40

Resumes from its checkpoint, and reads the labels again when it does. Runs on the CPU in bf16; the schedule depends on
time, so that training takes `--minutes`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from labels import Table, read
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from faceloom.memory import keep_memory
from faceloom.networks.second_analyzer import (
    AGE_BINS,
    AGE_STEP,
    SECOND_ATTRIBUTES,
    SECOND_CENTER,
    SECOND_CROP,
    SECOND_RESOLUTION,
    SecondAnalyzer,
    expected_age,
)

BATCH, RATE, DECAY = 64, 3e-3, 0.03
STATED_AGE, OTHER_PORTRAITS = (
    20,
    14,
)  # pictures in a batch: portraits with a stated age, other portraits; rest generated
WEIGHTS = {"smile": 1.0, "gender": 0.7, "glasses": 1.0, "mouth_open": 0.5, "yaw": 0.3, "pitch": 0.3}
PROBABILITIES = ("smile", "gender", "glasses", "mouth_open")
AGE_WEIGHT, EXPECTATION_WEIGHT = 1.0, 0.5


def main() -> None:
    """Train and save the second analyzer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    args.out.mkdir(parents=True, exist_ok=True)
    run = Run(read(args.data, args.teachers), args.out, args.seed, args.minutes * 60)
    run.train()


class Run:
    """A training run: the network, its averaged weights, the optimizer and the time."""

    def __init__(self, table: Table, out: Path, seed: int, seconds: float) -> None:
        torch.manual_seed(seed)
        self.table, self.out, self.seconds = table, out, seconds
        self.rng = np.random.RandomState(seed)
        self.net = SecondAnalyzer().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        rest = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]
        self.adam = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))
        self.average = {name: tensor.clone() for name, tensor in self.net.state_dict().items()}
        self.nimg, self.spent = 0, 0.0
        stated = ~np.isnan(table.columns["age_truth"])
        train = table.split == "train"
        pools = (train & stated, train & ~stated, table.split == "generated")
        self.pools = [np.flatnonzero(pool) for pool in pools]
        if (out / "checkpoint.pt").exists():
            self._resume()

    def train(self) -> None:
        """Train until the time is over; print a line and save every minute."""
        start, saved = time.monotonic() - self.spent, self.spent
        sums: dict[str, float] = {}
        while (progress := (time.monotonic() - start) / self.seconds) < 1:
            for name, value in self._step(progress).items():
                sums[name] = 0.98 * sums.get(name, value) + 0.02 * value
            self.spent = time.monotonic() - start
            if self.spent - saved > 60:
                saved = self.spent
                self._save()
                line = " ".join(f"{name} {value:.3f}" for name, value in sums.items())
                print(f"{self.spent / 60:.1f} min, kimg {self.nimg / 1000:.1f}: {line}", flush=True)
        self._save()

    def _step(self, progress: float) -> dict[str, float]:
        rate = RATE * min(1.0, self.nimg / 10_000 + 0.01) * (0.5 + 0.5 * np.cos(np.pi * progress))
        for group in self.adam.param_groups:
            group["lr"] = rate
        counts = (STATED_AGE, OTHER_PORTRAITS, BATCH - STATED_AGE - OTHER_PORTRAITS)
        rows = np.concatenate([self.rng.choice(pool, count) for pool, count in zip(self.pools, counts, strict=True)])
        crops, mirrored = augment(self.table.pixels[rows], self.rng)
        target = {name: torch.from_numpy(column[rows]) for name, column in self.table.columns.items()}
        target["yaw"] = target["yaw"] * (1 - 2 * mirrored)
        with torch.autocast("cpu", torch.bfloat16):
            ages, rest = self.net.read(crops.contiguous(memory_format=torch.channels_last))
        losses = {"age": age_loss(ages, target["age"], target["age_sd"])}
        losses |= attribute_losses(rest, target, self.net.scale)
        loss = torch.stack(list(losses.values())).sum()
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.adam.step()
        self.nimg += len(rows)
        keep = min(0.998, self.nimg / (self.nimg + 20_000))
        for name, tensor in self.net.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 - keep)
        return {name: value.item() for name, value in losses.items()}

    def _save(self) -> None:
        names = ("average", "nimg", "spent")
        state = {name: getattr(self, name) for name in names} | {"net": self.net.state_dict()}
        state |= {"adam": self.adam.state_dict(), "rng": self.rng.get_state()}
        torch.save(state, self.out / "checkpoint.partial")
        (self.out / "checkpoint.partial").replace(self.out / "checkpoint.pt")
        weights = {
            name: tensor.half().contiguous() for name, tensor in self.average.items() if "num_batches" not in name
        }
        save_file(weights, self.out / "second_analyzer.safetensors")

    def _resume(self) -> None:
        state = torch.load(self.out / "checkpoint.pt", weights_only=False)
        self.net.load_state_dict(state["net"])
        self.adam.load_state_dict(state["adam"])
        self.rng.set_state(state["rng"])
        self.average, self.nimg, self.spent = state["average"], state["nimg"], state["spent"]


def age_loss(logits: Tensor, age: Tensor, sd: Tensor) -> Tensor:
    """Compare a distribution over the bins with a normal distribution around the label, and its mean with the label."""
    known = ~age.isnan()
    logits, age, sd = logits[known], age[known], sd[known]
    centers = torch.arange(AGE_BINS) * AGE_STEP
    target = (-0.5 * ((centers - age[:, None]) / sd[:, None]) ** 2).softmax(1)
    divergence = (target * (target.clamp_min(1e-9).log() - logits.log_softmax(1))).sum(1)
    error = (expected_age(logits)[:, 0] - age) / sd
    expectation = F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none")
    return AGE_WEIGHT * (divergence + EXPECTATION_WEIGHT * expectation).mean()


def attribute_losses(read: Tensor, target: dict[str, Tensor], scale: Tensor) -> dict[str, Tensor]:
    """Return one loss for each attribute but age, the mean over the faces with a known label."""
    losses = {}
    for place, name in enumerate(SECOND_ATTRIBUTES[1:]):
        known = ~target[name].isnan()
        if not known.any():
            continue
        value, truth = read[known, place], target[name][known]
        if name in PROBABILITIES:
            loss = F.binary_cross_entropy_with_logits(value, truth)
        else:
            loss = F.smooth_l1_loss(value / scale[place], truth / scale[place], beta=0.3)
        losses[name] = WEIGHTS[name] * loss
    return losses


def augment(pixels: NDArray[np.uint8], rng: np.random.RandomState) -> tuple[Tensor, Tensor]:
    """Cut the network's crops out of the pictures, and change their geometry, light and resolution.

    Convention: pixels `[n, 192, 192, 3]` -> crops `[n, 3, 96, 96]`, -1...1, and mirrored `[n]`, 0 or 1. Blocks of the
    picture are erased at random (Zhong et al. 2017), so that no single part of the face decides.
    """
    n, side = len(pixels), SECOND_RESOLUTION
    mirrored = rng.rand(n) < 0.5
    angle = np.radians(rng.randn(n) * 4)
    scale = SECOND_CROP * np.exp(rng.randn(n, 2) * (0.07, 0.0) + rng.randn(n, 2) * 0.03)
    middle = 2 * np.array(SECOND_CENTER) - 1 + rng.randn(n, 2) * 0.03
    flip = np.where(mirrored, -1.0, 1.0)
    cos, sin = np.cos(angle), np.sin(angle)
    theta = np.stack(
        [
            np.stack([scale[:, 0] * cos * flip, scale[:, 1] * sin, middle[:, 0]], 1),
            np.stack([-scale[:, 0] * sin * flip, scale[:, 1] * cos, middle[:, 1]], 1),
        ],
        1,
    )
    img = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    grid = F.affine_grid(torch.from_numpy(theta).float(), [n, 3, side, side], align_corners=False)
    crops = F.grid_sample(img, grid, padding_mode="reflection", align_corners=False)
    for index in np.flatnonzero(rng.rand(n) < 0.25):
        size = int(rng.randint(24, side))
        small = F.interpolate(crops[index : index + 1], (size, size), mode="bilinear", antialias=True)
        crops[index : index + 1] = F.interpolate(small, (side, side), mode="bicubic")
    crops = _relight(crops, rng)
    for index in np.flatnonzero(rng.rand(n) < 0.3):
        h, w = rng.randint(8, 40, 2)
        y, x = rng.randint(0, side - h), rng.randint(0, side - w)
        crops[index, :, y : y + h, x : x + w] = float(rng.rand())
    return crops.clamp(0, 1) * 2 - 1, torch.from_numpy(mirrored.astype(np.float32))


def _relight(img: Tensor, rng: np.random.RandomState) -> Tensor:
    """Change gamma, exposure by a gradient across the picture, white balance and saturation, and add noise."""
    n, side = len(img), img.shape[-1]

    def each(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values).float().reshape(n, -1, 1, 1)

    img = img.clamp(1e-4, 1) ** each(np.exp(rng.randn(n) * 0.2))
    ramp = torch.linspace(-1, 1, side)
    slope = each(rng.randn(n) * 0.2) * ramp[:, None] + each(rng.randn(n) * 0.2) * ramp[None]  # [n 1 s s]
    img = img * slope.exp() * each(np.exp(rng.randn(n, 3) * 0.06 + rng.randn(n, 1) * 0.1))
    gray = img.mean(1, keepdim=True)
    img = gray + (img - gray) * each(np.where(rng.rand(n) < 0.15, 0.0, np.exp(rng.randn(n) * 0.3)))
    noise = each(np.where(rng.rand(n) < 0.3, rng.exponential(0.02, n), 0.0))
    random = torch.Generator().manual_seed(int(rng.randint(2**31)))
    return (img + noise * torch.randn(img.shape, generator=random)).clamp(0, 1)


if __name__ == "__main__":
    main()
