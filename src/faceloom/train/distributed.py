"""Several processes that learn one network: sums over all of them. With one process every function is the identity.

torchrun starts the processes and starts them anew when one dies; nothing of that is ours.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from faceloom.errors import TrainingError


@dataclass(frozen=True)
class Ranks:
    """This process among its like."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """The first writes files and speaks; the others only compute."""
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace every tensor by its sum over all processes, in one message."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.detach().reshape(-1).float() for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def any(self, wish: bool) -> bool:
        """Whether any process wishes it."""
        if self.size == 1:
            return wish
        votes = torch.tensor(float(wish), device=self.device)
        dist.all_reduce(votes)
        return votes.item() > 0

    def wait(self) -> None:
        """Go on when all are here."""
        if self.size > 1:
            dist.barrier()


def join(device: str = "cpu") -> Ranks:
    """Take part in what torchrun started; alone without it. On GPUs every process gets its own.

    Raises TrainingError when the others cannot be reached.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Ranks(device=device)
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda":
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    try:
        dist.init_process_group("nccl" if "cuda" in device else "gloo", timeout=timedelta(minutes=30))
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"the processes do not find each other: {error}", "start them with torchrun") from error
    return Ranks(rank, size, device)


def leave() -> None:
    """Take leave of the other processes, where there are any."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
