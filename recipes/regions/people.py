"""Draw the people that the region head learns from: latents `w_plus`, and their pictures at 256 px.

    python recipes/regions/people.py --data DIR --work WORK

Three kinds, because the head must read more than plain w: generated people, whose pictures are in DIR; portraits of the
train split as the encoder reproduces them, half of them edited along a shipped direction; and people whose layers are
mixed from two others, with noise. Ten minutes on one core. Writes latents.npz and pictures.npy to
WORK/generated, WORK/encoded and WORK/mixed.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.shipped import load_encoder
from faceloom.edit import directions
from faceloom.images import to_img, to_pixel_list
from faceloom.invert.encode import encoder_guess
from faceloom.networks.generator import Generator

KINDS = ("generated", "encoded", "mixed")
SEED = 0
SIDE = 256
# Seeds 0-299 and 3000-3299 have manual labels of glasses. The last fifth of both, and the seeds from 2800 and 5800 that
# the analyzer does not learn from either, are held out.
SEEDS = (*range(300), *range(3000, 3300), *range(2800, 2840), *range(5800, 5840), *range(300, 560), *range(3300, 3560))
HELD_OUT = (*range(240, 300), *range(3240, 3300), *range(2800, 3000), *range(5800, 6000))
PORTRAITS, HELD_OUT_PORTRAITS, MIXED = 440, 60, 160
STRENGTHS = {"age": 25.0, "smile": 4.0, "gender": 4.0, "glasses": 6.0, "mouth_open": 4.0, "yaw": 25.0, "pitch": 15.0}


@dataclass(frozen=True)
class People:
    """Latents `[n, num_ws, w_dim]`, pictures `[n, 256, 256, 3]`, and each person's name and whether it is held out."""

    w_plus: Tensor
    pictures: NDArray[np.uint8]
    names: list[str]
    held_out: list[bool]


def main() -> None:
    """Draw the people of one kind or of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with faces/ and generated/")
    parser.add_argument("--work", type=Path, required=True, help="folder for latents and pictures")
    parser.add_argument("--kind", choices=KINDS, action="append", help="repeatable; all kinds by default")
    args = parser.parse_args()
    G = load_generator(precision="bf16").G
    for kind in args.kind or KINDS:
        people = {"generated": generated, "encoded": encoded, "mixed": mixed}[kind](args.data, G)
        folder = args.work / kind
        folder.mkdir(parents=True, exist_ok=True)
        latents = people.w_plus.half().numpy()
        np.savez(folder / "latents.npz", w_plus=latents, name=people.names, held_out=people.held_out)
        np.save(folder / "pictures.npy", people.pictures)


def generated(data: Path, G: Generator) -> People:
    """Return generated people, with the stored pictures."""
    table = np.load(data / "generated" / "labels.npz")
    w_plus = torch.from_numpy(table["w"][list(SEEDS)].astype(np.float32))[:, None].expand(-1, G.num_ws, -1)
    pictures = decode(data / "generated" / "generated.zip", [f"{seed:05d}.webp" for seed in SEEDS])
    return People(w_plus, pictures, [f"seed:{seed}" for seed in SEEDS], [seed in HELD_OUT for seed in SEEDS])


def encoded(data: Path, G: Generator) -> People:
    """Return portraits of the train split, one a person, as the encoder reproduces them; half of them are edited."""
    rng = np.random.RandomState(SEED)
    files = portraits(data, rng)
    w_plus = edit_half(encode(G, decode(data / "faces" / "faces.zip", files)), rng)
    return People(w_plus, draw(G, w_plus), files, [i >= PORTRAITS for i in range(len(files))])


def mixed(data: Path, G: Generator) -> People:
    """Return people with the first layers of one and the last layers of another, with noise added to every layer."""
    rng = np.random.RandomState(SEED + 1)
    w = np.load(data / "generated" / "labels.npz")["w"].astype(np.float32)
    w = torch.from_numpy(w[rng.choice(np.setdiff1d(np.arange(len(w)), HELD_OUT), 2 * MIXED, replace=False)])
    w_plus = mix(w[:MIXED], w[MIXED:], G.num_ws, rng)
    return People(w_plus, draw(G, w_plus), [f"mixed:{i}" for i in range(MIXED)], [i % 10 == 9 for i in range(MIXED)])


def portraits(data: Path, rng: np.random.RandomState) -> list[str]:
    """Choose portraits of the train split, one a person."""
    with (data / "faces" / "faces.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == "train"]
    first = {row["person"] or row["file"]: row["file"] for row in rows}
    return [first[person] for person in rng.permutation(sorted(first))[: PORTRAITS + HELD_OUT_PORTRAITS]]


@torch.no_grad()
def encode(G: Generator, pictures: NDArray[np.uint8]) -> Tensor:
    """Encode pictures in one pass: `w_plus [n, num_ws, w_dim]`."""
    encoder = load_encoder()
    parts = [list(pictures[i : i + 8]) for i in range(0, len(pictures), 8)]
    return torch.cat([encoder_guess(G, encoder, to_img(part)) for part in parts])


def edit_half(w_plus: Tensor, rng: np.random.RandomState) -> Tensor:
    """Move every second person along one shipped direction by a random amount."""
    moved = w_plus.clone()
    for i in range(0, len(w_plus), 2):
        name = str(rng.choice(sorted(STRENGTHS)))
        strength = STRENGTHS[name] * rng.uniform(-1, 1)
        moved[i : i + 1] = directions.step(w_plus[i : i + 1], directions.load_shipped(name), strength)
    return moved


def mix(first: Tensor, last: Tensor, num_ws: int, rng: np.random.RandomState) -> Tensor:
    """Take the layers of `first` up to a random one, those of `last` after it, and add noise to each layer."""
    mixed = first[:, None].repeat(1, num_ws, 1)
    spread = first.std(0)
    for i, w_plus in enumerate(mixed):
        w_plus[rng.randint(4, 13) :] = last[i]
        w_plus += rng.uniform(0, 0.25) * spread * torch.from_numpy(rng.randn(*w_plus.shape).astype(np.float32))
    return mixed


@torch.no_grad()
def draw(G: Generator, w_plus: Tensor) -> NDArray[np.uint8]:
    """Draw pictures `[n, 256, 256, 3]`."""
    return np.stack([to_pixel_list(G.synthesis_at(part, SIDE).clamp(-1, 1))[0] for part in w_plus.split(1)])


def decode(archive: Path, names: list[str]) -> NDArray[np.uint8]:
    """Read pictures `[n, 256, 256, 3]` of a zip."""
    with zipfile.ZipFile(archive) as files:
        return np.stack([np.asarray(Image.open(io.BytesIO(files.read(name))).convert("RGB")) for name in names])


if __name__ == "__main__":
    main()
