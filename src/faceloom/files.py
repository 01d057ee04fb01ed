"""Reading of regular files only, and atomic writing: to a temporary file in the same folder, then moved into place."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from faceloom.errors import StoreError


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading in binary mode, without ever waiting for a writer.

    Raises OSError as `open` does, and with the text 'not a regular file' for a FIFO, a socket or a device. A folder
    raises IsADirectoryError.
    """
    _require_regular(path, path.stat().st_mode)  # before opening: opening a device can already act on it
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _require_regular(path, os.fstat(descriptor).st_mode)  # again: the path may have been replaced meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file.

    Raises OSError as `open_regular` does, and with the text 'larger than ...' for more than `max_bytes`.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
    return content


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


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
