"""Train the analyzer's second head, which reads details, on features of the frozen trunk.

    node recipes/analyzer/mesh.mjs ...            # once, see README.md
    python recipes/analyzer/train_details.py --data DIR --points DIR --out build/analyzer

`--points` is the folder with faces.npy, generated.npy and the points that mesh.mjs wrote. The trunk and the first heads
keep their weights, so that everything read before stays as it was. Fifteen minutes on one core, half of them for the
features.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from cameras import photograph
from details import HAND_LABELS, Labels, read_labels
from measure import auc
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from faceloom.images import to_img
from faceloom.memory import keep_memory
from faceloom.networks.analyzer import TRUNK_WIDTHS, crop_face
from faceloom.networks.detail_head import DEEP, FINE, MIDDLE, DetailHead
from faceloom.networks.trunk import Trunk

COPIES = ("plain", "geometry", "light")  # of every picture: as it is, by another camera, and in other light as well
BATCH, RATE, DECAY = 64, 2e-3, 0.05
HAND_SHARE = 0.4  # share of a batch with labels by hand, more than in the data
CHUNK = 32  # pictures of which features are computed at once
COLORS = ("hair_lightness", "hair_warmth")  # unknown in copies with changes of light
AUXILIARY = ("gaze",)  # trained on, but not shipped: it is not confirmed on portraits
MIRRORED = ("gaze",)  # change their sign in a mirrored picture
WEIGHTS = {"beard": 2.0, "hair_length": 2.0, "hat": 1.0, "makeup": 2.0}
SHIPPED = Path(__file__).parents[2] / "src" / "faceloom" / "data" / "analyzer.safetensors"

Features = tuple[Tensor, Tensor, Tensor, Tensor]


def main() -> None:
    """Compute features, train, save and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--points", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--copies", type=int, default=len(COPIES), help="number of copies of every picture to train on")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keep_memory()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    labels = read_labels(args.data, args.points)
    trunk = load_trunk()
    copies = [load_copy(trunk, labels, name, args.out, args.seed) for name in COPIES[: args.copies]]
    rows = np.flatnonzero((labels.split == "train") | (labels.split == "generated"))
    held_out = {name: copies[0].select(np.flatnonzero(labels.split == name)) for name in ("val", "generated-val")}
    rng = np.random.RandomState(args.seed)
    head = train(labels, rows, copies, args.minutes * 60, rng, lambda head: report(head, held_out))
    shipped = {name: tensor for name, tensor in load_file(SHIPPED).items() if not name.startswith("detail_head.")}
    kept = drop_auxiliary(head.state_dict(), list(labels.columns))
    added = {f"detail_head.{name}": tensor.half().contiguous() for name, tensor in kept.items()}
    save_file(shipped | added, args.out / "analyzer.safetensors")


