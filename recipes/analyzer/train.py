"""Train the analyzer, one network for attributes and identity.

    node recipes/analyzer/teachers.mjs ...            # once, see README.md
    python recipes/analyzer/train.py --data DIR --teachers DIR --out build/analyzer --minutes 60

Resumes from its checkpoint. Runs on the CPU in bf16; the schedule depends on time, so that training takes `--minutes`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from cameras import photograph
from labels import Table, read
from measure import report
from safetensors.torch import save_file
from torch import Tensor

from faceloom.memory import keep_memory
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer

BATCH, RATE, DECAY = 64, 3e-3, 0.02
PROBABILITIES = ("smile", "gender", "glasses", "mouth_open", "eyes_open")
WEIGHTS = {
    "age": 1.0,
    "glasses": 1.0,
    "smile": 1.0,
    "gender": 0.7,
    "mouth_open": 0.5,
    "eyes_open": 0.3,
    "sharpness": 0.3,
}
ANGLES = {"yaw": 8.0, "pitch": 6.0, "roll": 6.0}  # degrees that count as one standard deviation
IDENTITY_WEIGHT, CONTRAST_WEIGHT, SHARPNESS = 6.0, 0.3, 12.0
PORTRAITS = 0.5  # share of portraits in a batch, more than in the data because accuracy on real people matters most


def main() -> None:
    """Train, save and measure the analyzer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keep_memory()
    args.out.mkdir(parents=True, exist_ok=True)
    table = read(args.data, args.teachers)
    run = Run(table, args.out / "checkpoint.pt", args.seed, args.minutes * 60)
    run.train()
    state = {name: tensor.half().contiguous() for name, tensor in run.average.items() if "num_batches" not in name}
    save_file(state, args.out / "analyzer.safetensors")
    report(run.averaged(), table)


class Run:
    """A training run: the network, its averaged weights, the optimizer and the time."""

    def __init__(self, table: Table, checkpoint: Path, seed: int, seconds: float) -> None:
        torch.manual_seed(seed)
        self.table, self.checkpoint, self.seconds = table, checkpoint, seconds
        self.rng = np.random.RandomState(seed)
        self.net = Analyzer().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        age = table.columns["age"]
        for place, mean, scale in ((0, np.nanmean(age), np.nanstd(age)), (9, 6.5, 0.8)):
            self.net.mean[place], self.net.scale[place] = float(mean), float(scale)
        for name, scale in ANGLES.items():
            self.net.scale[ATTRIBUTES.index(name)] = scale
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        rest = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]
        self.adam = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))
        self.average = {name: tensor.clone() for name, tensor in self.net.state_dict().items()}
        self.nimg, self.spent = 0, 0.0
        self.pools = [np.flatnonzero(table.split == split) for split in ("train", "generated")]
        if checkpoint.exists():
            self._resume()

    def train(self) -> None:
        """Train until the time is over; print a line and save a checkpoint every two minutes."""
        start, saved = time.monotonic() - self.spent, self.spent
        sums: dict[str, float] = {}
        while (progress := (time.monotonic() - start) / self.seconds) < 1:
            losses = self._step(progress)
            for name, value in losses.items():
                sums[name] = 0.98 * sums.get(name, value) + 0.02 * value
            self.spent = time.monotonic() - start
            if self.spent - saved > 120:
                saved = self.spent
                self._save()
                line = " ".join(f"{name} {value:.3f}" for name, value in sums.items())
                print(f"{self.spent / 60:.1f} min, kimg {self.nimg / 1000:.1f}: {line}", flush=True)
        self._save()

    def averaged(self) -> Analyzer:
        """Return the network with the averaged weights."""
        net = Analyzer().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.load_state_dict(self.average)
        averaged: Analyzer = net.eval()
        return averaged

    def _step(self, progress: float) -> dict[str, float]:
        rate = RATE * min(1.0, self.nimg / 20_000 + 0.01) * (0.5 + 0.5 * np.cos(np.pi * progress))
        for group in self.adam.param_groups:
            group["lr"] = rate
        counts = (int(BATCH * PORTRAITS), BATCH - int(BATCH * PORTRAITS))
        rows = np.concatenate([self.rng.choice(pool, count) for pool, count in zip(self.pools, counts, strict=True)])
        crops, changed = photograph(self.table.pixels[rows], self.table.columns["resolved"][rows], self.rng)
        target = {name: torch.from_numpy(column[rows]) for name, column in self.table.columns.items()}
        target = _adapt_labels(target, changed)
        with torch.autocast("cpu", torch.bfloat16):
            attributes, identity = self.net.read(crops.contiguous(memory_format=torch.channels_last))
        losses = attribute_losses(attributes, target, self.net.scale)
        teacher = torch.from_numpy(self.table.identity[rows])
        cosine = identity @ teacher.T  # [n n]
        losses["identity"] = IDENTITY_WEIGHT * (1 - cosine.diagonal()).mean()
        same = torch.from_numpy(self.table.person[rows][:, None] == self.table.person[rows][None])
        others = cosine.masked_fill(same & ~torch.eye(len(rows), dtype=torch.bool), -1)
        losses["contrast"] = CONTRAST_WEIGHT * F.cross_entropy(SHARPNESS * others, torch.arange(len(rows)))
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
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=False)
        self.net.load_state_dict(state["net"])
        self.adam.load_state_dict(state["adam"])
        self.rng.set_state(state["rng"])
        self.average, self.nimg, self.spent = state["average"], state["nimg"], state["spent"]


def _adapt_labels(target: dict[str, Tensor], changed: dict[str, Tensor]) -> dict[str, Tensor]:
    """Adapt the labels to the mirroring and rotation of the pictures."""
    side = 1 - 2 * changed["mirrored"]
    turned = {
        "yaw": target["yaw"] * side,
        "roll": (target["roll"] + changed["roll"]) * side,
    }  # mirroring is applied last
    return target | turned | {"sharpness": changed["sharpness"]}


def attribute_losses(attributes: Tensor, target: dict[str, Tensor], scale: Tensor) -> dict[str, Tensor]:
    """Return one loss per attribute, the mean over the faces with a known label."""
    losses = {}
    for place, name in enumerate(ATTRIBUTES):
        known = ~target[name].isnan()
        if not known.any():
            continue
        read, truth = attributes[known, place], target[name][known]
        if name in PROBABILITIES:
            loss = F.binary_cross_entropy_with_logits(read, truth)
        else:
            loss = F.smooth_l1_loss(read / scale[place], truth / scale[place], beta=0.3)
        losses[name] = WEIGHTS.get(name, 0.3) * loss
    return losses


if __name__ == "__main__":
    main()
