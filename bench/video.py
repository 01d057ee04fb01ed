"""`python -m bench.video -o DIR`: steadiness of an edit in a video, with a strip of frames for inspection.

The video shows a portrait seen by a camera that drifts, zooms and rotates, with sensor noise. All motion within the
face's own square is therefore due to the aligner and the optimization. Needs the portraits and the other weights
(`faceloom models pull`).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.moving import SIZE, camera_frame, render_shot, write_video
from faceloom.analyze.attributes import REGIONS
from faceloom.assets import open_asset
from faceloom.edit.film import save_film
from faceloom.faces.align import Quad, quad_frame
from faceloom.faces.geometry import sample_frame
from faceloom.images import open_photo
from faceloom.images.clip import Clip, open_clip
from faceloom.likeness import Likeness
from faceloom.memory import keep_memory
from faceloom.workflows.studio import Studio
from faceloom.workflows.video import VideoEncoding, encode_clip, render_clip

SIDE = 128  # side of the compared squares in pixels
NOISE = 3.0  # standard deviation of the noise in gray levels
FPS = 12.5
STILL = 0.9  # least probability of background and clothes together


def main() -> None:
    """Make the video, edit it, print the figures and write the videos and the strip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--portrait", default="astronaut.png")
    parser.add_argument("--person", type=Path, help="likeness of the portrait")
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--age", type=float, default=20)
    args = parser.parse_args()
    keep_memory()
    args.output.mkdir(parents=True, exist_ok=True)
    clip = moving_portrait(args.output / "moving.mp4", args.portrait, args.frames)
    studio, start = Studio(), time.perf_counter()
    encoded = encode_clip(
        studio, clip, person=Likeness.load(args.person) if args.person else None, seconds=args.seconds
    )
    searched = time.perf_counter()
    edited = studio.edit(encoded.person, {"age": args.age})
    outputs, inputs = list(render_clip(studio, clip, encoded, edited.person)), list(clip.frames())
    seconds = {"find": searched - start, "edit and draw": time.perf_counter() - searched}
    for name, took in seconds.items():
        print(f"{name}: {took / args.frames:.2f} s per frame")
    print(f"LPIPS of the frames: {statistics.median(encoded.lpips):.3f}")
    print(f"age: {edited.before['age']:.1f} to {edited.after['age']:.1f}, similarity {edited.identity:.2f}")
    figures = flicker(inputs, outputs, encoded.quads, encoded.rows)
    figures["background and clothes"] = change_around(studio, encoded, inputs, outputs)
    for name, value in figures.items():
        print(f"{name}: {value:.2f} levels")
    save_film(outputs, args.output / "edited.mp4", clip.fps, composite=True)
    strip(inputs, outputs).save(args.output / "strip.jpg", quality=88)


def moving_portrait(path: Path, name: str, count: int) -> Clip:
    """Record a portrait of the asset `portraits` with a moving camera, with noise on every frame."""
    still = open_photo(open_asset("portraits") / name).image
    width, center = still.width * 0.62, (still.width * 0.44, still.height * 0.29)
    rng = np.random.default_rng(0)
    frames = []
    for i in range(count):
        clean = np.asarray(render_shot(still, camera_frame(i / FPS, center, width)), dtype=float)
        noisy = clean + rng.normal(0, NOISE, (SIZE[1], SIZE[0], 1))
        frames.append(noisy.round().clip(0, 255).astype(np.uint8))
    return open_clip(write_video(path, frames, FPS))


def flicker(
    inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], quads: Sequence[Quad], rows: Sequence[int]
) -> dict[str, float]:
    """Measure how much the edit changes between consecutive frames, in gray levels.

    Convention: in the picture, `|(out' - out) - (in' - in)|` within the square's bounding box, which includes the
    face's own motion; in the face's square, the same for both aligned squares, where a steady edit gives 0. The result
    also contains the size of the edit, and the change of the video itself in the square.
    """
    old, new = (
        [_square(pictures[i], quad) for i, quad in zip(rows, quads, strict=True)] for pictures in (inputs, outputs)
    )
    edit = [after - before for before, after in zip(old, new, strict=True)]
    pairs = [k for k in range(1, len(rows)) if rows[k] == rows[k - 1] + 1]
    boxes = [_box(quads[k], inputs[0].shape) for k in pairs]
    change = [
        (outputs[rows[k]].astype(int) - outputs[rows[k] - 1] - inputs[rows[k]] + inputs[rows[k] - 1])[box]
        for k, box in zip(pairs, boxes, strict=True)
    ]
    return {
        "the edit": _mean(edit),
        "flicker in the picture": _mean(change),
        "flicker in the face's square": _mean([edit[k] - edit[k - 1] for k in pairs]),
        "the video itself in the square": _mean([old[k] - old[k - 1] for k in pairs]),
    }


def change_around(
    studio: Studio, encoded: VideoEncoding, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
) -> float:
    """Measure the mean change of background and clothes in the face's square, in gray levels.

    They are read from the generator's features of each frame's latent, where the head is surer than STILL.
    """
    assert studio.read_regions is not None
    G, changes = studio.tuned_generator(encoded.person), []
    for i, code, quad in zip(encoded.rows, encoded.codes.split(1), encoded.quads, strict=True):
        regions = studio.read_regions(G, code)[0]
        still = regions[[REGIONS.index(name) for name in ("background", "clothes")]].sum(0).numpy() > STILL
        squares = [_square(pictures[i], quad, len(still)) for pictures in (inputs, outputs)]
        changes.append((squares[1] - squares[0])[still])
    return _mean(changes)


def strip(inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], count: int = 5) -> Image.Image:
    """Stack frames of the video above the same frames after the edit."""
    chosen = np.linspace(0, len(inputs) - 1, count).round().astype(int)
    return Image.fromarray(np.vstack([np.hstack([pictures[i] for i in chosen]) for pictures in (inputs, outputs)]))


def _square(pixels: np.ndarray, quad: Quad, side: int = SIDE) -> np.ndarray:
    return np.asarray(sample_frame(Image.fromarray(pixels), quad_frame(quad), side), dtype=float)


def _box(quad: Quad, shape: tuple[int, ...]) -> tuple[slice, slice]:
    low, high = (np.clip(corner, 0, shape[1::-1]).astype(int) for corner in (quad.min(0), quad.max(0)))
    return slice(low[1], high[1]), slice(low[0], high[0])


def _mean(arrays: Sequence[np.ndarray]) -> float:
    return float(np.mean([np.abs(array).mean() for array in arrays])) if arrays else 0.0


if __name__ == "__main__":
    main()
