"""How good the encoder is, on portraits of the val split: nothing is fitted here.

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
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--every", type=int, default=1, help="take every so many-th portrait")
    given = arguments.parse_args()
    keep_memory()
    img, G = to_img(portraits(given.data, "val")[:: given.every]), load_generator(precision="bf16").G
    encoder, alexnet, analyzer = load_encoder(), load_lpips("alexnet"), load_analyzer()
    for attempts in (1, 2, 3):
        begin = time.perf_counter()
        found = [invert_encode(G, encoder, one, alexnet=alexnet, attempts=attempts) for one in img.split(1)]
        seconds = (time.perf_counter() - begin) / len(img)
        drawn = torch.cat([image_at(G, one.w_plus, 256) for one in found]).clamp(-1, 1)
        alike = (analyzer(drawn).identity * analyzer(img).identity).sum(1)
        lpips, mse = (
            torch.tensor([figure(one) for one in found]) for figure in (lambda x: x.lpips[0], lambda x: x.mse[0])
        )
        print(
            f"{attempts} attempts: LPIPS {lpips.median():.3f}, MSE {mse.median():.3f}, identity {alike.median():.2f}, "
            f"{seconds:.3f} s with its picture"
        )
    begin = time.perf_counter()
    for _ in range(20):
        encoder(img[:1], encoder.mean_img[None])
    print(f"the network alone: {(time.perf_counter() - begin) / 20:.3f} s")


if __name__ == "__main__":
    main()
