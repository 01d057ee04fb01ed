"""The meaning of folders in a collection of pictures: a common top folder, splits and classes. Opens no files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath

from faceloom.datasets.archives import FileTree

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""Names of folders that hold a split of a collection -> the split."""

TABLE_NAMES = ("dataset.json", "metadata.csv", "metadata.jsonl")
MAX_DEPTH = 16  # maximum number of common folders that are stripped


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """The split and the class of a picture by its folders; '' and None without one."""

    split: str = ""
    label: str | None = None


class StrippedTree:
    """A tree without its common top folder. `top` is that folder with a final '/'; other files are left out."""

    def __init__(self, tree: FileTree, top: str) -> None:
        self.tree, self.top = tree, top
        self.path: Path = tree.path
        self.kind: str = tree.kind
        self.names = [name.removeprefix(top) for name in tree.names if name.startswith(top)]

    def open(self, name: str) -> BufferedIOBase:
        """Open one file."""
        return self.tree.open(self.top + name)

    def close(self) -> None:
        """Close the archive."""
        self.tree.close()


def normalize_split(name: str) -> str:
    """Return 'train', 'val' or 'test' for their usual names, and any other name as it is."""
    return SPLITS.get(name.lower(), name)


def find_top_folder(names: Sequence[str]) -> str:
    """Return the folder that holds all names, with a final '/', or '' without one.

    A folder counts only if it holds a table or further folders, because otherwise it may be a class; the folder of a
    split does not count.
    """
    top = ""
    for _ in range(MAX_DEPTH):
        rest = [name[len(top) :] for name in names]
        folder = rest[0].partition("/")[0] + "/" if rest else ""
        if not folder or folder[:-1].lower() in SPLITS or not all(name.startswith(folder) for name in rest):
            break
        if not any("/" in name[len(folder) :] or name[len(folder) :] in TABLE_NAMES for name in rest):
            break
        top += folder
    return top


def read_folders(names: Sequence[str]) -> dict[str, FolderFacts]:
    """Return the split and the class of each picture by its folders.

    The outermost folders are splits if all of them are named as splits, or at least two different ones are; the folders
    below them are splits if all are named so. The class is the outermost folder that is not a split and in which not
    all pictures lie.
    """
    folders = {name: list(PurePosixPath(name).parent.parts) for name in names}
    level = next((level for level in (0, 1) if _is_split_level(folders.values(), level)), None)
    splits = {
        name: normalize_split(parts.pop(level)) if level is not None and len(parts) > level else ""
        for name, parts in folders.items()
    }
    common = _count_common([parts for parts in folders.values() if parts])
    return {
        name: FolderFacts(splits[name], parts[common] if len(parts) > common else None)
        for name, parts in folders.items()
    }


def _is_split_level(folders: Iterable[Sequence[str]], level: int) -> bool:
    names = {parts[level].lower() for parts in folders if len(parts) > level}
    known = {SPLITS[name] for name in names if name in SPLITS}
    return bool(names) and (names <= SPLITS.keys() or (level == 0 and len(known) > 1))


def _count_common(folders: Sequence[Sequence[str]]) -> int:
    """Return the number of outermost folders that all paths share and that hold further folders in every path."""
    if not folders:
        return 0
    shortest = min(len(parts) for parts in folders)
    return next(
        (i for i in range(shortest - 1) if len({parts[i] for parts in folders}) > 1),
        max(0, shortest - 1),
    )
