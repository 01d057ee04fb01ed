"""Places for files: folders of this machine, and URLs of the storage that fsspec knows, as s3://bucket/photos.

A place lists, reads and writes files by their names below it. A file is written whole or not at all. Places are sent to
workers, so they hold no connections.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceloom.errors import MissingExtra, StoreError
from faceloom.files import atomic_write, open_regular

_URL = re.compile(r"([a-z][a-z0-9+.-]*)(::|://)", re.IGNORECASE)
_LOCAL = re.compile(r"(?:file|local)://", re.IGNORECASE)
WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "memory"}
"""Protocols whose files appear when their content is complete."""


@dataclass(frozen=True)
class Folder:
    """A folder of this machine."""

    path: Path

    def list_names(self) -> list[str]:
        """Return the names of all files below it, sorted, without hidden ones; empty when there is no such folder."""
        return sorted(self._walk(self.path))

    def _walk(self, folder: Path) -> Iterator[str]:
        for parent, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(parent).relative_to(self.path)
            yield from ((below / name).as_posix() for name in files if not name.startswith("."))

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the first `max_bytes` of a file. Raises StoreError when it cannot be read."""
        try:
            with open_regular(self.path / name) as file:
                return file.read(max_bytes)
        except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
            raise StoreError(f"cannot read {self.address(name)}: {error}", "check its permissions") from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all. Raises StoreError when the disk refuses."""
        with atomic_write(self.path / name) as draft:
            draft.write_bytes(content)

    def exists(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return (self.path / name).is_file()

    def address(self, name: str = "") -> str:
        """Return the path of a file, or of the place itself."""
        return str(self.path / name)


@dataclass(frozen=True)
class Storage:
    """A URL that fsspec opens, without a slash at its end."""

    url: str

    @property
    def protocol(self) -> str:
        """The protocol, as 's3'."""
        return self.url.partition(":")[0].lower()

    def list_names(self) -> list[str]:
        """Return the names of all files below it, sorted, without hidden ones; empty when there are none.

        Raises StoreError when the storage refuses.
        """
        fs, root = self.connect()
        try:
            fs.invalidate_cache()
            found = fs.find(root)
        except FileNotFoundError:
            return []
        except Exception as error:  # every storage has errors of its own
            raise self._refused("list", self.url, error) from error
        names = (path.removeprefix(root).lstrip("/") for path in found)
        return sorted(name for name in names if name and not _is_hidden(name))

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the first `max_bytes` of a file. Raises StoreError when it cannot be read."""
        fs, root = self.connect()
        try:
            with fs.open(f"{root}/{name}", "rb") as file:
                content: bytes = file.read(max_bytes)
            return content
        except Exception as error:
            raise self._refused("read", self.address(name), error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all. Raises StoreError when the storage refuses."""
        fs, root = self.connect()
        path = f"{root}/{name}"
        try:
            if self.protocol in WHOLE:
                fs.pipe_file(path, content)
                return
            parent, _, last = path.rpartition("/")
            draft = f"{parent}/.{uuid.uuid4().hex}-{last}"
            fs.makedirs(parent, exist_ok=True)
            fs.pipe_file(draft, content)
            fs.mv(draft, path)
        except Exception as error:
            raise self._refused("write", self.address(name), error) from error

    def exists(self, name: str) -> bool:
        """Return whether there is a file of this name. Raises StoreError when the storage refuses."""
        fs, root = self.connect()
        try:
            fs.invalidate_cache()  # another worker may have written it
            return bool(fs.isfile(f"{root}/{name}"))
        except Exception as error:
            raise self._refused("read", self.address(name), error) from error

    def address(self, name: str = "") -> str:
        """Return the URL of a file, or of the place itself."""
        return f"{self.url}/{name}" if name else self.url

    def connect(self) -> tuple[Any, str]:
        """Return the file system, which fsspec keeps, and the place's path in it.

        Raises MissingExtra without fsspec or the library of the protocol, StoreError for an unknown protocol.
        """
        try:
            from fsspec.core import url_to_fs

            fs, root = url_to_fs(self.url)
        except ImportError as error:
            raise MissingExtra(f"{self.protocol}:// (fsspec, and its library for {self.protocol})", "scale") from error
        except Exception as error:  # ValueError for an unknown protocol; the libraries have errors of their own
            raise StoreError(f"cannot open {self.url}: {error}", "check the address") from error
        return fs, str(root).rstrip("/")

    def _refused(self, verb: str, address: str, error: Exception) -> StoreError:
        text = " ".join(str(error).split()) or type(error).__name__
        return StoreError(f"cannot {verb} {address}: {text[:300]}", "check the address, the access and the connection")


Place = Folder | Storage


def parse_place(text: Path | str) -> Place:
    """Return the place of a path or a URL; file:// means a folder of this machine."""
    if isinstance(text, Path) or not _URL.match(text):
        return Folder(Path(text).absolute())
    if local := _LOCAL.match(text):
        return Folder(Path(text[local.end() :]).absolute())
    return Storage(text.rstrip("/"))


def parse_source(text: Path | str) -> tuple[Place, list[str]]:
    """Return the place of a source and the names of its files: all of a folder, or the one file.

    Raises StoreError when there are none.
    """
    place = parse_place(text)
    if _is_file(place):
        parent, _, name = place.address().rpartition("/")
        one: Place = Storage(parent) if isinstance(place, Storage) else Folder(place.path.parent)
        return one, [name if isinstance(place, Storage) else place.path.name]
    names = place.list_names()
    if not names:
        raise StoreError(f"{place.address()} holds no files", "give a folder of photos, or a photo")
    return place, names


def _is_file(place: Place) -> bool:
    """Return whether a place is a file. On this machine, all but a folder counts as one: reading reports the rest."""
    if isinstance(place, Folder):
        return not place.path.is_dir()
    fs, root = place.connect()
    try:
        return bool(fs.isfile(root))
    except Exception as error:
        raise StoreError(f"cannot open {place.url}: {error}", "check the address and the access") from error


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
