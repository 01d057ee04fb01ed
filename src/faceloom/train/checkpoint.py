"""A run's whole memory in one file: both networks, the averaged one, both optimisers, and where the run stands.

Safetensors, so that nothing in it can run; written beside its place and moved into it, so that it is whole or the one
before.
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
from faceloom.files import replacing
from faceloom.train.loop import Trainer, weights_of

FILE = "checkpoint.safetensors"
VERSION = 1
NETWORKS = ("G", "D", "G_ema")
OPTIMIZERS = ("optimizer_g", "optimizer_d")


def save(trainer: Trainer, path: Path) -> None:
    """Write everything that the run's future depends on. Raises StoreError; the file before stays."""
    card = {"version": VERSION, "nimg": trainer.nimg, "p": trainer.p}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors(trainer)}
    with replacing(path) as draft:
        try:
            save_file(plain, draft, {"faceloom": json.dumps(card)})
        except SafetensorError as error:  # it hides the system's own error
            raise OSError(28, f"not written: {error}") from error


def load(trainer: Trainer, path: Path) -> None:
    """Bring a trainer of the same config to where the run was. Raises TrainingError when the file does not fit."""
    try:
        with safe_open(path, "pt") as file:
            card = json.loads(file.metadata()["faceloom"])
            if card["version"] > VERSION:
                raise TrainingError(f"{path} was written by a newer faceloom", "update faceloom")
            there = dict(tensors(trainer))
            if set(there) != set(file.keys()):
                raise TrainingError(f"{path} is of another run", "give the run's own folder")
            for name, tensor in there.items():
                with torch.no_grad():
                    tensor.copy_(file.get_tensor(name))
            trainer.nimg, trainer.p = int(card["nimg"]), float(card["p"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(f"cannot go on from {path}: {error}", "start a new run, with --from a snapshot") from error


def tensors(trainer: Trainer) -> Iterator[tuple[str, Tensor]]:
    """Every tensor by name."""
    for part in NETWORKS:
        for name, tensor in getattr(trainer, part).state_dict().items():
            yield f"{part}.{name}", tensor
    for part in OPTIMIZERS:
        optimizer: Any = getattr(trainer, part)
        for i, weight in enumerate(weights_of(optimizer)):
            for name, tensor in sorted(optimizer.state.get(weight, {}).items()):
                yield f"{part}.{i}.{name}", tensor
    yield "path_mean", trainer.path_mean
    yield "signs", trainer.signs
    yield "means", trainer.means.sums
