"""Sources of pictures: folders, zips, Hugging Face image folders, WebDataset shards and videos.

A source yields one record per picture, in an order that depends on names only, and opens each picture when requested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from faceloom.datasets.archives import READ_ERRORS, FileTree, FolderTree, TarTree, open_tree
from faceloom.datasets.metadata import PictureFacts, Table, TableConfig, parse_facts, read_table
from faceloom.errors import ImageError, StoreError
from faceloom.images import open_photo
from faceloom.images.clip import open_clip

PICTURE_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".avif",
    ".heic",
    ".heif",
    ".jfif",
    ".bmp",
    ".tif",
    ".tiff",
)
"""Endings of files that are read as pictures; other files are ignored."""

VIDEO_ENDINGS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
TABLE_NAMES = ("metadata.csv", "metadata.jsonl")
MAX_SIDECAR_BYTES = 1 << 20  # maximum size that is read of a .json or .cls file beside a picture


@dataclass(frozen=True)
class Record:
    """One picture of a source. `open` returns it upright in sRGB, or raises ImageError."""

    name: str
    open: Callable[[], Image.Image]
    facts: PictureFacts = field(default_factory=PictureFacts)


@dataclass(frozen=True)
class Source:
    """Pictures to be read once, in order.

    `count` is the expected number of pictures, 0 when unknown; `left_out` the number that the table's conditions
    excluded; `has_labels` says whether pictures are expected to have labels.
    """

    kind: str
    records: Iterable[Record]
    count: int = 0
    left_out: int = 0
    has_labels: bool = False


@dataclass(frozen=True)
class SourceConfig:
    """Settings for reading a source."""

    labels: str = "auto"  # 'auto': from the table; 'none'; 'folders': the outermost folder is the class
    table: Path | None = None  # facts by file name; default: a table in the source, or one of the same name beside it
    reading: TableConfig = field(default_factory=TableConfig)
    every: int = 1  # read every n-th picture or frame


def open_source(path: Path, config: SourceConfig | None = None) -> Source:
    """Open a source of pictures in any supported format.

    Raises StoreError when it holds no pictures, is refused (see `open_tree`), or its table cannot be read; ImageError
    and MissingExtra for videos.
    """
    path, config = Path(path), config or SourceConfig()
    source = _open_video(path) if path.suffix.lower() in VIDEO_ENDINGS else _open_collection(path, config)
    records = (record for i, record in enumerate(source.records) if i % config.every == 0)
    has_labels = source.has_labels and config.labels != "none"
    return Source(source.kind, records, -(-source.count // config.every), source.left_out, has_labels)


def _open_video(path: Path) -> Source:
    clip = open_clip(path)

    def frames() -> Iterator[Record]:
        for i, pixels in enumerate(clip.frames()):
            yield Record(f"{path.name}:{i}", partial(Image.fromarray, pixels), PictureFacts(origin=path.name))

    return Source("film", frames(), round(clip.seconds * clip.fps))


def _open_collection(path: Path, config: SourceConfig) -> Source:
    tree = open_tree(path)
    names = _picture_names(tree)
    if isinstance(tree, TarTree):
        tree.close()
        return _open_shards([path], config)
    archives = [tree.path / name for name in tree.names if name.endswith((".tar", ".zip"))]
    if isinstance(tree, FolderTree) and not names and archives:
        if all(archive.suffix == ".tar" for archive in archives):
            return _open_shards(archives, config)
        if len(archives) == 1:
            return _open_collection(archives[0], config)
        raise StoreError(f"{path} holds {len(archives)} archives and no pictures", "give one of the archives")
    if not names:
        raise StoreError(f"{path} holds no pictures", f"expected files ending in {', '.join(PICTURE_ENDINGS[:6])} ...")
    kind, table = _read_tables(tree, config)
    if config.labels == "folders":
        table = Table({name: _label_by_folder(name, table) for name in names}, table.left_out)
    if config.reading.where:
        names = [name for name in names if name in table.facts]
    has_labels = any(facts.label is not None for facts in table.facts.values())
    return Source(kind, _from_tree(tree, names, table.facts), len(names), table.left_out, has_labels)


def _picture_names(tree: FileTree) -> list[str]:
    return [name for name in tree.names if name.lower().endswith(PICTURE_ENDINGS)]


def _from_tree(tree: FileTree, names: Sequence[str], facts: Mapping[str, PictureFacts]) -> Iterator[Record]:
    with closing(tree):
        for name in names:
            yield Record(name, partial(open_member, tree, name), facts.get(name, PictureFacts()))


def open_member(tree: FileTree, name: str) -> Image.Image:
    """Open a picture of a tree, of any size. Raises ImageError, also for a damaged archive."""
    try:
        with tree.open(name) as stream:
            return open_photo(stream, min_side=1).image
    except READ_ERRORS as error:
        raise ImageError(f"it cannot be read: {error}", "download the file again") from error


def _read_tables(tree: FileTree, config: SourceConfig) -> tuple[str, Table]:
    """Return the kind of the collection and its table; a table given by the config takes precedence."""
    kind = "folder" if isinstance(tree, FolderTree) else "zip"
    neighbor = tree.path.with_suffix(".csv")
    if config.table or (kind == "zip" and neighbor.is_file() and "dataset.json" not in tree.names):
        path = config.table or neighbor
        try:
            with path.open("rb") as stream:
                return kind, read_table(stream, path.name, config.reading)
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}", "check the path") from error
    if "dataset.json" in tree.names:
        return "dataset", _read_table(tree, "dataset.json", config.reading)
    tables = [name for name in tree.names if PurePosixPath(name).name in TABLE_NAMES]
    if not tables and config.reading.where:
        raise StoreError("the source has no table to select rows from", "give one with --table FILE.csv")
    parts = {name: _read_table(tree, name, config.reading) for name in tables}
    facts = {_path_beside(name, file): row for name, part in parts.items() for file, row in part.facts.items()}
    return "huggingface" if tables else kind, Table(facts, sum(part.left_out for part in parts.values()))


def _read_table(tree: FileTree, name: str, reading: TableConfig) -> Table:
    try:
        with tree.open(name) as stream:
            return read_table(stream, name, reading)
    except READ_ERRORS as error:
        raise StoreError(f"cannot read {name}: {error}", "download the file again") from error


def _path_beside(table: str, file: str) -> str:
    return (PurePosixPath(table).parent / file).as_posix()


def _label_by_folder(name: str, table: Table) -> PictureFacts:
    facts = table.facts.get(name, PictureFacts())
    folder = name.split("/")[0] if "/" in name else None
    return PictureFacts(folder, facts.license, facts.origin)


def _open_shards(paths: Sequence[Path], config: SourceConfig) -> Source:
    """Open WebDataset shards, in which members of one name form a sample: 17.jpg, 17.cls, 17.json."""
    if config.table or config.labels == "folders" or config.reading.where:
        raise StoreError("shards carry their own labels", "omit --table, --where and --labels folders")
    count, has_labels = 0, False
    for path in paths:
        with closing(open_tree(path)) as tree:
            count += len(_picture_names(tree))
            has_labels |= next((facts.label is not None for _, _, facts in _samples(tree, config)), False)
    if not count:
        raise StoreError(f"{paths[0].name} holds no pictures", "expected members like 0001.jpg")
    return Source("webdataset", _from_shards(paths, config), count, 0, has_labels)


def _from_shards(paths: Sequence[Path], config: SourceConfig) -> Iterator[Record]:
    for path in paths:
        with closing(open_tree(path)) as tree:
            for name, file, facts in _samples(tree, config):
                record_name = name if len(paths) == 1 else f"{path.name}/{name}"
                yield Record(record_name, partial(open_member, tree, file), facts)


def _samples(tree: FileTree, config: SourceConfig) -> Iterator[tuple[str, str, PictureFacts]]:
    """Group a tar's members by key, and yield (name, picture, facts) for each picture."""
    groups: dict[str, dict[str, str]] = {}
    for name in tree.names:
        folder, _, file = name.rpartition("/")
        key, _, ending = file.partition(".")
        groups.setdefault(f"{folder}/{key}", {})[ending.lower()] = name
    for endings in groups.values():
        for ending, name in endings.items():
            if f".{ending}".endswith(PICTURE_ENDINGS):
                yield name, name, _sidecar(tree, endings, config.reading)


def _sidecar(tree: FileTree, endings: Mapping[str, str], reading: TableConfig) -> PictureFacts:
    """Read the facts in a sample's .json and .cls; damaged ones are ignored."""
    row: dict[str, object] = {}
    try:
        if "json" in endings:
            with tree.open(endings["json"]) as stream:
                content = json.loads(stream.read(MAX_SIDECAR_BYTES))
            row |= content if isinstance(content, dict) else {}
        if "cls" in endings:
            with tree.open(endings["cls"]) as stream:
                row |= {reading.label_column or "label": stream.read(MAX_SIDECAR_BYTES).decode().strip()}
        return parse_facts(row, reading.label_column)
    except (*READ_ERRORS, RecursionError):
        return PictureFacts()
