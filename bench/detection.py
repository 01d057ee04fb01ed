"""Detection: milliseconds a photo, and what a closer look costs. Part of `python -m bench`.

facenet-pytorch, whose weights these are, cannot run beside: it needs torchvision. Measured where it did (2 busy cores):
193 ms at 512 px and 767 ms at 1280 px.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from PIL import Image

from faceloom.assets import open_asset
from faceloom.checkpoints.readers.mtcnn import load_mtcnn
from faceloom.faces import align, detect, paste_back, quad_from_landmarks
from faceloom.images import open_photo

SIDES = (512, 1280)
ROUNDS = 9


def main() -> None:
    """Print the table: the astronaut's portrait, enlarged; and a picture without a face, searched four times turned."""
    net = load_mtcnn()
    portrait = open_photo(open_asset("portraits") / "astronaut.png").image
    empty = portrait.crop((0, 330, 512, 512)).resize((512, 512))
    print(f"\nDetection, alignment, paste-back\n{'':<34}{'median ms':>10}{'min ms':>10}")
    for side in SIDES:
        photo, without = (image.resize((side, side), Image.Resampling.BICUBIC) for image in (portrait, empty))
        quad = quad_from_landmarks(detect(net, photo)[0].landmarks)
        face = align(photo, quad).image
        row(f"detect, one face, {side} px", lambda photo=photo: detect(net, photo))
        row(f"detect, no face, {side} px", lambda without=without: detect(net, without))
        row(f"align to 1024 px, {side} px", lambda photo=photo, quad=quad: align(photo, quad))
        row(f"paste back, {side} px", lambda p=photo, f=face, q=quad: paste_back(p, f, q))


def row(name: str, run: Callable[[], object]) -> None:
    """Time one thing after a warm-up and print it."""
    run()
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - begin))
    print(f"{name:<34}{statistics.median(times):>10.0f}{min(times):>10.0f}", flush=True)
