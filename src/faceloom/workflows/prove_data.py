"""The data of a proof: generated faces with labels, and the user's real faces with theirs.

Both become small aligned portraits. The labels of generated faces are read by the two analyzers; those of real faces
come from the user's table. The people who are set aside for testing are told apart by name, never by picture.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from faceloom.analyze.attributes import REGIONS
from faceloom.analyze.ensemble import SECOND_WEIGHT, read_each, read_latents, to_units
from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.checkpoints.shipped import load_analyzer, load_latent_reader, load_second_analyzer
from faceloom.edit.apply import apply
from faceloom.errors import FaceloomError, ImageError, LatentError, StoreError
from faceloom.images import area_resize, open_photo, to_img
from faceloom.latents import broadcast, truncate, z_from_seeds
from faceloom.networks.analyzer import ATTRIBUTES
from faceloom.networks.generator import image_at
from faceloom.networks.small_faces import INPUT_SIDE
from faceloom.workflows.studio import Studio

SIDE = 96  # pixels of the side of the kept portraits
UNKNOWN = -1  # label of a face whose class is not known, or not certain
AGE_EDGES = (35.0, 55.0)  # years between the age groups
AGE_MARGIN = 2.0  # years from an edge within which a generated face belongs to no group
CERTAIN = 0.7  # least probability of the class of a generated face, by each network
POOL = 8  # latents that are guessed about for each face that is drawn
PSI = 0.9  # truncation of the generated faces
BATCH = 8  # faces that are drawn at once
SMILE_LOGITS = (1.5, 5.0)  # range to which the smile of a face is moved for the other picture of a pair
NEUTRAL_LOGITS = (-5.0, -2.5)
NO_REGION = 255  # in masks and regions, of a pixel that is not known
SPLITS = ("train", "validation", "test")

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and a short text that says what is being done."""

CLASSES: Mapping[str, tuple[str, ...]] = {
    "smile": ("neutral", "smiling"),
    "glasses": ("without", "with"),
    "age": ("under 35", "35 to 54", "55 and older"),
}
"""The tasks and their classes."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Small aligned portraits with labels.

    Convention: `pixels` uint8 `[n, 3, 96, 96]`; `labels` int64 `[n]` by task, UNKNOWN where there is none; `regions`
    uint8 `[n, 64, 64]` in the order of REGIONS, or empty; `mattes` float32 `[n, 64, 64]`, 0...1, NaN where a real face
    has none; `masks` uint8 `[n, 64, 64]`, the regions of a real face as `regions`, NO_REGION where there are none;
    `people` names the person of each, and `splits` the part of the data that the person belongs to.
    """

    pixels: Tensor
    labels: Mapping[str, Tensor]
    people: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    regions: Tensor = field(default_factory=lambda: torch.zeros(0, INPUT_SIDE, INPUT_SIDE, dtype=torch.uint8))
    mattes: Tensor = field(default_factory=lambda: torch.zeros(0, INPUT_SIDE, INPUT_SIDE))
    masks: Tensor = field(default_factory=lambda: torch.zeros(0, INPUT_SIDE, INPUT_SIDE, dtype=torch.uint8))

    def __len__(self) -> int:
        return len(self.pixels)

    def in_split(self, split: str) -> Tensor:
        """Return the indices of the faces of a split."""
        return torch.tensor([i for i, name in enumerate(self.splits) if name == split], dtype=torch.long)


