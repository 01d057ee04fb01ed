"""Label the pixels of pictures by region, only where the teachers and the geometry leave no doubt.

    python recipes/regions/labels.py --work WORK/generated

Reads pictures.npy, latents.npz, mesh.jsonl, mattes.npy and glasses.npy; writes labels.npy: uint8 `[n, 256, 256]`,
indices of REGIONS, PERSON (anything but background) or UNKNOWN; and worn.npy: who wears glasses, 1, 0 or -1 if unsure.

The matte gives the outline of the person. The face mesh gives the outlines of the face, the brows, the eyes and the
lips, which include the open mouth. Everything else is told by its place and its color: the color of this person's skin
is measured on the cheeks and the nose, that of the hair above the forehead. Hats count as clothes. Of glasses, the
frames and dark lenses count; what is seen through clear lenses keeps its own region.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from faceloom.analyze.skin import to_lab
from faceloom.networks.regions import REGIONS

SIDE = 256
PERSON, UNKNOWN = 254, 255
GLASSES = Path(__file__).parents[1] / "analyzer" / "glasses_generated.txt"
HEADWEAR = Path(__file__).with_name("headwear.txt")
SURE_LOGIT = 2.0  # of the analyzer, for people without a manual label of glasses

# Outlines in the numbering of MediaPipe's face mesh.
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
SIDES, CHIN, TOP, NOSE = (234, 454), 152, 10, 1  # points of the mesh
CHEEKS = (50, 101, 36, 205, 280, 330, 266, 425, 5, 4, 195)  # where the skin's color is measured

Mask = NDArray[np.bool_]
Paint = Callable[[str, "Mask"], None]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Color:
    """A normal distribution of CIELAB colors."""

    mean: Array
    precision: Array

    @classmethod
    def fit(cls, colors: Array, floor: tuple[float, float, float]) -> Color:
        """Fit to colors `[k, 3]` without the third that lies farthest out; `floor` are the smallest deviations."""
        middle = np.median(colors, 0)
        distance = (np.abs(colors - middle) / np.array(floor)).sum(1)
        kept = colors[distance <= np.quantile(distance, 0.67)]
        covariance = np.cov(kept.T) * 1.8 + np.diag(np.square(floor))
        return cls(kept.mean(0), np.linalg.inv(covariance))

    def distance(self, lab: Array) -> Array:
        """Return squared distances in standard deviations, `[h, w, 3]` -> `[h, w]`."""
        offset = lab - self.mean
        return np.asarray(np.einsum("hwi,ij,hwj->hw", offset, self.precision, offset), np.float32)


@dataclass(frozen=True)
class Face:
    """The measurements that a picture's labels follow from; all are `[256, 256]` unless stated."""

    lab: Array  # [256 256 3]
    matte: Array
    mesh: Array  # [468 2] pixels
    skin: Array  # squared distance from the color of the skin
    shade: Array  # distance of the color's hue from the skin's, whatever the light
    hair: Array  # squared distance from the color of the hair; infinite where no hair was found


@dataclass(frozen=True)
class Known:
    """Glasses: worn, not worn, or None if unsure. Headwear: "hats", "bands" or nothing."""

    glasses: bool | None
    headwear: str


def main() -> None:
    """Label all pictures of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    folder = parser.parse_args().work
    pictures, mattes = np.load(folder / "pictures.npy", mmap_mode="r"), np.load(folder / "mattes.npy", mmap_mode="r")
    lines = [json.loads(line) for line in (folder / "mesh.jsonl").read_text().splitlines()]
    names, logits = np.load(folder / "latents.npz")["name"].tolist(), np.load(folder / "glasses.npy").tolist()
    labels = np.full(mattes.shape, UNKNOWN, np.uint8)
    known = [find_known(name, logit) for name, logit in zip(names, logits, strict=True)]
    for i, line in enumerate(lines):
        if line["flag"] > 0.5:
            labels[i] = label(np.array(pictures[i]), np.array(line["mesh"], np.float32), np.array(mattes[i]), known[i])
    np.save(folder / "labels.npy", labels)
    np.save(folder / "worn.npy", np.array([-1 if k.glasses is None else int(k.glasses) for k in known], np.int8))


def find_known(name: str, glasses_logit: float) -> Known:
    """Return the manual labels of a person, and the analyzer's opinion where there is none."""
    seed = int(name.removeprefix("seed:")) if name.startswith("seed:") else -1
    headwear = [kind for kind in ("hats", "bands") if seed in read_seeds(HEADWEAR, kind)]
    if 0 <= seed < 300 or 3000 <= seed < 3300:
        glasses: bool | None = seed in read_seeds(GLASSES)
    else:
        glasses = None if abs(glasses_logit) < SURE_LOGIT else glasses_logit > 0
    return Known(glasses, headwear[0] if headwear else "")


