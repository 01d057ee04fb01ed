"""Train the latent reader, which predicts attributes from w: a few minutes on one core.

python recipes/second_analyzer/latent.py --data DIR --teachers DIR --out build/second_analyzer
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from labels import generated_columns
from safetensors.torch import save_file
from torch import Tensor

from faceloom.networks.latent_reader import LatentReader
from faceloom.networks.second_analyzer import SECOND_ATTRIBUTES

BATCH, STEPS, RATE, DECAY, NOISE = 256, 3000, 2e-3, 0.1, 0.15
SCALES = {"age": 15.0, "yaw": 8.0, "pitch": 6.0}
WEIGHTS = {"age": 2.0}


def main() -> None:
    """Train, save and measure the latent reader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    columns, split = generated_columns(args.data, args.teachers)
    table = np.load(args.data / "generated" / "labels.npz")
    w = torch.from_numpy(table["w"].astype(np.float32))
    target = {name: torch.from_numpy(column.astype(np.float32)) for name, column in columns.items()}
    net = LatentReader()
    net.w_mean.copy_(torch.from_numpy(table["w_avg"]))
    net.w_scale.copy_((w - net.w_mean).std())
    for place, name in enumerate(SECOND_ATTRIBUTES):
        net.scale[place] = SCALES.get(name, 1.0)
        net.mean[place] = target[name].nanmean() if name in SCALES else 0.0
    train(net, w, target, torch.from_numpy(np.flatnonzero(split == "generated")))
    save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, args.out / "latent_reader.safetensors")
    held_out = split == "generated-val"
    with torch.no_grad():
        read = net.eval()(w[held_out])
    for place, name in enumerate(SECOND_ATTRIBUTES):
        truth = target[name][held_out]
        known = ~truth.isnan()
        value = read[known, place] if name in SCALES else read[known, place].sigmoid()
        r = np.corrcoef(value, truth[known])[0, 1]
        print(
            f"{name:11} mean absolute error {(value - truth[known]).abs().mean():.2f}, r {r:.3f} of {int(known.sum())}"
        )


def train(net: LatentReader, w: Tensor, target: dict[str, Tensor], rows: Tensor) -> None:
    """Train with noise on w, which keeps the network from memorizing the people."""
    adam = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    random = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        for group in adam.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        some = rows[torch.randint(len(rows), (BATCH,), generator=random)]
        noise = NOISE * net.w_scale * torch.randn(BATCH, w.shape[1], generator=random)
        read = net(w[some] + noise)
        loss = torch.stack([_loss(net, read[:, i], target, name, some) for i, name in enumerate(SECOND_ATTRIBUTES)])
        adam.zero_grad()
        loss.sum().backward()
        adam.step()


def _loss(net: LatentReader, read: Tensor, target: dict[str, Tensor], name: str, rows: Tensor) -> Tensor:
    truth = target[name][rows]
    known = ~truth.isnan()
    if not known.any():
        return read.sum() * 0
    if name not in SCALES:
        return F.binary_cross_entropy_with_logits(read[known], truth[known])
    deviation = target["age_sd"][rows][known] if name == "age" else torch.tensor(SCALES[name])
    error = (read[known] - truth[known]) / deviation
    return WEIGHTS.get(name, 1.0) * F.smooth_l1_loss(error, torch.zeros_like(error))


if __name__ == "__main__":
    main()
