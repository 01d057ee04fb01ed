"""Train the region head on the features of the default generator.

    python recipes/regions/train.py --work WORK --out src/faceloom/data/regions.safetensors

WORK holds the folders generated, encoded and mixed with latents.npz and labels.npy. The features are computed again in
every pass, which takes less time than to read them from a disk.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from faceloom.checkpoints.load import load_generator
from faceloom.memory import keep_memory
from faceloom.networks.regions import REGION_RESOLUTION, REGIONS, RegionHead, block_features
from faceloom.networks.tuned import network_of

SEED = 0
BATCH = 4
RATE, DECAY = 2e-3, 1e-2
KNOWN = 0.5  # share of a pixel's area that must be labeled
TRUST = 0.02  # labels that the head gives a smaller probability halfway through are taken for the teachers' errors
NOT_BACKGROUND, NOT_GLASSES = 0.5, 5.0  # weights of what unlabeled pixels are known not to show
RARE = 0.3  # exponent by which rare regions weigh more
PERSON, UNKNOWN = 254, 255


@dataclass(frozen=True)
class Examples:
    """Latents `[n, num_ws, w_dim]` float16, labels uint8 `[n, 256, 256]`, and glasses `[n]`: 1, 0, or -1 if unsure."""

    w_plus: Tensor
    labels: Tensor
    worn: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="file of the weights")
    parser.add_argument("--passes", type=int, default=6, help="over all people")
    args = parser.parse_args()
    keep_memory()
    torch.manual_seed(SEED)
    examples = read_examples(args.work, held_out=False)
    head = train(examples, args.passes)
    save_file({name: tensor.half().contiguous() for name, tensor in head.state_dict().items()}, args.out)


def read_examples(work: Path, held_out: bool, kinds: tuple[str, ...] = ("generated", "encoded", "mixed")) -> Examples:
    """Read the people that are held out, or all others."""
    parts = []
    for kind in kinds:
        if (work / kind / "labels.npy").exists():
            table = np.load(work / kind / "latents.npz")
            chosen = table["held_out"] == held_out
            arrays = (table["w_plus"], *(np.load(work / kind / f"{name}.npy") for name in ("labels", "worn")))
            parts.append([torch.from_numpy(array[chosen]) for array in arrays])
    return Examples(*(torch.cat(column) for column in zip(*parts, strict=True)))


def targets(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return each region's share of every pixel `[n, 10, 64, 64]`, and the share that is labeled `[n, 64, 64]`."""
    masks = torch.stack([labels == i for i in range(len(REGIONS))], 1).float()
    shares = F.avg_pool2d(masks, labels.shape[-1] // REGION_RESOLUTION)
    known = shares.sum(1)
    return shares / known.clamp_min(1e-6)[:, None], known * (known >= KNOWN)


def train(examples: Examples, passes: int) -> RegionHead:
    """Train by cross entropy on the labeled pixels."""
    G = network_of(load_generator(precision="bf16").G)
    head = RegionHead()
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    steps = passes * (len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    weights = region_weights(examples.labels)
    order = torch.cat([torch.randperm(len(examples)) for _ in range(passes)])
    start, total = time.perf_counter(), 0.0
    for step in range(steps):
        batch = order[step * BATCH :][:BATCH]
        with torch.no_grad():
            features = block_features(G, examples.w_plus[batch].float(), head.blocks)
        trust = TRUST if step > steps / 2 else 0.0
        loss = loss_of(head.logits(features), examples.labels[batch], examples.worn[batch], weights, trust)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total = 0.98 * total + 0.02 * loss.item() if step else loss.item()
        if step % 50 == 0:
            print(f"{step}/{steps} loss {total:.4f} {time.perf_counter() - start:.0f} s", flush=True)
    return head.eval()


def loss_of(logits: Tensor, labels: Tensor, worn: Tensor, weights: Tensor, trust: float) -> Tensor:
    """Return the cross entropy with all labels, and with what is known of the pixels that have none.

    Those of the person are not background, and those of people without glasses are not glasses.
    """
    shares, known = targets(labels)
    known = known * ((logits.detach().softmax(1) * shares).sum(1) >= trust)
    losses = -(logits.log_softmax(1) * shares * weights[:, None, None]).sum(1)
    person = F.avg_pool2d((labels == PERSON).float(), labels.shape[-1] // REGION_RESOLUTION) >= 1
    person = person & (logits.detach().softmax(1)[:, REGIONS.index("background")] <= 1 - trust)
    bare = (worn == 0).float()[:, None, None]
    return (
        (losses * known).sum() / known.sum()
        + NOT_BACKGROUND * (exclusion(logits, "background") * person).sum() / known.sum()
        + NOT_GLASSES * (exclusion(logits, "glasses") * bare).mean()
    )


def exclusion(logits: Tensor, region: str) -> Tensor:
    """Return the negative logarithm of the probability of all other regions, `[n, 64, 64]`."""
    i = REGIONS.index(region)
    others = torch.cat([logits[:, :i], logits[:, i + 1 :]], 1)
    return logits.logsumexp(1) - others.logsumexp(1)


def region_weights(labels: Tensor) -> Tensor:
    """Return each region's weight: rare ones count more, the mean over all pixels is 1."""
    counts = torch.bincount(labels.flatten()[::17].long(), minlength=UNKNOWN + 1)[: len(REGIONS)].float()
    share = counts / counts.sum()
    weights = share.clamp_min(1e-4) ** -RARE
    return weights / (weights * share).sum()


if __name__ == "__main__":
    main()
