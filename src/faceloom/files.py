"""Atomic writing of files: to a temporary file in the same folder, then moved into place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceloom.errors import StoreError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it replaces `path`, on any error it is deleted.

    The temporary file keeps the suffix, because writers choose a format by it.
    Raises StoreError when the folder cannot be created or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "choose another place with -o") from error
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_read_umask())
        _sync(draft)
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}", "check that the disk has space") from error
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