def drop_auxiliary(state: dict[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """Return the weights of a head without the outputs that are only trained on."""
    rows = [k for k, name in enumerate(names) if name not in AUXILIARY]
    return {name: tensor[rows] if tensor.shape[:1] == (len(names),) else tensor for name, tensor in state.items()}


@dataclass(frozen=True)
class Copy:
    """Features of one augmented copy of the pictures, bf16, and its labels by name, float32 `[n]`."""

    features: Features
    targets: dict[str, Tensor]

    def select(self, rows: NDArray[np.int64]) -> Copy:
        """Return some of the rows."""
        a, b, c, d = (part[rows] for part in self.features)
        return Copy((a, b, c, d), {name: column[rows] for name, column in self.targets.items()})


def load_trunk() -> Trunk:
    """Load the shipped analyzer's trunk."""
    trunk = Trunk(TRUNK_WIDTHS, (1, 1, 2, 1))
    state = {n.removeprefix("trunk."): t.float() for n, t in load_file(SHIPPED).items() if n.startswith("trunk.")}
    trunk.load_state_dict(state, strict=False)
    return trunk.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def load_copy(trunk: Trunk, labels: Labels, name: str, folder: Path, seed: int) -> Copy:
    """Compute the features of a copy of all pictures, or read them from a file of an earlier run."""
    path = folder / f"{name}.pt"
    if not path.exists():
        rng = np.random.RandomState(seed + COPIES.index(name))
        torch.save(compute_features(trunk, labels, name, rng), path)
    features, mirrored = torch.load(path)
    targets = {label: torch.from_numpy(column).float() for label, column in labels.columns.items()}
    targets |= {label: targets[label] * (1 - 2 * mirrored) for label in MIRRORED}
    if name == "light":
        targets |= {label: torch.full_like(targets[label], torch.nan) for label in COLORS}
    return Copy(features, targets)


@torch.no_grad()
def compute_features(
    trunk: Trunk, labels: Labels, name: str, rng: np.random.RandomState
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Compute the features of a copy of all pictures, and which of them are mirrored: `[n]`, 0 or 1."""
    parts, flips = [], []
    for start in range(0, len(labels.split), CHUNK):
        pixels = labels.pixels(np.arange(start, min(start + CHUNK, len(labels.split))))
        if name == "plain":
            crops, mirrored = crop_face(to_img(list(pixels))), torch.zeros(len(pixels))
        else:
            crops, changed = photograph(pixels, np.full(len(pixels), 256, np.float32), rng, name == "light")
            mirrored = changed["mirrored"]
        with torch.autocast("cpu", torch.bfloat16, enabled=name != "plain"):
            parts.append(tuple(part.bfloat16() for part in run_trunk(trunk, crops)))
        flips.append(mirrored)
    return tuple(torch.cat(column) for column in zip(*parts, strict=True)), torch.cat(flips)


def run_trunk(trunk: Trunk, crops: Tensor) -> Features:
    """Return the colors and the features that the head reads."""
    outputs = trunk.outputs(crops.contiguous(memory_format=torch.channels_last))
    return F.adaptive_avg_pool2d(crops, 8), outputs[FINE], outputs[MIDDLE], outputs[DEEP]


def train(
    labels: Labels,
    rows: NDArray[np.int64],
    copies: list[Copy],
    seconds: float,
    rng: np.random.RandomState,
    show: Callable[[DetailHead], None],
) -> DetailHead:
    """Train the head until the time is over; the learning rate falls to 0 with it."""
    names = list(labels.columns)
    head = DetailHead(TRUNK_WIDTHS, len(names))
    for k, name in enumerate(names):
        if name not in HAND_LABELS:
            head.mean[k], head.scale[k] = (float(f(labels.columns[name][rows])) for f in (np.nanmean, np.nanstd))
    adam = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY, betas=(0.9, 0.98))
    by_hand = np.flatnonzero(~np.isnan(labels.columns["beard"][rows]))
    average = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    start, shown, steps = time.monotonic(), time.monotonic(), 0
    while (progress := (time.monotonic() - start) / seconds) < 1:
        for group in adam.param_groups:
            group["lr"] = RATE * min(1.0, steps / 100 + 0.01) * (0.5 + 0.5 * np.cos(np.pi * progress))
        count = int(BATCH * HAND_SHARE)
        chosen = rows[np.concatenate([rng.choice(by_hand, count), rng.choice(len(rows), BATCH - count)])]
        copy = copies[rng.randint(len(copies))]
        head.train()
        read = head.read(*(part[chosen].float() for part in copy.features))
        loss = loss_of(read, {name: column[chosen] for name, column in copy.targets.items()}, head.scale)
        adam.zero_grad()
        loss.backward()
        adam.step()
        steps += 1
        for name, tensor in head.state_dict().items():
            average[name].lerp_(tensor, 1 - min(0.998, steps / (steps + 100)))
        if time.monotonic() - shown > 240:
            shown = time.monotonic()
            print(f"{(shown - start) / 60:.1f} min, step {steps}: loss {loss.item():.3f}", flush=True)
            show(averaged(average, len(names)))
    head = averaged(average, len(names))
    show(head)
    return head


def averaged(state: dict[str, Tensor], count: int) -> DetailHead:
    """Return a head with averaged weights."""
    head = DetailHead(TRUNK_WIDTHS, count)
    head.load_state_dict(state)
    return head.eval()


def loss_of(read: Tensor, targets: dict[str, Tensor], scale: Tensor) -> Tensor:
    """Return the sum of one loss per detail, the mean over the faces with a known label."""
    losses = []
    for k, (name, target) in enumerate(targets.items()):
        known = ~target.isnan()
        if not known.any():
            continue
        if name in HAND_LABELS:
            loss = F.binary_cross_entropy_with_logits(read[known, k], target[known])
        else:
            loss = F.smooth_l1_loss(read[known, k] / scale[k], target[known] / scale[k], beta=0.5)
        losses.append(WEIGHTS.get(name, 1.0) * loss)
    return torch.stack(losses).sum()


@torch.no_grad()
def report(head: DetailHead, held_out: dict[str, Copy]) -> None:
    """Print the agreement with the labels of held-out people."""
    for split, copy in held_out.items():
        read = head.read(*(part.float() for part in copy.features)).numpy()
        line = []
        for k, (name, target) in enumerate(copy.targets.items()):
            truth = target.numpy()
            known = ~np.isnan(truth)
            if name not in HAND_LABELS:
                error = np.abs(read[known, k] - truth[known]).mean()
                line.append(f"{name} r {np.corrcoef(read[known, k], truth[known])[0, 1]:.3f} error {error:.1f}")
            elif known.any():
                yes, no = known & (truth == 1), known & (truth == 0)
                line.append(f"{name} AUC {auc(read[yes, k], read[no, k]) if yes.any() else np.nan:.3f} of {yes.sum()}")
        print(f"  {split}: " + ", ".join(line), flush=True)


if __name__ == "__main__":
    main()
