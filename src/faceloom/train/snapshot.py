"""What a run shows of itself: sheets of what it draws, and generators that every other command reads."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import native
from faceloom.errors import TrainingError
from faceloom.images import save_picture, to_pixel_list
from faceloom.latents import broadcast, z_from_seeds
from faceloom.train.data import Pictures, seed_of
from faceloom.train.loop import Trainer

SHEET = (1024, 640)
"""Largest width and height of a sheet in pixels."""
MOST = (16, 8)
"""Columns and rows of a sheet at most."""
MEAN_OF = 4096
SEEDS = 0
"""The seed of the first image on a sheet; the others follow."""


def name_of(what: str, nimg: int, ending: str = "") -> str:
    """The field's names: network-snapshot-000200 is after 200 kimg."""
    return f"{what}{nimg // 1000:06d}{ending}"


def labels_for(pictures: Pictures, count: int) -> Tensor | None:
    """Labels of `count` images to draw: those of real pictures spread over the collection; None without any."""
    if not pictures.labels.shape[1]:
        return None
    if count <= len(pictures) and (pictures.labels.sum(1) == 1).all():  # classes in turn
        classes = pictures.labels.argmax(1).unique()
        return torch.eye(pictures.labels.shape[1])[classes[torch.arange(count) % len(classes)]]
    return pictures.labels[torch.linspace(0, len(pictures) - 1, count).long()]


@torch.no_grad()
def drawn(G: Any, count: int, labels: Tensor | None = None, first: int = SEEDS, part: int = 16) -> Tensor:
    """Draw the people of the seeds from `first` on: `[count, 3, h, w]`, -1...1, on the CPU."""
    device, images = G.w_avg.device, []
    for start in range(0, count, part):
        seeds = range(first + start, first + min(start + part, count))
        c = None if labels is None else labels[start : start + len(seeds)].to(device)
        w = G.mapping(z_from_seeds(seeds, G.z_dim).to(device), c)
        images.append(G.synthesis(broadcast(w, G.num_ws)).float().clamp(-1, 1).cpu())
    return torch.cat(images)


def capacity(height: int, width: int) -> tuple[int, int]:
    """Columns and rows of a sheet."""
    return max(1, min(SHEET[0] // width, MOST[0])), max(1, min(SHEET[1] // height, MOST[1]))


def save_sheet(img: Tensor, path: Path, ai_generated: bool) -> None:
    """Lay images side by side without gaps. Raises StoreError when the disk refuses."""
    columns, _ = capacity(*img.shape[2:])
    pixels = to_pixel_list(img.nan_to_num(0))
    columns = min(columns, len(pixels))
    blank = np.zeros_like(pixels[0])
    pixels += [blank] * (-len(pixels) % columns)
    rows = [np.concatenate(pixels[i : i + columns], axis=1) for i in range(0, len(pixels), columns)]
    save_picture(Image.fromarray(np.concatenate(rows)), path, ai_generated=ai_generated)


def save_fakes(trainer: Trainer, folder: Path) -> Tensor:
    """Draw the run's sheet, always of the same people, and give what is on it."""
    columns, rows = capacity(trainer.config.height, trainer.config.width)
    img = drawn(trainer.G_ema, columns * rows, labels_for(trainer.pictures, columns * rows))
    save_sheet(img, folder / name_of("fakes", trainer.nimg, ".png"), ai_generated=True)
    return img


def save_reals(trainer: Trainer, folder: Path) -> None:
    """Show some of the real pictures."""
    from faceloom.images.tensors import from_levels

    columns, rows = capacity(trainer.config.height, trainer.config.width)
    count = min(columns * rows, len(trainer.pictures))
    numbers = np.random.default_rng(trainer.config.seed).permutation(len(trainer.pictures))[:count]
    save_sheet(from_levels(trainer.pictures.take(numbers.tolist())), folder / "reals.png", ai_generated=False)


def save_network(trainer: Trainer, folder: Path, **facts: Any) -> Path:
    """Write the averaged generator as a folder that `faceloom models import` and every --generator read."""
    G = settled(trainer)
    plain = torch.contiguous_format  # as files hold them: a 1x1 convolution's strides may be anything
    state = {name: tensor.float().cpu().clone(memory_format=plain) for name, tensor in G.state_dict().items()}
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise TrainingError("the generator holds numbers that are not finite", "lower --gamma or the learning rate")
    notes = (f"trained by faceloom on {trainer.nimg // 1000} thousand images",)
    foreign = LoadedNetwork(trainer.config.family, "faceloom", G.config, state, notes)
    place = folder / name_of("network-snapshot-", trainer.nimg)
    return native.write(foreign, place, training={"kimg": trainer.nimg / 1000, **facts})


@torch.no_grad()
def settled(trainer: Trainer) -> Any:
    """The averaged generator with its mean w, measured over many z, and labels as frequent as the real."""
    G = copy.deepcopy(trainer.G_ema)
    draw = torch.Generator().manual_seed(seed_of(trainer.config.seed, MEAN_OF))
    z = torch.randn(MEAN_OF, G.z_dim, generator=draw).to(trainer.device)
    c = None
    if trainer.config.c_dim:
        rows = torch.randint(len(trainer.pictures), (MEAN_OF,), generator=draw)
        c = trainer.pictures.labels[rows].to(trainer.device)
    G.w_avg.copy_(G.mapping(z, c).mean(0))
    return G
