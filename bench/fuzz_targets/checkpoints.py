"""Fuzzing of the checkpoint readers. The code of the sandboxed child process runs in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faceloom.checkpoints.sandbox.unpickle import NAMES
from faceloom.errors import CheckpointError
from tests.checkpoints.hostile import FILES
from tests.checkpoints.seeds import read_in_process, valid_files


def seeds(folder: Path) -> dict[str, bytes]:
    """Return valid files of every family, and the hostile ones."""
    return valid_files(folder) | {name: make(folder, "false") for name, (make, _) in FILES.items()}


def words() -> Iterable[str]:
    """Return the names that the unpickler knows."""
    return {word for pair in NAMES for word in pair}


@contextmanager
def reading(scratch: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that reads a checkpoint; a CheckpointError is the only error that it may raise."""
    path = scratch / "file"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(CheckpointError):
            read_in_process(path)

    yield read
