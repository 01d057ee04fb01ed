"""Training of one network by several processes: sums over all of them. With one process every function is a no-op.

torchrun starts the processes and restarts them when one dies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from faceloom.errors import FaceloomError, TrainingError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Ranks:
    """The rank of this process and the number of processes."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """Return whether this is the first process, the only one that writes files and reports progress."""
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace every tensor by its sum over all processes, in one message."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.detach().reshape(-1).float() for tensor in tensors])
        with _connection_errors():
            dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process."""
        if self.size == 1:
            return flag
        votes = torch.tensor(float(flag), device=self.device)
        with _connection_errors():
            dist.all_reduce(votes)
        return votes.item() > 0

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        if self.size > 1:
            with _connection_errors():
                dist.barrier()

    def run_in_step(self, action: Callable[[], Result]) -> Result:
        """Run an action in all processes and return this process's result when it succeeded everywhere.

        Raises this process's error, or TrainingError when the action failed in another process only. Without this,
        the other processes would wait for one that has ended.
        """
        error: FaceloomError | None = None
        result: Result | None = None
        try:
            result = action()
        except FaceloomError as raised:
            error = raised
        failed = self.any(error is not None)
        if error:
            raise error
        if failed:
            raise TrainingError("another process of this run cannot start", "see the message of that process")
        return result  # type: ignore[return-value]


@contextmanager
def _connection_errors() -> Iterator[None]:
    """Raise TrainingError when a process of the group has ended or does not answer."""
    try:
        yield
    except RuntimeError as error:
        first_line = next(iter(str(error).splitlines()), "")
        raise TrainingError(
            f"another process of this run has ended: {first_line}", "see the message of that process"
        ) from error


def join(device: str = "cpu") -> Ranks:
    """Join the process group that torchrun started, or return a single rank without torchrun.

    On GPUs every process gets its own device. Raises TrainingError when the other processes cannot be reached.
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
        raise TrainingError(
            f"the training processes cannot connect to each other: {error}", "start them with torchrun"
        ) from error
    return Ranks(rank, size, device)


def leave() -> None:
    """Leave the process group, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def exit_process() -> None:
    """End this process at once, successfully, without the shutdown of the interpreter.

    Threads of the connections can outlive the process group. The shutdown destroys them, now and then while one still
    runs, and the process then ends by an abort although its training succeeded.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
