"""Measure the encoder on portraits of the val split.

python recipes/encoder/measure.py --data DIR
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from pictures import portraits, to_img

from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.checkpoints.shipped import load_analyzer, load_encoder
from faceloom.invert.encode import invert_encode
from faceloom.memory import keep_memory
from faceloom.networks.generator import image_at


@torch.no_grad()
def main() -> None:
    """Print the quality and time of one, two and three passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="use every n-th portrait")
    args = parser.parse_args()
    keep_memory()
    img, G = to_img(portraits(args.data, "val")[:: args.every]), load_generator(precision="bf16").G
    encoder, alexnet, analyzer = load_encoder(), load_lpips("alexnet"), load_analyzer()
    for passes in (1, 2, 3):
        start = time.perf_counter()
        results = [invert_encode(G, encoder, portrait, alexnet=alexnet, passes=passes) for portrait in img.split(1)]
        seconds = (time.perf_counter() - start) / len(img)
        rendered = torch.cat([image_at(G, inversion.w_plus, 256) for inversion in results]).clamp(-1, 1)
        similarity = (analyzer(rendered).identity * analyzer(img).identity).sum(1)
        lpips = torch.tensor([inversion.lpips[0] for inversion in results])
        mse = torch.tensor([inversion.mse[0] for inversion in results])
        print(
            f"{passes} passes: LPIPS {lpips.median():.3f}, MSE {mse.median():.3f}, "
            f"identity {similarity.median():.2f}, {seconds:.3f} s including the image"
        )
    start = time.perf_counter()
    for _ in range(20):
        encoder(img[:1], encoder.mean_img[None])
    print(f"the network alone: {(time.perf_counter() - start) / 20:.3f} s")


if __name__ == "__main__":
    main()
