"""Folders, zips and tars as read-only file trees, which list their files, open one at a time and refuse attacks.

Nothing is unpacked to the disk, and no name in an archive is used as a path.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Protocol, cast, runtime_checkable

from faceloom.errors import StoreError
from faceloom.files import open_regular

MAX_MEMBERS = 5_000_000  # files in an archive
MAX_RATIO = 100  # maximum ratio of a zip's unpacked size to its packed size; pictures hardly shrink
ALWAYS_ALLOWED_BYTES = 64 << 20  # unpacked size that is allowed at any ratio
READ_ERRORS = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, tarfile.TarError, NotImplementedError)
"""Errors that reading a member of a damaged archive may raise."""

REFUSED_HINT = "if you trust the archive, unpack it and give the folder"


@runtime_checkable
class FileTree(Protocol):
    """A set of files with relative names.

    Convention: `names` are relative, joined by '/', in a fixed order; `open` returns a stream to read once; `top` is
    the folder that was stripped from all names, with a final '/', or ''.
    """

    kind: str  # 'folder', 'zip' or 'tar'
    top: str

    @property
    def path(self) -> Path:
        """The folder or archive."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of all files."""
        ...

    def open(self, name: str) -> BufferedIOBase:
        """Open one file for reading. Raises one of READ_ERRORS."""
        ...

    def close(self) -> None:
        """Close the archive."""
        ...


class FolderTree:
    """A folder with its subfolders, sorted by name; hidden files and linked folders are skipped.

    Only regular files are opened: a FIFO, a socket or a device is listed, and reading it raises OSError.
    """

    kind = "folder"
    top = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = sorted(self._walk())

    def open(self, name: str) -> BufferedIOBase:
        """Open one file."""
        return cast(BufferedIOBase, open_regular(self.path / name))

    def close(self) -> None:
        """Do nothing, because no file stays open."""

    def _walk(self) -> list[str]:
        names: list[str] = []
        for root, folders, files in os.walk(self.path):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            names += [Path(root, file).relative_to(self.path).as_posix() for file in files if not file.startswith(".")]
        return names


class ZipTree:
    """A zip archive, its members sorted by name. It can be pickled and reopens itself in every process."""

    kind = "zip"
    top = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_in(os.getpid())
        infos = self._archive.infolist()
        try:
            _check_zip(path, infos)
        except StoreError:
            self.close()
            raise
        self.names = sorted(
            info.filename for info in infos if not info.filename.endswith("/") and not _is_hidden(info.filename)
        )

    def open(self, name: str) -> BufferedIOBase:
        """Open one member."""
        if self._process != os.getpid():  # forked processes share the file position
            if self._process >= 0:
                self.close()
            self._open_in(os.getpid())
        return cast(BufferedIOBase, self._archive.open(name))

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()
        self._file.close()

    def __del__(self) -> None:
        if getattr(self, "_process", -1) >= 0:  # as ZipFile does for a file that it opened itself
            self.close()

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "names": self.names, "_process": -1}

    def _open_in(self, process: int) -> None:
        self._process = -1  # no file is open
        self._file = open_regular(self.path)
        try:
            self._archive = zipfile.ZipFile(self._file)
        except READ_ERRORS as error:
            self._file.close()
            raise _damage_error(self.path, "zip", error) from error
        self._process = process


