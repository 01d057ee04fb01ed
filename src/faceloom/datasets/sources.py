"""Where pictures come from: a folder, a zip, Hugging Face's image folders, WebDataset's shards, a film.

A source gives one record a picture, in an order that depends on names alone, and opens each when asked. Knows how
collections are laid out; not what becomes of the pictures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from faceloom.datasets.archives import DAMAGED, FolderTree, TarTree, Tree, open_tree
from faceloom.datasets.metadata import Facts, Reading, Table, facts_of, read_table
from faceloom.errors import ImageError, StoreError
from faceloom.images import open_photo
from faceloom.images.clip import open_clip

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".heic", ".heif", ".jfif", ".bmp", ".tif", ".tiff")
"""Endings of files that are looked at; other files are not taken for broken pictures."""

FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
METADATA = ("metadata.csv", "metadata.jsonl")
MAX_SIDECAR = 1 << 20


@dataclass(frozen=True)
class Record:
    """One picture of a source. `open` gives it upright in sRGB, or raises ImageError with what is wrong with it."""

    name: str
    open: Callable[[], Image.Image]
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True)
class Source:
    """Pictures to be read once, in order.

    `count` is how many there may be, 0 when that is not known; `left_out` how many the table's conditions left out;
    `labelled` whether pictures are expected to have labels.
    """

    kind: str
    records: Iterable[Record]
    count: int = 0
    left_out: int = 0
    labelled: bool = False


@dataclass(frozen=True)
class SourceConfig:
    """How a source is read."""

    labels: str = "auto"  # 'auto': what a table says; 'none'; 'folders': the outermost folder is the class
    table: Path | None = None  # facts by file name; by default what lies in the source, or beside it with its name
    reading: Reading = field(default_factory=Reading)
    every: int = 1  # take one of so many pictures or frames


def open_source(path: Path, config: SourceConfig | None = None) -> Source:
    """Open a collection of pictures by what it is.

    Raises StoreError when it is none, is refused (see `open_tree`), or a table cannot be read; ImageError and
    MissingExtra for films.
    """
    path, config = Path(path), config or SourceConfig()
    source = _film(path) if path.suffix.lower() in FILMS else _collection(path, config)
    records = (record for i, record in enumerate(source.records) if i % config.every == 0)
    labelled = source.labelled and config.labels != "none"
    return Source(source.kind, records, -(-source.count // config.every), source.left_out, labelled)


def _film(path: Path) -> Source:
    clip = open_clip(path)

    def frames() -> Iterator[Record]:
        for i, pixels in enumerate(clip.frames()):
            yield Record(f"{path.name}:{i}", partial(Image.fromarray, pixels), Facts(origin=path.name))

    return Source("film", frames(), round(clip.seconds * clip.fps))


def _collection(path: Path, config: SourceConfig) -> Source:
    tree = open_tree(path)
    names = _pictures(tree)
    if isinstance(tree, TarTree):
        tree.close()
        return _shards([path], config)
    archives = [tree.path / name for name in tree.names if name.endswith((".tar", ".zip"))]
    if isinstance(tree, FolderTree) and not names and archives:
        if all(archive.suffix == ".tar" for archive in archives):
            return _shards(archives, config)
        if len(archives) == 1:
            return _collection(archives[0], config)
        raise StoreError(f"{path} holds {len(archives)} archives and no picture", "give one of them")
    if not names:
        raise StoreError(f"{path} holds no pictures", f"expected files ending in {', '.join(PICTURES[:6])} ...")
    kind, table = _told(tree, config)
    if config.labels == "folders":
        table = Table({name: _by_folder(name, table) for name in names}, table.left_out)
    if config.reading.where:
        names = [name for name in names if name in table.facts]
    labelled = any(facts.label is not None for facts in table.facts.values())
    return Source(kind, _from_tree(tree, names, table.facts), len(names), table.left_out, labelled)


def _pictures(tree: Tree) -> list[str]:
    return [name for name in tree.names if name.lower().endswith(PICTURES)]


def _from_tree(tree: Tree, names: Sequence[str], facts: Mapping[str, Facts]) -> Iterator[Record]:
    with closing(tree):
        for name in names:
            yield Record(name, partial(open_member, tree, name), facts.get(name, Facts()))


def open_member(tree: Tree, name: str) -> Image.Image:
    """Open a picture of a tree, whatever its size. Raises ImageError, for a damaged archive too."""
    try:
        with tree.open(name) as stream:
            return open_photo(stream, min_side=1).image
    except DAMAGED as error:
        raise ImageError(f"it cannot be read: {error}", "get the file again") from error


def _told(tree: Tree, config: SourceConfig) -> tuple[str, Table]:
    """What kind of collection this is, and what its table says; the table that is given counts before all others."""
    kind = "folder" if isinstance(tree, FolderTree) else "zip"
    beside = tree.path.with_suffix(".csv")
    if config.table or (kind == "zip" and beside.is_file() and "dataset.json" not in tree.names):
        path = config.table or beside
        try:
            with path.open("rb") as stream:
                return kind, read_table(stream, path.name, config.reading)
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}", "check the path") from error
    if "dataset.json" in tree.names:
        return "dataset", _read(tree, "dataset.json", config.reading)
    tables = [name for name in tree.names if PurePosixPath(name).name in METADATA]
    if not tables and config.reading.where:
        raise StoreError("there is no table to choose rows of", "give one: --table FILE.csv")
    parts = {name: _read(tree, name, config.reading) for name in tables}
    facts = {_beside(name, file): one for name, part in parts.items() for file, one in part.facts.items()}
    return "huggingface" if tables else kind, Table(facts, sum(part.left_out for part in parts.values()))


def _read(tree: Tree, name: str, reading: Reading) -> Table:
    try:
        with tree.open(name) as stream:
            return read_table(stream, name, reading)
    except DAMAGED as error:
        raise StoreError(f"cannot read {name}: {error}", "get the file again") from error


def _beside(table: str, file: str) -> str:
    return (PurePosixPath(table).parent / file).as_posix()


def _by_folder(name: str, table: Table) -> Facts:
    known = table.facts.get(name, Facts())
    folder = name.split("/")[0] if "/" in name else None
    return Facts(folder, known.licence, known.origin)


def _shards(paths: Sequence[Path], config: SourceConfig) -> Source:
    """WebDataset: members of one name and several endings belong together, as in 17.jpg, 17.cls, 17.json."""
    if config.table or config.labels == "folders" or config.reading.where:
        raise StoreError("shards carry their own labels", "leave out --table, --where and --labels folders")
    counts, labelled = 0, False
    for path in paths:
        with closing(open_tree(path)) as tree:
            counts += len(_pictures(tree))
            labelled |= next((facts.label is not None for _, _, facts in _samples(tree, config)), False)
    if not counts:
        raise StoreError(f"{paths[0].name} holds no pictures", "expected members like 0001.jpg")
    return Source("webdataset", _from_shards(paths, config), counts, 0, labelled)


def _from_shards(paths: Sequence[Path], config: SourceConfig) -> Iterator[Record]:
    for path in paths:
        with closing(open_tree(path)) as tree:
            for name, file, facts in _samples(tree, config):
                shown = name if len(paths) == 1 else f"{path.name}/{name}"
                yield Record(shown, partial(open_member, tree, file), facts)


def _samples(tree: Tree, config: SourceConfig) -> Iterator[tuple[str, str, Facts]]:
    """Gather a tar's members by key: (name, picture, facts)."""
    together: dict[str, dict[str, str]] = {}
    for name in tree.names:
        folder, _, file = name.rpartition("/")
        key, _, ending = file.partition(".")
        together.setdefault(f"{folder}/{key}", {})[ending.lower()] = name
    for endings in together.values():
        for ending, name in endings.items():
            if f".{ending}".endswith(PICTURES):
                yield name, name, _sidecar(tree, endings, config.reading)


def _sidecar(tree: Tree, endings: Mapping[str, str], reading: Reading) -> Facts:
    """What a sample's .json and .cls say; a damaged one says nothing."""
    row: dict[str, object] = {}
    try:
        if "json" in endings:
            with tree.open(endings["json"]) as stream:
                content = json.loads(stream.read(MAX_SIDECAR))
            row |= content if isinstance(content, dict) else {}
        if "cls" in endings:
            with tree.open(endings["cls"]) as stream:
                row |= {reading.label_column or "label": stream.read(MAX_SIDECAR).decode().strip()}
        return facts_of(row, reading.label_column)
    except (*DAMAGED, RecursionError):
        return Facts()