@lru_cache(maxsize=3)
def read_seeds(path: Path, first_word: str = "") -> frozenset[int]:
    """Read the seeds of a list, of the lines that start with a word."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    words = [word for line in lines if line.startswith(first_word) for word in line.split()]
    return frozenset(int(word) for word in words if word.isdigit())


def label(pixels: NDArray[np.uint8], mesh: Array, matte: NDArray[np.uint8], known: Known) -> NDArray[np.uint8]:
    """Label a picture `[256, 256, 3]`: indices of REGIONS, PERSON, or UNKNOWN."""
    face = measure(pixels, mesh, np.divide(matte, 255, dtype=np.float32))
    labels = np.full((SIDE, SIDE), UNKNOWN, np.uint8)

    def paint(name: str, mask: Mask) -> None:
        labels[mask] = REGIONS.index(name)

    paint_surroundings(face, paint)
    paint_face(face, known.glasses, paint, labels)
    if known.headwear:
        paint_headwear(face, known.headwear, paint, labels)
    labels[(labels == UNKNOWN) & (face.matte > 0.97)] = PERSON
    return labels


def paint_headwear(face: Face, headwear: str, paint: Paint, labels: NDArray[np.uint8]) -> None:
    """Label hats as clothes, and unlabel hair, whose color was measured where the hat is."""
    labels[labels == REGIONS.index("hair")] = UNKNOWN
    rows = np.arange(SIDE)[:, None]
    if headwear == "hats":
        top = (face.matte > 0.97) & ~grow(polygon(face.mesh[list(OVAL)]), 6) & (rows < face.mesh[TOP, 1])
        paint("clothes", top)
    else:
        labels[np.broadcast_to(rows < face.mesh[TOP, 1] + 20, labels.shape) & (face.matte > 0.03)] = UNKNOWN


def measure(pixels: NDArray[np.uint8], mesh: Array, matte: Array) -> Face:
    """Measure the colors of skin and hair."""
    flat = torch.from_numpy(pixels.reshape(-1, 3).T.astype(np.float32) / 255)[None]
    lab = to_lab(flat)[0].T.reshape(SIDE, SIDE, 3).numpy()
    core = polygon(mesh[list(OVAL)]) & dots(mesh[list(CHEEKS)], 5)
    skin = Color.fit(lab[core], (4.0, 2.5, 2.5))
    hue = lab[..., 1:] / np.maximum(lab[..., :1], 8)
    shade = np.linalg.norm(hue - np.median(hue[core], 0), axis=-1).astype(np.float32)
    skin_distance = skin.distance(lab)
    rows = np.arange(SIDE)[:, None]
    above = (matte > 0.97) & ~grow(polygon(mesh[list(OVAL)]), 10) & (rows < mesh[list(SIDES), 1].min())
    above &= skin_distance > 12
    if above.sum() < 300:
        return Face(lab, matte, mesh, skin_distance, shade, np.full((SIDE, SIDE), np.inf, np.float32))
    hair = Color.fit(lab[above], (5.0, 2.5, 2.5))
    return Face(lab, matte, mesh, skin_distance, shade, hair.distance(lab))


def paint_surroundings(face: Face, paint: Paint) -> None:
    """Label background, hair, ears, neck and clothes, all outside the outline of the face."""
    mesh = face.mesh
    oval = polygon(mesh[list(OVAL)])
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    left, right = mesh[SIDES[0]], mesh[SIDES[1]]
    half = (right[0] - left[0]) / 2
    chin, center = mesh[CHIN], (left[0] + right[0]) / 2
    jaw_row = jaw_line(mesh, columns[0])  # lowest row of the face in every column
    person = face.matte > 0.97
    outside = person & ~grow(oval, 3)
    below = outside & (rows > np.maximum(jaw_row[None], mesh[list(SIDES), 1].max() + 0.35 * half))
    like_hair = (face.hair < 9) & (face.skin > 14)
    like_skin = (face.skin < 9) & (face.hair > 16)
    not_skin = (face.skin > 25) & (face.shade > 0.12)

    paint("background", shrink(face.matte < 0.03, 2))
    aside = np.abs(columns - chin[0]) > 0.62 * half
    paint("hair", outside & ~below & like_hair)
    near_neck = (np.abs(columns - chin[0]) < 1.1 * half) & (rows > chin[1] + 2)
    shaded_skin = (face.shade < 0.06) & (face.lab[..., 0] > 18) & (face.hair > 16) & (face.skin < 60)
    neck = neck_distance(face, half)
    paint("neck", below & near_neck & (like_skin | shaded_skin | (neck < 9)))
    low = (rows > chin[1] + 0.1 * half) & (rows > 0.8 * SIDE)
    under_hair = outside & like_hair & (rows > chin[1] - 0.5 * half) & (rows < chin[1])  # long hair may go on below
    under_hair = np.broadcast_to(grow(under_hair, 6).any(0), oval.shape)
    no_beard = (face.hair > 25) | (np.abs(columns - chin[0]) > 0.6 * half)
    paint("clothes", below & low & not_skin & (neck > 25) & no_beard & ~under_hair)
    clothes_like_hair = looks_like(face, low & below & (np.abs(columns - center) < 0.6 * half))
    above_shoulders = rows < chin[1] + (-2 if clothes_like_hair else 0.25 * half)
    paint("hair", below & aside & like_hair & above_shoulders & under_hair)

    turn = (mesh[NOSE, 0] - left[0]) / (2 * half)  # place of the nose: the ear on its side is hidden
    at_left = (columns < left[0] - 2) & (columns > left[0] - 0.4 * half) & (turn > 0.35)
    at_right = (columns > right[0] + 2) & (columns < right[0] + 0.4 * half) & (turn < 0.65)
    heights = (rows > left[1] - 0.4 * half) & (rows < left[1] + 0.5 * half)
    paint("ears", outside & ~below & heights & (at_left | at_right) & like_skin & shrink(person, 3))
    bald = outside & (rows < mesh[TOP, 1] + 0.2 * half) & like_skin & (np.abs(columns - center) < 0.8 * half)
    paint("skin", bald)


def neck_distance(face: Face, half: float) -> Array:
    """Return squared distances from the color right under the chin; infinite where that is not skin, but a beard."""
    (x, y), far = face.mesh[CHIN], np.full((SIDE, SIDE), np.inf, np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    core = (rows > y + 4) & (rows < y + 4 + 0.2 * half) & (np.abs(columns - x) < 0.3 * half) & (face.matte > 0.97)
    if core.sum() < 100 or np.median(face.shade[core]) > 0.12 or np.median(face.hair[core]) < 9:
        return far
    return Color.fit(face.lab[core], (5.0, 2.5, 2.5)).distance(face.lab)


def looks_like(face: Face, bottom: Mask) -> bool:
    """Tell whether the clothes, seen in the middle of the lower edge, have the color of the hair."""
    seen = bottom & (face.skin > 16)
    return bool(seen.sum() > 50 and np.median(face.hair[seen]) < 16)


def paint_face(face: Face, glasses: bool | None, paint: Paint, labels: NDArray[np.uint8]) -> None:
    """Label skin, hair on the forehead, brows, eyes, lips and glasses, all inside the outline of the face."""
    mesh = face.mesh
    oval = polygon(mesh[list(OVAL)])
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    half = (mesh[SIDES[1], 0] - mesh[SIDES[0], 0]) / 2
    brow_row = np.stack([mesh[list(b)] for b in BROWS])[..., 1].min()
    inner = shrink(oval, 3)
    upper = rows < brow_row - 2
    hair_like = (face.hair + 9 < face.skin) & (face.skin > 16)
    skin_like = (face.skin < 9) | ((face.skin < 30) & (face.shade < 0.07) & (face.hair > face.skin + 9))
    paint("skin", inner & skin_like)
    paint("hair", oval & upper & hair_like)
    nose = mesh[NOSE, 0]
    beard = inner & ~upper & (rows > mesh[NOSE, 1]) & (np.abs(columns - nose) < 0.55 * half)
    paint("skin", beard & ~skin_like)

    brows = free_brow(face, BROWS[0], hair_like) | free_brow(face, BROWS[1], hair_like)
    eyes = polygon(mesh[list(EYES[0])]) | polygon(mesh[list(EYES[1])])
    lips = polygon(mesh[list(LIPS)])
    edges = (grow(eyes, 3) & ~eyes) | (grow(brows, 4) & ~brows) | (grow(lips, 2) & ~lips)
    labels[edges] = UNKNOWN
    band = inner & (rows > brow_row - 4) & (rows < mesh[NOSE, 1] - 0.06 * half)
    if glasses is None:
        labels[band] = UNKNOWN
    paint("brows", brows & ~((face.skin < 6) & (face.hair > 9)))
    paint("eyes", eyes)
    paint("lips", lips)
    if glasses:
        paint_glasses(face, band, eyes, brows, paint, labels)


def free_brow(face: Face, points: tuple[int, ...], hair_like: Mask) -> Mask:
    """Return the brow's mask, which is empty where hair falls over it."""
    brow = polygon(face.mesh[list(points)])
    above = np.roll(brow, -14, axis=0) & ~grow(brow, 3)
    return brow & (np.mean(hair_like[above]) < 0.5 if above.any() else False)