class TarTree:
    """An uncompressed tar archive, its members in stored order, which is the fastest order to read.

    It can be pickled and reopens itself in every process.
    """

    kind = "tar"
    top = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_in(os.getpid())
        try:
            infos = self._archive.getmembers()
            _check_tar(path, infos)
        except READ_ERRORS as error:
            self.close()
            raise _damage_error(path, "tar", error) from error
        except StoreError:
            self.close()
            raise
        self._members = {info.name: info for info in infos if info.isreg() and not _is_hidden(info.name)}
        self.names = list(self._members)

    def open(self, name: str) -> BufferedIOBase:
        """Open one member."""
        if self._process != os.getpid():  # forked processes share the file position
            if self._process >= 0:
                self.close()
            self._open_in(os.getpid())
        stream = self._archive.extractfile(self._members[name])
        if stream is None:
            raise tarfile.ReadError(f"{name} is not a regular file")
        return cast(BufferedIOBase, stream)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()
        self._file.close()

    def __del__(self) -> None:
        if getattr(self, "_process", -1) >= 0:
            self.close()

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "names": self.names, "_members": self._members, "_process": -1}

    def _open_in(self, process: int) -> None:
        self._process = -1  # no file is open
        self._file = open_regular(self.path)
        try:
            self._archive = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115  closed by `close`
        except READ_ERRORS as error:
            self._file.close()
            raise _damage_error(self.path, "tar", error) from error
        self._process = process


def open_tree(path: Path) -> FileTree:
    """Open a folder, a zip or an uncompressed tar, recognized by its content.

    Raises StoreError for anything else, for a damaged archive, and for a refused one: an archive with links, names that
    point outside or occur twice, encrypted or overlapping members, more than MAX_MEMBERS files, or the compression
    ratio of a bomb.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return FolderTree(path)
        if not path.exists():
            raise StoreError(f"there is no file or folder {path}", "check the path")
        with open_regular(path) as file:
            is_zip = zipfile.is_zipfile(file)
            file.seek(0)
            is_tar = file.read(262).endswith(b"ustar")  # not tarfile.is_tarfile, which would unpack a compressed one
        if is_zip:
            return ZipTree(path)
        if is_tar:
            return TarTree(path)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check what it is, and its permissions") from error
    raise StoreError(f"{path.name} is not a folder, zip or tar of pictures", "decompress a .tar.gz to a .tar first")


def _damage_error(path: Path, kind: str, error: Exception) -> StoreError:
    return StoreError(f"{path.name} is a damaged {kind} archive: {error}", "download the file again")


def _is_hidden(name: str) -> bool:
    """Return whether a name belongs to a hidden file or one that macOS adds to archives."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _check_zip(path: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    packed, unpacked = sum(i.compress_size for i in infos), sum(i.file_size for i in infos)
    _refuse(
        path,
        [info.filename for info in infos],
        {
            "links": sum(stat.S_ISLNK(info.external_attr >> 16) for info in infos),
            "encrypted members": sum(info.flag_bits & 1 for info in infos),
            "bytes that overlap": max(0, packed - path.stat().st_size),
            f"MB in {packed >> 10} kB, like a zip bomb": (
                unpacked >> 20 if unpacked > max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * packed) else 0
            ),
        },
    )


def _check_tar(path: Path, infos: Sequence[tarfile.TarInfo]) -> None:
    names = [info.name for info in infos]
    special = sum(not (info.isreg() or info.isdir()) for info in infos)
    sparse = sum(info.issparse() for info in infos)
    _refuse(path, names, {"links and devices": special, "sparse members": sparse})


def _refuse(path: Path, names: Sequence[str], faults: dict[str, int]) -> None:
    """Raise StoreError with counts when an archive contains anything that an ordinary collection does not."""
    faults |= {
        "members without a name": sum(not name for name in names),
        "names that point outside": sum(map(_is_outside, names)),
        "names that occur twice": sum(count - 1 for count in Counter(names).values()),
        f"members beyond {MAX_MEMBERS}": max(0, len(names) - MAX_MEMBERS),
    }
    reasons = [f"{count} {what}" for what, count in faults.items() if count]
    if reasons:
        raise StoreError(f"{path.name} is refused: it contains {', '.join(reasons)}", REFUSED_HINT)


def _is_outside(name: str) -> bool:
    return (
        name.startswith(("/", "\\"))
        or name[1:3] in (":\\", ":/")
        or "\0" in name
        or ".." in name.replace("\\", "/").split("/")
    )
