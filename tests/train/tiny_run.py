"""A training run that takes seconds (16 px, a few hundred weights per layer), for tests and as a program.

`python tiny_run.py FOLDER STEPS [FAMILY]` starts or resumes the run in FOLDER and writes a checkpoint every step.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from faceloom.train import checkpoint
from faceloom.train import run as runs
from faceloom.train.config import TrainConfig
from faceloom.train.data import CachedImages
from faceloom.train.distributed import Ranks, exit_process, join, leave
from faceloom.train.loop import Trainer
from faceloom.train.run import Run

SMALL: dict[str, Any] = {"channels": (16, 12, 8), "d_channels": (16, 12, 8), "z_dim": 8, "w_dim": 8}
SMALL |= {"mapping_layers": 2, "batch": 8, "part": 4, "augment": "none", "gamma": 0.5, "kimg": 0.08}
SMALL |= {"penalty_every": 3, "path_every": 2, "tick_kimg": 0.016, "snap_kimg": 0.032}


def tiny_config(**more: Any) -> TrainConfig:
    if more.get("family") == "mobilestylegan":
        more = {"channels": (16, 12), "d_channels": (16, 12), **more}
    return TrainConfig(**{"data": "tiny.zip", "height": 16, "width": 16, **SMALL, **more})


def tiny_pictures(count: int = 20, classes: int = 0, size: tuple[int, int] = (16, 16)) -> CachedImages:
    draw = torch.Generator().manual_seed(5)
    levels = torch.randint(0, 256, (count, *size, 3), dtype=torch.uint8, generator=draw)
    labels = torch.eye(classes)[torch.arange(count) % classes] if classes else torch.zeros(count, 0)
    return CachedImages(levels, labels)


def tiny_trainer(ranks: Ranks | None = None, **more: Any) -> Trainer:
    config = tiny_config(**more)
    return Trainer(config, tiny_pictures(classes=config.c_dim, size=(config.height, config.width)), ranks)


def differences(a: Trainer, b: Trainer) -> list[str]:
    """Return the names of all tensors and numbers that are not bit-identical."""
    start, second = dict(checkpoint.tensors(a)), dict(checkpoint.tensors(b))
    assert start.keys() == second.keys()
    found = [name for name, tensor in start.items() if not torch.equal(tensor, second[name])]
    return found + [name for name in ("nimg", "p") if getattr(a, name) != getattr(b, name)]


def tiny_run(folder: Path, ranks: Ranks | None = None, **more: Any) -> Run:
    """Return a run in its folder, created or restored from its last checkpoint."""
    trainer = tiny_trainer(ranks, **more)
    if (folder / runs.OPTIONS).exists():
        runs.restore_checkpoint(trainer, folder)
    elif trainer.ranks.is_first:
        runs.create_run(folder, trainer.config)
    return Run(trainer, folder, trainer.ranks)


if __name__ == "__main__":
    torch.set_num_threads(1)
    there, steps = Path(sys.argv[1]), int(sys.argv[2])
    if there.suffix == ".safetensors":  # only the loop, with as many processes as torchrun started
        together = tiny_trainer(join(), family=sys.argv[3], augment="ada")
        for _ in range(steps):
            together.step()
        if together.ranks.is_first:
            checkpoint.save(together, there)
        together.ranks.wait()  # a process that leaves while another one still works can end by an abort
        leave()
        exit_process()
    else:
        runs.CHECKPOINT_SECONDS = 0
        tiny_run(there, kimg=steps * 8 / 1000, tick_kimg=0.008).train()