def paint_glasses(face: Face, band: Mask, eyes: Mask, brows: Mask, paint: Paint, labels: NDArray[np.uint8]) -> None:
    """Label frames, which do not have the color of the skin, and dark lenses as a whole."""
    lenses = grow(eyes, 9) & ~brows & band
    dark = (face.skin > 16) & (face.lab[..., 0] < np.median(face.lab[face.skin < 9, 0]) - 12)
    if np.mean(dark[lenses]) > 0.65:  # sunglasses
        labels[grow(lenses, 4)] = UNKNOWN
        paint("glasses", lenses)
        return
    frames = band & ~grow(eyes, 3) & ~grow(brows, 3) & (face.skin > 25)
    labels[band & ~eyes & ~brows & (face.skin > 9)] = UNKNOWN
    paint("glasses", frames)


def jaw_line(mesh: Array, columns: Array) -> Array:
    """Return the lowest row of the face's outline in every column, and an endless one beside the face."""
    outline = np.array(sorted(mesh[list(OVAL[8:29])].tolist()), np.float32)
    return np.interp(columns, outline[:, 0], outline[:, 1], left=-1, right=-1).astype(np.float32)


def polygon(points: Array) -> Mask:
    """Fill a polygon of points (x, y)."""
    image = Image.new("1", (SIDE, SIDE))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in points - 0.5], fill=1)
    return np.asarray(image).copy()


def dots(points: Array, radius: float) -> Mask:
    """Mark discs around points (x, y)."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    squares = [(columns - x) ** 2 + (rows - y) ** 2 for x, y in points]
    return np.asarray(np.min(squares, 0) <= radius**2)


def grow(mask: Mask, pixels: int) -> Mask:
    """Widen a mask by some pixels to all sides."""
    x, side = torch.from_numpy(mask.astype(np.float32))[None, None], 2 * pixels + 1
    x = F.max_pool2d(F.max_pool2d(x, (side, 1), 1, (pixels, 0)), (1, side), 1, (0, pixels))
    return np.asarray(x[0, 0].numpy() > 0)


def shrink(mask: Mask, pixels: int) -> Mask:
    """Narrow a mask by some pixels on all sides; the picture's edges count as inside."""
    return ~grow(~mask, pixels)


if __name__ == "__main__":
    main()
