"""Measure the region head on held-out people: intersection over union with the labels, and the time.

python recipes/regions/measure.py --work WORK [--weights FILE]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor
from train import read_examples, targets

from faceloom.checkpoints.load import load_generator, read_tensors
from faceloom.checkpoints.shipped import load_region_head
from faceloom.networks.regions import REGIONS, RegionHead, block_features
from faceloom.networks.tuned import network_of


@torch.no_grad()
def main() -> None:
    """Print a table of regions by kinds of people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="the shipped ones by default")
    args = parser.parse_args()
    head = load_head(args.weights)
    kinds = [kind for kind in ("generated", "encoded", "mixed") if (args.work / kind / "labels.npy").exists()]
    columns, seconds = [], 0.0
    for kind in kinds:
        iou, seconds = measure(head, args.work, kind)
        columns.append(iou)
    print(f"{'':12}" + "".join(f"{kind:>12}" for kind in kinds))
    for i, region in enumerate(REGIONS):
        print(f"{region:12}" + "".join(f"{column[i]:12.3f}" for column in columns))
    print(f"{'mean':12}" + "".join(f"{column.nanmean():12.3f}" for column in columns))
    print(f"head alone: {seconds * 1000:.1f} ms")


def load_head(path: Path | None) -> RegionHead:
    """Load weights of a file, or the shipped ones."""
    if path is None:
        return load_region_head()
    head = RegionHead()
    head.load_state_dict({name: tensor.float() for name, tensor in read_tensors(path, "").items()})
    return head.eval()


def measure(head: RegionHead, work: Path, kind: str) -> tuple[Tensor, float]:
    """Return each region's intersection over union `[10]` on labeled pixels, and the head's mean time in seconds."""
    G, examples = network_of(load_generator(precision="bf16").G), read_examples(work, True, (kind,))
    both, either, seconds = torch.zeros(len(REGIONS)), torch.zeros(len(REGIONS)), 0.0
    for w_plus, labels in zip(examples.w_plus.split(1), examples.labels.split(1), strict=True):
        features = block_features(G, w_plus.float(), head.blocks)
        start = time.process_time()
        guess = head(features).argmax(1)
        seconds += time.process_time() - start
        shares, known = targets(labels)
        truth = shares.argmax(1)
        sure = (known > 0) & (shares.amax(1) > 0.6)
        for i in range(len(REGIONS)):
            both[i] += ((guess == i) & (truth == i) & sure).sum()
            either[i] += (((guess == i) | (truth == i)) & sure).sum()
    return both / either, seconds / len(examples)


if __name__ == "__main__":
    main()
