"""Reading a few named members out of a wheel or an sdist. Knows no asset and runs nothing of what it reads."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from faceloom.errors import AssetError

MEMBER_LIMIT = 256 * 2**20
"""Bytes that one member may unpack to; the largest that is pinned has 59 MB."""

_CHUNK = 2**20


def sha256_of(path: Path) -> str:
    """Hash a file, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    """Write the members named, and no others, to `folder` under the names given: the archive chooses no path.

    Raises AssetError for a broken archive and for a member that is missing, no plain file, or beyond MEMBER_LIMIT.
    """
    with _opened(archive) as open_member:
        for member, name in members.items():
            with open_member(member) as source, (folder / Path(name).name).open("wb") as target:
                for chunk in _limited(source, member):
                    target.write(chunk)


def read_text(archive: Path, member: str) -> str:
    """Read one member as text. Raises AssetError as `extract` does."""
    with _opened(archive) as open_member, open_member(member) as source:
        return b"".join(_limited(source, member)).decode("utf-8", errors="replace")


def _limited(source: IO[bytes], member: str) -> Iterator[bytes]:
    left = MEMBER_LIMIT
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise AssetError(
                f"{member} unpacks to more than {MEMBER_LIMIT >> 20} MB", "this is not the published archive"
            )
        yield chunk


@contextmanager
def _opened(archive: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """Yield a function that opens a member by its path in the archive."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                yield wheel.open
        else:
            with tarfile.open(archive, "r:gz") as sdist:
                yield lambda member: _plain_file(sdist, member)
    except (KeyError, EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError) as error:
        raise AssetError(f"cannot read {archive.name}: {error}", "this is not the published archive") from error


def _plain_file(sdist: tarfile.TarFile, member: str) -> IO[bytes]:
    info = sdist.getmember(member)
    stream = sdist.extractfile(info) if info.isreg() else None
    if stream is None:
        raise KeyError(f"{member} is no plain file")
    return stream
