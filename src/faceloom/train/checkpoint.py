"""Checkpoints: the complete state of a run in one file, with both networks, the averaged one and both optimizers.

The format is safetensors, which cannot contain code. The file is written beside its destination and then moved, so
that there is always a complete checkpoint, the new or the previous one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from faceloom.errors import TrainingError
from faceloom.files import atomic_write
from faceloom.train.loop import Trainer, optimizer_weights

FILE = "checkpoint.safetensors"
VERSION = 1
NETWORKS = ("G", "D", "G_ema")
OPTIMIZERS = ("optimizer_g", "optimizer_d")


def save(trainer: Trainer, path: Path) -> None:
    """Save the complete state of a run. Raises StoreError; the previous file then stays."""
    card = {"version": VERSION, "nimg": trainer.nimg, "p": trainer.p}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors(trainer)}
    with atomic_write(path) as temp_path:
        try:
            save_file(plain, temp_path, {"faceloom": json.dumps(card)})
        except SafetensorError as error:  # it hides the operating system's error
            raise OSError(28, f"not written: {error}") from error


def load(trainer: Trainer, path: Path) -> None:
    """Restore a trainer with the same config. Raises TrainingError when the file is damaged or of another run."""
    try:
        with safe_open(path, "pt") as file:
            card = json.loads(file.metadata()["faceloom"])
            if card["version"] > VERSION:
                raise TrainingError(f"{path} was written by a newer faceloom", "update faceloom")
            state = dict(tensors(trainer))
            if set(state) != set(file.keys()):
                raise TrainingError(f"{path} is of another run", "give the folder that belongs to the run")
            for name, tensor in state.items():
                with torch.no_grad():
                    tensor.copy_(file.get_tensor(name))
            trainer.nimg, trainer.p = int(card["nimg"]), float(card["p"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"cannot resume from {path}: {error}", "start a new run from a snapshot with --from"
        ) from error


def tensors(trainer: Trainer) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of the state with its name."""
    for part in (*NETWORKS, "critic") if trainer.critic else NETWORKS:
        for name, tensor in getattr(trainer, part).state_dict().items():
            yield f"{part}.{name}", tensor
    for part in OPTIMIZERS:
        optimizer: Any = getattr(trainer, part)
        for i, weight in enumerate(optimizer_weights(optimizer)):
            for name, tensor in sorted(optimizer.state.get(weight, {}).items()):
                yield f"{part}.{i}.{name}", tensor
    yield "path_mean", trainer.path_mean
    yield "signs", trainer.signs
    yield "means", trainer.means.sums
