"""The pictures of a finished cast, one entry a picture, from which every format is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceloom.errors import StoreError

PEOPLE_A_FOLDER = 1000


@dataclass(frozen=True, eq=False)
class Entry:
    """One picture: its row, its file, its mask or None, and where its latent is: the file and the number in it."""

    row: dict[str, Any]
    picture: Path
    mask: Path | None

    @property
    def split(self) -> str:
        """The split of the person."""
        return str(self.row["split"])

    @property
    def stem(self) -> str:
        """The name of the picture without its suffix."""
        return self.picture.name.partition(".")[0]

    @property
    def folder(self) -> str:
        """The folder, of at most a thousand people, in which the picture is filed."""
        return f"{int(self.stem.partition('-')[0]) // PEOPLE_A_FOLDER:04d}"


Writer = Callable[[Iterable[Entry], Path, dict[str, Any]], None]
"""Function that writes entries into an empty folder; the last argument is the card of the cast."""


def place(source: Path, target: Path) -> None:
    """Put a file at another place: as a hard link, or as a copy where the file system has none.

    Raises StoreError when the disk refuses.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    except OSError as error:
        raise StoreError(
            f"cannot write {target}: {error.strerror or error}", "check that the disk has space"
        ) from error
