"""Time of detection, alignment and pasting back, in milliseconds per photo. Part of `python -m bench`.

facenet-pytorch, which published these weights, cannot run beside, because it needs torchvision. Measured on another
machine with it (2 busy cores): 193 ms at 512 px and 767 ms at 1280 px.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from PIL import Image

from faceloom.assets import open_asset
from faceloom.checkpoints.load import load_mtcnn
from faceloom.faces.align import align, quad_from_landmarks
from faceloom.faces.detect import detect
from faceloom.faces.paste_back import paste_back
from faceloom.images import open_photo

SIDES = (512, 1280)  # of the photos in pixels
ROUNDS = 9  # timed repetitions


def main() -> None:
    """Print the table for an enlarged portrait, and for a picture without a face, searched in all four rotations."""
    net = load_mtcnn()
    portrait = open_photo(open_asset("portraits") / "astronaut.png").image
    empty = portrait.crop((0, 330, 512, 512)).resize((512, 512))
    print(f"\nDetection, alignment, paste-back\n{'':<34}{'median ms':>10}{'min ms':>10}")
    for side in SIDES:
        photo, without = (image.resize((side, side), Image.Resampling.BICUBIC) for image in (portrait, empty))
        quad = quad_from_landmarks(detect(net, photo)[0].landmarks)
        face = align(photo, quad).image
        row(f"detect, one face, {side} px", partial(detect, net, photo))
        row(f"detect, no face, {side} px", partial(detect, net, without))
        row(f"align to 1024 px, {side} px", partial(align, photo, quad))
        row(f"paste back, {side} px", partial(paste_back, photo, face, quad))


def row(name: str, run: Callable[[], object]) -> None:
    """Time a function after a warm-up and print the result."""
    run()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    print(f"{name:<34}{statistics.median(times):>10.0f}{min(times):>10.0f}", flush=True)
