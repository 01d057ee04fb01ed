"""Erasing files so that nothing is left, also on a full disk, and a record of what could not be erased yet."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from faceloom.errors import StoreError

Step = Callable[[], None]

log = logging.getLogger("faceloom.booth")


class ErasePending(StoreError):
    """Raised when something could not be erased yet. The store keeps it on record and tries again."""

    def __init__(self) -> None:
        super().__init__(
            "not everything could be deleted yet",
            "the booth tries again every few seconds; tell its operator, who should look at the disk",
        )


class Attempts:
    """Several attempts to erase something: each is made even when an earlier one failed."""

    def __init__(self) -> None:
        self.pending: ErasePending | None = None

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Make an attempt in the `with` block, and note a StoreError of it."""
        try:
            yield
        except StoreError as error:
            self.pending = error if isinstance(error, ErasePending) else ErasePending()

    def finish(self) -> None:
        """Raise ErasePending when an attempt failed."""
        if self.pending:
            raise self.pending


class Erasures:
    """The record of what must be erased: each entry stays until its step has succeeded."""

    def __init__(self) -> None:
        self.unfinished: dict[tuple[str, ...], Step] = {}

    def run(self, key: tuple[str, ...], erase: Step) -> None:
        """Record a step under a key, run it, and drop the record when it succeeds. Raises ErasePending.

        A step must be repeatable: it is run again by `retry`.
        """
        is_new = key not in self.unfinished
        self.unfinished[key] = erase
        try:
            erase()
        except (StoreError, OSError) as error:
            if is_new:
                log.error("cannot erase something yet, and will try again: %s", _reason(error))
            raise ErasePending from error
        self.unfinished.pop(key, None)

    def run_all(self, steps: Iterable[tuple[tuple[str, ...], Step]]) -> None:
        """Run every step, even when an earlier one fails. Raises ErasePending at the end when one failed."""
        attempts = Attempts()
        for key, step in list(steps):
            with attempts.attempt():
                self.run(key, step)
        attempts.finish()

    def retry(self) -> None:
        """Run every unfinished step again. Raises ErasePending when something is still left."""
        self.run_all(self.unfinished.items())


def run_every(*steps: Step) -> None:
    """Run every step, even when an earlier one fails. Raises the first StoreError or OSError at the end."""
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except (StoreError, OSError) as error:
            errors.append(error)
    if errors:
        raise errors[0]


def erase_folder(folder: Path) -> None:
    """Erase a folder with everything in it, if it exists. Raises OSError when something is left."""
    with contextlib.suppress(FileNotFoundError):
        items = list(folder.iterdir())
        folders = [item for item in items if item.is_dir() and not item.is_symlink()]
        run_every(*(partial(erase_folder, item) for item in folders))
        erase_files(item for item in items if item not in folders)
        folder.rmdir()


def erase_files(paths: Iterable[Path]) -> None:
    """Overwrite files with zeros, then unlink them: on most disks their content cannot be recovered.

    A disk that refuses to overwrite a file, for instance because it is full, does not keep the file from being
    unlinked. Raises OSError at the end when a file could not be unlinked.
    """
    failed: OSError | None = None
    for path in list(paths):
        with contextlib.suppress(OSError):
            _overwrite(path)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            failed = error
    if failed:
        raise failed


def _overwrite(path: Path) -> None:
    """Overwrite a file in place with zeros. Its size does not change, so that most disks need no free space."""
    with path.open("r+b") as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())


def _reason(error: Exception) -> str:
    """Return why erasing failed, without a path: the log names no visit."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return error.message if isinstance(error, StoreError) else type(error).__name__
