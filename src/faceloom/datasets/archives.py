"""Many files in one place: a folder, a zip, a tar. Lists them, opens one at a time, refuses archives made to harm.

Nothing is ever unpacked to the disk, and no name in an archive is ever used as a path. Knows no pictures and no labels.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from faceloom.errors import StoreError

MAX_MEMBERS = 5_000_000
MAX_RATIO = 100  # of a zip's unpacked to its packed size; pictures do not shrink at all
FREE_BYTES = 64 << 20  # what an archive may unpack to whatever its ratio
DAMAGED = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, tarfile.TarError, NotImplementedError)
"""What reading a member of a damaged archive may raise."""

REFUSED = "unpack it yourself if you trust it, and give the folder"


class Tree(Protocol):
    """Files by name.

    Convention: `names` are relative, joined by '/', in a fixed order; `open` gives a stream to read once.
    """

    @property
    def path(self) -> Path:
        """Where they are."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """What there is."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open one file. Raises one of DAMAGED."""
        ...

    def close(self) -> None:
        """Let go of the archive."""
        ...


class FolderTree:
    """A folder and those in it, sorted by name; hidden files and linked folders are left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = sorted(self._walk())

    def open(self, name: str) -> BinaryIO:
        """Open one file."""
        return (self.path / name).open("rb")

    def close(self) -> None:
        """Nothing is open."""

    def _walk(self) -> list[str]:
        found = []
        for root, folders, files in os.walk(self.path):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            found += [Path(root, file).relative_to(self.path).as_posix() for file in files if not file.startswith(".")]
        return found


class ZipTree:
    """A zip archive, its members sorted by name. May be pickled; opens itself anew in every process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_in(os.getpid())
        infos = self._archive.infolist()
        _check_zip(path, infos)
        self.names = sorted(info.filename for info in infos if not info.is_dir() and not _is_hidden(info.filename))

    def open(self, name: str) -> BinaryIO:
        """Open one member."""
        if self._process != os.getpid():  # two processes would move one file's position under each other
            self._open_in(os.getpid())
        return cast(BinaryIO, self._archive.open(name))

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "names": self.names, "_process": -1}

    def _open_in(self, process: int) -> None:
        try:
            self._archive = zipfile.ZipFile(self.path)
        except DAMAGED as error:
            raise _damaged(self.path, "zip", error) from error
        self._process = process


class TarTree:
    """An uncompressed tar archive, its members in their own order, which is how shards are read fastest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = tarfile.open(path, "r:")  # noqa: SIM115  closed by `close`
        except DAMAGED as error:
            raise _damaged(path, "tar", error) from error
        try:
            infos = self._archive.getmembers()
            _check_tar(path, infos)
        except DAMAGED as error:
            self.close()
            raise _damaged(path, "tar", error) from error
        except StoreError:
            self.close()
            raise
        self._members = {info.name: info for info in infos if info.isreg() and not _is_hidden(info.name)}
        self.names = list(self._members)

    def open(self, name: str) -> BinaryIO:
        """Open one member."""
        stream = self._archive.extractfile(self._members[name])
        if stream is None:
            raise tarfile.ReadError(f"{name} is no plain file")
        return cast(BinaryIO, stream)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def open_tree(path: Path) -> Tree:
    """Open a folder, a zip or an uncompressed tar, told by content.

    Raises StoreError for anything else, a damaged archive, and one that is refused: with links, names that lead out of
    it or stand twice, encrypted or overlapping members, more than MAX_MEMBERS, or a bomb's ratio.
    """
    path = Path(path)
    if path.is_dir():
        return FolderTree(path)
    if not path.is_file():
        raise StoreError(f"there is no file or folder {path}", "check the path")
    try:
        if zipfile.is_zipfile(path):
            return ZipTree(path)
        with path.open("rb") as file:  # not tarfile.is_tarfile, which would unpack a compressed one
            is_tar = file.read(262).endswith(b"ustar")
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check its permissions") from error
    if not is_tar:
        raise StoreError(
            f"{path.name} is no folder, zip or tar of pictures", "a .tar.gz must be unpacked to a .tar first"
        )
    return TarTree(path)


def _damaged(path: Path, kind: str, error: Exception) -> StoreError:
    return StoreError(f"{path.name} is a damaged {kind} archive: {error}", "get the file again")


def _is_hidden(name: str) -> bool:
    """What Macs and editors leave in archives."""
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
            f"MB in {packed >> 10} kB, as a bomb": (
                unpacked >> 20 if unpacked > max(FREE_BYTES, MAX_RATIO * packed) else 0
            ),
        },
    )


def _check_tar(path: Path, infos: Sequence[tarfile.TarInfo]) -> None:
    names = [info.name for info in infos]
    special = sum(not (info.isreg() or info.isdir()) for info in infos)
    sparse = sum(info.issparse() for info in infos)
    _refuse(path, names, {"links and devices": special, "sparse members": sparse})


def _refuse(path: Path, names: Sequence[str], faults: dict[str, int]) -> None:
    """Raise StoreError with counts when an archive holds anything that no honest collection of pictures does."""
    faults |= {
        "names that lead out of it": sum(map(_leads_out, names)),
        "names that stand twice": sum(count - 1 for count in Counter(names).values()),
        f"members beyond {MAX_MEMBERS}": max(0, len(names) - MAX_MEMBERS),
    }
    found = [f"{count} {what}" for what, count in faults.items() if count]
    if found:
        raise StoreError(f"{path.name} is refused: it holds {', '.join(found)}", REFUSED)


def _leads_out(name: str) -> bool:
    return (
        name.startswith(("/", "\\"))
        or name[1:3] in (":\\", ":/")
        or "\0" in name
        or ".." in name.replace("\\", "/").split("/")
    )
