"""Measure how the loss curves where the encoder's guesses are: the second moment of its gradients, a layer.

    python recipes/encoder/curvature.py --data DIR --out build/curvature

Draws `--count` portraits of the train split as the encoder guesses them and takes the gradient of the loss; five
minutes on two cores, bf16. Nothing is trained. The gradients are kept: what follows from them takes seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from pictures import portraits, to_img
from safetensors.torch import save_file
from torch import Tensor

from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.checkpoints.shipped import load_analyzer, load_encoder
from faceloom.invert.encode import first_guess
from faceloom.invert.natural import Comparison
from faceloom.memory import keep_memory
from faceloom.networks.curvature import STIFF
from faceloom.networks.generator import image_at

SEED, SIDE = 0, 256
SOFT = 0.15  # of the mean second moment, added to all: how soft the softest directions count


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--count", type=int, default=600)
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    keep_memory()
    kept = given.out / "gradients.pt"
    if not kept.exists():
        torch.save(gradients(given.data, given.count), kept)
    encoder = load_encoder()
    state = {"axes": encoder.axes, "scales": encoder.scales, "stiff": stiff(torch.load(kept), SOFT)}
    save_file({k: v.half().contiguous() for k, v in state.items()}, given.out / "curvature.safetensors")


def gradients(data: Path, count: int) -> Tensor:
    """Of the loss at the encoder's guesses `[n, num_ws, w_dim]`, in standard deviations along the axes of w."""
    G, encoder, rng = load_generator(precision="bf16").G, load_encoder(), np.random.RandomState(SEED)
    comparison = Comparison(load_lpips("alexnet", "bf16"), load_analyzer())
    pixels, found = portraits(data, "train"), []
    for row in rng.permutation(len(pixels))[:count]:
        img = to_img(pixels[row][None])
        img = img.flip(3) if rng.rand() < 0.5 else img
        w_plus, target = first_guess(G, encoder, img).requires_grad_(), comparison.to(img)
        drawn = image_at(G, w_plus, SIDE)
        (gradient,) = torch.autograd.grad(target.lpips(drawn) + target.besides(drawn), [w_plus])
        found.append(gradient @ encoder.axes * encoder.scales)
        if len(found) % 50 == 0:
            print(f"{len(found)} of {count}", flush=True)
    return torch.cat(found)


def stiff(gradients: Tensor, soft: float, directions: int = STIFF) -> Tensor:
    """`[num_ws, w_dim, directions]` so that `I - stiff stiff'` is the inverse root of second moment + soft.

    Every gradient counts the same, whatever its length; the scale is that of the softest directions: 1.
    """
    x = gradients / gradients.flatten(1).norm(dim=1)[:, None, None]
    moment = torch.einsum("nli,nlj->lij", x, x) / (x.square().sum() / x[0].numel())  # 1 a number, on average
    values, vectors = torch.linalg.eigh(moment.double())
    values, vectors = values[:, -directions:].clamp_min(0), vectors[:, :, -directions:]
    shorter = 1 - (soft / (values + soft)).sqrt()
    return (vectors * shorter.sqrt()[:, None]).float()


if __name__ == "__main__":
    main()
