"""Snapshots of a run: sheets of generated images, and generators that every other command reads."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom import label_columns
from faceloom.checkpoints.library import CARD
from faceloom.checkpoints.loaded_network import LoadedNetwork, weights_hash
from faceloom.checkpoints.readers import native
from faceloom.errors import TrainingError
from faceloom.images import save_picture, to_pixel_list
from faceloom.images.channels import levels_to_img, show_img
from faceloom.latents import broadcast, z_from_seeds
from faceloom.marks.signatures import SUFFIX as SIGNATURE
from faceloom.marks.signatures import sign_files
from faceloom.train.data import TrainingImages, derive_seed
from faceloom.train.loop import Trainer

SHEET_PIXELS = (1024, 640)
"""Largest width and height of a sheet in pixels."""
MAX_CELLS = (16, 8)
"""Maximum columns and rows of a sheet."""
MEAN_SAMPLES = 4096  # latents over which the mean w is measured
FIRST_SEED = 0
"""The seed of the first image on a sheet; the others have consecutive seeds."""


def snapshot_name(prefix: str, nimg: int, batch: int, ending: str = "") -> str:
    """Return a name that no other snapshot of the run has, and that sorts by `nimg`.

    The first step after a whole kimg is named as StyleGAN2-ADA names it: network-snapshot-000200 is after 200 kimg.
    Other steps have three more digits: network-snapshot-000200512 is after 200,512 images.
    """
    kimg, images = divmod(nimg, 1000)
    return f"{prefix}{kimg:06d}{'' if images < batch else f'{images:03d}'}{ending}"


def kimg_of(name: str) -> float:
    """Return the thousands of images in the name of a snapshot or a sheet, 0 for other names."""
    match = re.search(r"(\d{6,8}?)(\d{3})?(?:\.png)?$", name)
    return int(match[1]) + int(match[2] or 0) / 1000 if match else 0.0


def spread_labels(images: TrainingImages, count: int) -> Tensor | None:
    """Return labels for `count` generated images: every class in turn, or labels spread over the real images.

    The result is None for images without labels.
    """
    if not images.labels.shape[1]:
        return None
    if count <= len(images) and is_one_hot(images.labels):  # every class in turn
        classes = images.labels.argmax(1).unique()
        return torch.eye(images.labels.shape[1])[classes[torch.arange(count) % len(classes)]]
    return images.labels[torch.linspace(0, len(images) - 1, count).long()]


def is_one_hot(labels: Tensor) -> bool:
    """Return whether labels `[n, c_dim]` are classes: a single one among zeros."""
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all())


@torch.no_grad()
def generate_images(
    G: Any, count: int, labels: Tensor | None = None, first: int = FIRST_SEED, part: int = 16
) -> Tensor:
    """Generate the images of consecutive seeds from `first` on: `[count, c, h, w]`, -1...1, on the CPU."""
    device, images = G.w_avg.device, []
    for start in range(0, count, part):
        seeds = range(first + start, first + min(start + part, count))
        c = None if labels is None else labels[start : start + len(seeds)].to(device)
        w = G.mapping(z_from_seeds(seeds, G.z_dim).to(device), c)
        images.append(G.synthesis(broadcast(w, G.num_ws)).float().clamp(-1, 1).cpu())
    return torch.cat(images)


def sheet_shape(height: int, width: int) -> tuple[int, int]:
    """Return the columns and rows of a sheet for images of this size."""
    return max(1, min(SHEET_PIXELS[0] // width, MAX_CELLS[0])), max(1, min(SHEET_PIXELS[1] // height, MAX_CELLS[1]))


def save_sheet(img: Tensor, path: Path, ai_generated: bool) -> None:
    """Save images side by side without gaps, transparent parts on a checkerboard.

    Raises StoreError when the disk cannot be written.
    """
    columns, _ = sheet_shape(*img.shape[2:])
    pixels = to_pixel_list(show_img(img.nan_to_num(0)))
    columns = min(columns, len(pixels))
    blank = np.zeros_like(pixels[0])
    pixels += [blank] * (-len(pixels) % columns)
    rows = [np.concatenate(pixels[i : i + columns], axis=1) for i in range(0, len(pixels), columns)]
    save_picture(Image.fromarray(np.concatenate(rows)), path, ai_generated=ai_generated)


def save_fakes(trainer: Trainer, folder: Path) -> Tensor:
    """Save a sheet of generated images, always of the same seeds, and return the images."""
    columns, rows = sheet_shape(trainer.config.height, trainer.config.width)
    img = generate_images(trainer.G_ema, columns * rows, spread_labels(trainer.images, columns * rows))
    save_sheet(img, folder / snapshot_name("fakes", trainer.nimg, trainer.config.batch, ".png"), ai_generated=True)
    return img


def save_reals(trainer: Trainer, folder: Path) -> None:
    """Save a sheet of real images."""
    columns, rows = sheet_shape(trainer.config.height, trainer.config.width)
    count = min(columns * rows, len(trainer.images))
    numbers = np.random.default_rng(trainer.config.seed).permutation(len(trainer.images))[:count]
    save_sheet(levels_to_img(trainer.images.load(numbers.tolist())), folder / "reals.png", ai_generated=False)


def save_network(trainer: Trainer, folder: Path, name: str = "", **facts: Any) -> Path:
    """Save the averaged generator as a folder that `faceloom models import` and every --generator option read.

    `name` is the folder's name inside the run, by default the snapshot's; `facts` are added to the card. A signed card
    beside it is what `faceloom verify` reads.
    Raises TrainingError when a weight is not finite, StoreError when writing fails.
    """
    G = averaged_generator(trainer)
    plain = torch.contiguous_format  # files need this; the strides of a 1x1 convolution may differ
    state = {name: tensor.float().cpu().clone(memory_format=plain) for name, tensor in G.state_dict().items()}
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise TrainingError("the generator has weights that are not finite", "lower --gamma or the learning rate")
    notes = (f"trained by faceloom on {trainer.nimg / 1000:g} thousand images",)
    network = LoadedNetwork(trainer.config.family, "faceloom", G.config, state, notes)
    if trainer.config.c_dim:
        facts = {"labels": "classes" if is_one_hot(trainer.images.labels) else "numbers", **facts}
    destination = folder / (name or snapshot_name("network-snapshot-", trainer.nimg, trainer.config.batch))
    card: dict[str, Any] = {"bits": trainer.config.bits} if trainer.config.bits != 8 else {}
    card |= {"sound": dict(trainer.config.sound)} if trainer.config.sound else {}
    if trainer.images.label_columns:
        card["label_columns"] = label_columns.to_json(trainer.images.label_columns)
    training = {"training": {"kimg": trainer.nimg / 1000, **facts}}
    signature = destination / f"{destination.name}{SIGNATURE}"
    signature.unlink(missing_ok=True)  # that of the files which are replaced now
    native.write(network, destination, {**training, **card})
    generator = {"name": destination.name, "family": network.family, "hash": weights_hash(state)}
    sign_files([destination / native.WEIGHTS, destination / CARD], signature, {"generator": generator, **training})
    return destination


@torch.no_grad()
def averaged_generator(trainer: Trainer) -> Any:
    """Return the averaged generator with its mean w, measured over many z and labels as frequent as the real ones."""
    G = copy.deepcopy(trainer.G_ema)
    generator = torch.Generator().manual_seed(derive_seed(trainer.config.seed, MEAN_SAMPLES))
    z = torch.randn(MEAN_SAMPLES, G.z_dim, generator=generator).to(trainer.device)
    c = None
    if trainer.config.c_dim:
        rows = torch.randint(len(trainer.images), (MEAN_SAMPLES,), generator=generator)
        c = trainer.images.labels[rows].to(trainer.device)
    G.w_avg.copy_(G.mapping(z, c).mean(0))
    return G
