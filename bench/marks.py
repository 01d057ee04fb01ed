"""Figures of the invisible watermark: how often it is read back, false alarms, visibility, and time a picture.

    python -m bench.marks --pictures 500 --photos ../photos --unmarked 5000

Faces of consecutive seeds are marked and damaged as sharing does. `--photos` is a folder with pictures without marks,
in archives or as files.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.images import open_photo
from faceloom.images.save import encode_picture
from faceloom.marks.payload import Payload
from faceloom.marks.watermark import Pixels, embed
from faceloom.marks.watermark_reader import Reading, read_watermark
from faceloom.workflows.studio import Studio

FIRST_SEED = 9000
PSI = 0.8
PAYLOAD = Payload("edited", 0xABCDE, date(2026, 11, 27))
Damage = Callable[[Image.Image, np.random.RandomState], Image.Image]


def keep(photo: Image.Image, rng: np.random.RandomState) -> Image.Image:
    """Return the picture as it is."""
    return photo


def share(photo: Image.Image, rng: np.random.RandomState) -> Image.Image:
    """Save as JPEG of quality 85, halve, crop 10 % of each side at a random place, and save as JPEG again."""
    photo = to_jpeg(photo, 85)
    photo = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.BICUBIC)
    return to_jpeg(crop(photo, 0.1, rng), 85)


def take_screenshot(photo: Image.Image, rng: np.random.RandomState) -> Image.Image:
    """Show at 35 % to 110 % on a colored surface up to a third larger, and save as JPEG of quality 70 to 89."""
    scale = rng.uniform(0.35, 1.1)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BILINEAR)
    width, height = (side + rng.randint(0, side // 3) for side in photo.size)
    screen = Image.new("RGB", (width, height), tuple(rng.randint(0, 256, 3).tolist()))
    screen.paste(photo, (rng.randint(0, width - photo.width + 1), rng.randint(0, height - photo.height + 1)))
    return to_jpeg(screen, int(rng.randint(70, 90)))


def crop_much(photo: Image.Image, rng: np.random.RandomState) -> Image.Image:
    """Crop 30 % of each side at a random place, and save as JPEG of quality 75."""
    return to_jpeg(crop(photo, 0.3, rng), 75)


def crop(photo: Image.Image, part: float, rng: np.random.RandomState) -> Image.Image:
    """Cut a part of each side off, at a random place."""
    width, height = (round(side * (1 - part)) for side in photo.size)
    left, top = rng.randint(0, photo.width - width + 1), rng.randint(0, photo.height - height + 1)
    return photo.crop((left, top, left + width, top + height))


def to_jpeg(photo: Image.Image, quality: int) -> Image.Image:
    """Save as JPEG with halved color and open again."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


DAMAGES: dict[str, Damage] = {"as saved": keep, "shared": share, "screenshot": take_screenshot, "crop": crop_much}


def main() -> None:
    """Print the tables as JSON lines: the cost, a line a size of picture, and one of the unmarked pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 512, 256])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--unmarked", type=int, default=5000)
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()
    if args.time:
        for row in measure_cost():
            print(json.dumps(row), flush=True)
    if args.pictures:
        for facts in measure_marked(args.pictures, args.sizes):
            print(json.dumps(facts), flush=True)
    if args.photos:
        print(json.dumps(measure_unmarked(args.photos, args.unmarked)), flush=True)


def measure_marked(count: int, sizes: Sequence[int]) -> Iterator[dict[str, object]]:
    """Mark, damage and read generated faces. Yields the figures of each size in pixels."""
    studio, rng = Studio(), np.random.RandomState(0)
    psnr: dict[int, list[float]] = {size: [] for size in sizes}
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    readings: dict[int, dict[str, list[Reading]]] = {size: {name: [] for name in DAMAGES} for size in sizes}
    for number in range(count):
        face = studio.render(studio.generate(FIRST_SEED + number, PSI))
        for size in sizes:
            pixels = np.asarray(face.resize((size, size), Image.Resampling.LANCZOS))
            start = time.perf_counter()
            marked = embed(pixels, PAYLOAD)
            seconds[size].append(time.perf_counter() - start)
            psnr[size].append(measure_psnr(pixels, marked))
            for name, damage in DAMAGES.items():
                readings[size][name].append(read_watermark(damage(Image.fromarray(marked), rng)))
    for size in sizes:
        yield (
            {"size": size, "n": count}
            | _summarize(psnr[size], seconds[size])
            | {name: _summarize_readings(found) for name, found in readings[size].items()}
        )


def measure_psnr(a: Pixels, b: Pixels) -> float:
    """Return the PSNR of two pictures in dB, with a peak of 255."""
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))


def _summarize(psnr: Sequence[float], seconds: Sequence[float]) -> dict[str, float]:
    return {
        "psnr_mean_db": round(float(np.mean(psnr)), 2),
        "psnr_min_db": round(min(psnr), 2),
        "embed_median_ms": round(1000 * float(np.median(seconds)), 1),
    }


def _summarize_readings(readings: Sequence[Reading]) -> dict[str, float]:
    right = [reading for reading in readings if reading.payload == PAYLOAD]
    wrong = sum(reading.payload not in (None, PAYLOAD) for reading in readings)
    agreement = min((reading.agreement for reading in right), default=0.0)
    return {"read": len(right), "wrong": wrong, "min_agreement": round(agreement, 1)}


def measure_cost(rounds: int = 40) -> Iterator[dict[str, object]]:
    """Time a picture of 1024 px with all marks against the same file without, in turn. Yields a row a format.

    The processor's time is the cost on an idle machine; the wall time includes the waiting for other programs.
    """
    studio = Studio()
    face, origin = studio.render(studio.generate(FIRST_SEED)), studio.made_by
    for name in ("face.jpg", "face.png", "face.webp"):
        times = []
        for _ in range(rounds):
            marks = [time.perf_counter(), time.process_time()]
            for is_marked in (True, False):
                encode_picture(face, name, ai_generated=is_marked, origin=origin)
                marks += [time.perf_counter(), time.process_time()]
            wall, cpu = (marks[2 + i] - marks[i] - (marks[4 + i] - marks[2 + i]) for i in (0, 1))
            times.append((1000 * wall, 1000 * cpu))
        wall_ms, cpu_ms = np.median(np.array(times), 0)
        yield {"file": name, "n": rounds, "wall_ms": round(float(wall_ms), 1), "cpu_ms": round(float(cpu_ms), 1)}


def measure_unmarked(folder: Path, count: int) -> dict[str, object]:
    """Read unmarked pictures; every payload found is a false alarm."""
    readings = [read_watermark(open_photo(data).image) for data in islice(pictures_of(folder), count)]
    return {
        "n": len(readings),
        "false_alarms": sum(reading.payload is not None for reading in readings),
        "max_sync": round(max(reading.sync for reading in readings), 2),
        "max_agreement": round(max(reading.agreement for reading in readings), 2),
        "past_sync": sum(reading.agreement > 0 for reading in readings),
    }


def pictures_of(folder: Path) -> Iterator[bytes]:
    """Yield the picture files of a folder and of the archives in it, in order of name."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = (name for name in sorted(archive.namelist()) if Path(name).suffix in (".webp", ".png", ".jpg"))
                yield from map(archive.read, names)
        elif path.suffix in (".webp", ".png", ".jpg"):
            yield path.read_bytes()


if __name__ == "__main__":
    main()
