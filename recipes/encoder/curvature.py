"""Measure the curvature of the loss at the encoder's outputs: the second moment of its gradients, per layer.

    python recipes/encoder/curvature.py --data DIR --out build/curvature

Generates `--count` portraits of the train split from the encoder's outputs and computes the gradients of the loss; five
minutes on two cores, bf16. Nothing is trained. The gradients are saved; the computation from them takes seconds.
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
from faceloom.invert.encode import encoder_guess
from faceloom.invert.natural_gradient import ImageLoss
from faceloom.memory import keep_memory
from faceloom.networks.curvature import STIFF
from faceloom.networks.generator import image_at

SEED, SIDE = 0, 256
SOFT = 0.15  # share of the mean second moment that is added to all directions as a minimum


def main() -> None:
    """Compute the gradients unless they are saved, and save the curvature."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=600)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    keep_memory()
    saved_path = args.out / "gradients.pt"
    if not saved_path.exists():
        torch.save(gradients(args.data, args.count), saved_path)
    encoder = load_encoder()
    state = {"axes": encoder.axes, "scales": encoder.scales, "stiff": stiff(torch.load(saved_path), SOFT)}
    save_file({k: v.half().contiguous() for k, v in state.items()}, args.out / "curvature.safetensors")


def gradients(data: Path, count: int) -> Tensor:
    """Return gradients of the loss at the encoder's outputs `[n, num_ws, w_dim]`, in deviations along w's axes."""
    G, encoder, rng = load_generator(precision="bf16").G, load_encoder(), np.random.RandomState(SEED)
    comparison = ImageLoss(load_lpips("alexnet", "bf16"), load_analyzer())
    pixels, results = portraits(data, "train"), []
    for row in rng.permutation(len(pixels))[:count]:
        img = to_img(pixels[row][None])
        img = img.flip(3) if rng.rand() < 0.5 else img
        w_plus, target = encoder_guess(G, encoder, img).requires_grad_(), comparison.for_target(img)
        rendered = image_at(G, w_plus, SIDE)
        (gradient,) = torch.autograd.grad(target.lpips(rendered) + target.pixel_and_identity_loss(rendered), [w_plus])
        results.append(gradient @ encoder.axes * encoder.scales)
        if len(results) % 50 == 0:
            print(f"{len(results)} of {count}", flush=True)
    return torch.cat(results)


def stiff(gradients: Tensor, soft: float, directions: int = STIFF) -> Tensor:
    """Return `[num_ws, w_dim, directions]` such that `I - stiff stiff'` is the inverse root of second moment + soft.

    All gradients have equal weight, independent of their length; the scale of the softest directions is 1.
    """
    x = gradients / gradients.flatten(1).norm(dim=1)[:, None, None]
    moment = torch.einsum("nli,nlj->lij", x, x) / (x.square().sum() / x[0].numel())  # normalized to a mean of 1
    values, vectors = torch.linalg.eigh(moment.double())
    values, vectors = values[:, -directions:].clamp_min(0), vectors[:, :, -directions:]
    shorter = 1 - (soft / (values + soft)).sqrt()
    scaled: Tensor = vectors * shorter.sqrt()[:, None]
    return scaled.float()


if __name__ == "__main__":
    main()