def generate_faces(studio: Studio, count: int, *, seed: int = 0, callback: Callback | None = None) -> Faces:
    """Generate faces that cover all classes of all tasks evenly, with labels and regions.

    Latents are guessed about first, and chosen evenly from the joint classes. Every person is drawn twice, once with
    the other expression, so that what else tells smiling people from others teaches nothing. Raises LatentError for
    another generator than the default one, whose latents and regions cannot be read.
    """
    if studio.generator.name != DEFAULT_GENERATOR or studio.read_regions is None:
        raise LatentError("the proof needs the default generator", "leave --generator out")
    report = callback or (lambda progress, text: None)
    G, read_regions = studio.fast_generator.G, studio.read_regions
    w_plus = _pair_up(studio, _choose_latents(studio, -(-count // 2), seed), seed)[:count]
    pixels, regions, readings = [], [], []
    for i in range(0, count, BATCH):
        report(i / count, f"drawing, face {i + 1} of {count}")
        with torch.no_grad():
            img = image_at(G, w_plus[i : i + BATCH], 256).clamp(-1, 1)
            readings.append(read_each(load_analyzer(), load_second_analyzer(), img))
        regions.append(read_regions(G, w_plus[i : i + BATCH]).argmax(1).to(torch.uint8))
        pixels.append(_to_bytes(area_resize(img, SIDE)))
    return Faces(torch.cat(pixels), label_readings(torch.cat(readings, 1)), regions=torch.cat(regions))


def label_readings(readings: Tensor) -> dict[str, Tensor]:
    """Return the classes of faces by the readings of both analyzers `[2, n, 10]`.

    A face is UNKNOWN where one of them is not certain, where they disagree, and near an edge of the age groups.
    """
    values = readings[0].lerp(readings[1], SECOND_WEIGHT)
    columns = {name: ATTRIBUTES.index(name) for name in CLASSES}
    labels = {}
    for name in ("smile", "glasses"):
        each = to_units(readings)[:, :, columns[name]]
        is_certain = ((each - 0.5).abs() >= CERTAIN - 0.5).all(0) & ((each[0] > 0.5) == (each[1] > 0.5))
        labels[name] = torch.where(is_certain, (each[0] > 0.5).long(), UNKNOWN)
    age, edges = values[:, columns["age"]].contiguous(), torch.tensor(AGE_EDGES)
    near = (age[:, None] - edges).abs().min(1).values < AGE_MARGIN
    labels["age"] = torch.where(near, UNKNOWN, torch.bucketize(age, edges))
    return labels


@torch.no_grad()
def _pair_up(studio: Studio, w: Tensor, seed: int) -> Tensor:
    """Return people `[n, w_dim]` and the same with the other expression: `[2n, num_ws, w_dim]`, each beside the other.

    The step along the direction of the smile starts from what is guessed about the latent.
    """
    smiles = read_latents(load_latent_reader(), w)[:, ATTRIBUTES.index("smile")].tolist()
    random = np.random.RandomState(seed)
    basis, pairs = studio.basis, []
    for start, smile in zip(broadcast(w, studio.fast_generator.G.num_ws).split(1), smiles, strict=True):
        target = random.uniform(*(NEUTRAL_LOGITS if smile > 0 else SMILE_LOGITS))
        pairs += [start, apply(start, basis, {"smile": target - smile})]
    return torch.cat(pairs)


@torch.no_grad()
def _choose_latents(studio: Studio, count: int, seed: int) -> Tensor:
    """Choose latents `[count, w_dim]` out of a pool, in turn from every joint class of the tasks by their guesses."""
    G = studio.fast_generator.G
    seeds = range(seed * 1_000_000, seed * 1_000_000 + count * POOL)
    w = truncate(G.mapping(z_from_seeds(seeds, G.z_dim))[:, None], G.w_avg, PSI)[:, 0]
    units = dict(zip(ATTRIBUTES, to_units(read_latents(load_latent_reader(), w)).unbind(1), strict=True))
    groups = torch.bucketize(units["age"].contiguous(), torch.tensor(AGE_EDGES))
    cells = (groups * 4 + (units["smile"] > 0.5) * 2 + (units["glasses"] > 0.5)).tolist()
    waiting: dict[int, list[int]] = {}
    for index, cell in enumerate(cells):
        waiting.setdefault(int(cell), []).append(index)
    chosen: list[int] = []
    while len(chosen) < count:
        chosen += [members.pop(0) for members in waiting.values() if members]
    return w[chosen[:count]]


def read_folder(
    studio: Studio, folder: Path, *, aligned: bool = False, callback: Callback | None = None
) -> tuple[Faces, tuple[str, ...]]:
    """Read real faces from a folder with a table `labels.csv`; return them, and a note for each that was left out.

    The columns are `file`, relative to the folder, `person`, and any of smile (0 or 1), glasses (0 or 1), age (years),
    matte (a file that is white where the person is), mask (a gray file with the numbers of REGIONS) and split (train,
    validation or test). Without a split, the name of the person decides. With `aligned`, the pictures are aligned
    squares already; otherwise the largest face is used.
    Raises StoreError for a folder or a table that cannot be read, or without a single face.
    """
    report = callback or (lambda progress, text: None)
    rows, notes = _read_table(folder / "labels.csv"), []
    pixels, kept, mattes, masks = [], [], [], []
    for i, row in enumerate(rows):
        report(i / len(rows), row["file"])
        try:
            square = _open_square(studio, folder / row["file"], aligned)
            matte = _open_matte(folder / row["matte"]) if row.get("matte") else np.full((INPUT_SIDE,) * 2, np.nan)
            mask = _open_mask(folder / row["mask"]) if row.get("mask") else np.full((INPUT_SIDE,) * 2, NO_REGION)
        except FaceloomError as error:
            notes.append(f"{row['file']} was left out: {error.message}")
            continue
        pixels.append(_to_bytes(area_resize(to_img(square), SIDE)))
        mattes.append(torch.from_numpy(np.asarray(matte, np.float32)))
        masks.append(torch.from_numpy(np.array(mask, np.uint8)))
        kept.append(row)
    if not kept:
        raise StoreError(f"no picture of {folder} shows a face", "check the column 'file' of labels.csv")
    people = tuple(row.get("person") or row["file"] for row in kept)
    splits = tuple(_split(row.get("split", ""), person) for row, person in zip(kept, people, strict=True))
    labels = {task: torch.tensor([_to_class(task, row.get(task, "")) for row in kept]) for task in CLASSES}
    faces = Faces(torch.cat(pixels), labels, people, splits, mattes=torch.stack(mattes), masks=torch.stack(masks))
    return faces, tuple(notes)


def _read_table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            rows = [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(table)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"cannot read {path}: {error}", "give a folder with a table labels.csv") from error
    if not rows or "file" not in rows[0] or not set(CLASSES) & set(rows[0]):
        hint = "its first line names the columns: file,person,smile,glasses,age"
        raise StoreError(f"{path} has no rows with the columns file and one of {', '.join(CLASSES)}", hint)
    return rows


def _split(stated: str, person: str) -> str:
    """Return the stated split, or one by the person's name: 40 % of the people test, 10 % validate, others train."""
    if stated:
        if stated not in SPLITS:
            raise StoreError(f"'{stated}' is not a split", f"labels.csv may state {', '.join(SPLITS)}")
        return stated
    place = int(hashlib.sha256(person.encode()).hexdigest(), 16) % 10
    return "test" if place < 4 else "validation" if place == 4 else "train"


def _to_class(task: str, text: str) -> int:
    """Return the class of a value of the table; UNKNOWN for an empty one. Raises StoreError for one out of range."""
    if not text.strip():
        return UNKNOWN
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if task == "age" and 0 <= value <= 130:
        return int(np.searchsorted(AGE_EDGES, value, side="right"))
    if task != "age" and value in (0, 1):
        return int(value)
    expected = "years" if task == "age" else "0 or 1"
    raise StoreError(f"labels.csv: {task} '{text}' is not {expected}", "leave cells of unknown values empty")


def _open_square(studio: Studio, path: Path, aligned: bool) -> Image.Image:
    photo = open_photo(path)
    if aligned:
        side = min(photo.image.size)
        return photo.image.crop((0, 0, side, side)).resize((256, 256), Image.Resampling.BOX)
    return studio.align(photo, studio.choose(photo).face, 256).image


def _open_matte(path: Path) -> Float[np.ndarray, "64 64"]:
    matte = open_photo(path).image.convert("L").resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BOX)
    return np.asarray(matte, np.float32) / 255


def _open_mask(path: Path) -> UInt8[np.ndarray, "64 64"]:
    """Open a mask. Raises ImageError for a number that is no region's."""
    mask = np.asarray(open_photo(path).image)[..., 0]
    if not np.isin(mask, [*range(len(REGIONS)), NO_REGION]).all():
        raise ImageError(f"{path.name} holds the number {int(mask.max())}", f"regions are 0 to {len(REGIONS) - 1}")
    return np.asarray(Image.fromarray(mask).resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.NEAREST))


def _to_bytes(img: Tensor) -> Tensor:
    """Convert images `[n, 3, h, w]`, -1...1, to uint8."""
    return ((img + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def save_faces(faces: Faces, path: Path) -> None:
    """Save generated faces, so that a second proof need not draw them again."""
    from safetensors.torch import save_file

    from faceloom.files import atomic_write

    tensors = {"pixels": faces.pixels, "regions": faces.regions} | {f"label.{k}": v for k, v in faces.labels.items()}
    with atomic_write(path) as draft:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, draft)


def load_faces(path: Path) -> Faces:
    """Load generated faces that `save_faces` wrote. Raises StoreError when the file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
        labels = {task: tensors[f"label.{task}"] for task in CLASSES}
        return Faces(tensors["pixels"], labels, regions=tensors["regions"])
    except (OSError, SafetensorError, KeyError) as error:
        raise StoreError(f"{path} is damaged: {error}", "delete it; the faces are drawn again") from error
