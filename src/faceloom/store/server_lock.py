"""A lock for the folder of a booth."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from faceloom.errors import StoreError


class SingleServerLock:
    """A lock that allows one server for each folder. Raises StoreError when another server holds it, or it fails."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, FileLock(folder / "lock")

    def __enter__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError("another booth uses this folder", "end it, or give another --home") from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(f"cannot use {self.folder}: {reason}", "give another --home") from error

    def __exit__(self, *_: object) -> None:
        self.lock.release()
