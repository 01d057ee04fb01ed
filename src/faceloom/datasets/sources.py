"""Sources of pictures and sounds: folders, zips, Hugging Face image folders, WebDataset shards and videos.

A source yields one record per picture, in an order that depends on names only, and opens each picture when requested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import cast

from PIL import Image

from faceloom.datasets.archives import READ_ERRORS, FileTree, open_tree
from faceloom.datasets.folders import TABLE_NAMES, FolderFacts, StrippedTree, find_top_folder, read_folders
from faceloom.datasets.metadata import SPLIT_COLUMN, PictureFacts, Table, TableConfig, parse_facts, read_table
from faceloom.errors import ImageError, SoundError, StoreError
from faceloom.files import open_regular
from faceloom.images import Photo, open_photo
from faceloom.images.clip import open_clip
from faceloom.images.kinds import EXTRA_KINDS
from faceloom.images.tensors import Pixels
from faceloom.label_columns import Columns
from faceloom.marks.source_type import read_marks
from faceloom.sounds.read import SOUND_ENDINGS, decode_sound
from faceloom.sounds.spectrogram import Spectrogram, to_levels

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
SIDECAR_ENDINGS = (".cls", ".json", ".txt")
"""Endings of files that belong to a picture of the same name in WebDataset shards."""

ALSO_HINT = "TIFF and BMP files are read with --also tiff,bmp"
MAX_SOUND_BYTES = 64 << 20  # maximum size of one sound of a dataset
MAX_SOUND_SECONDS = 60.0  # maximum length of one sound of a dataset
MAX_SIDECAR_BYTES = 1 << 20  # maximum size that is read of a .json or .cls file beside a picture


@dataclass(frozen=True)
class Record:
    """One picture of a source. `read` opens it upright in sRGB, with the marks in its file, or raises ImageError.

    It is RGB, or of any kind of `images.channels.COLORS` where the source keeps channels.
    """

    name: str
    read: Callable[[], Photo]
    facts: PictureFacts = field(default_factory=PictureFacts)

    def open(self) -> Image.Image:
        """Open the picture upright in sRGB. Raises ImageError."""
        return self.read().image


@dataclass(frozen=True)
class Source:
    """Pictures to be read once, in order.

    `count` is the expected number of pictures, 0 when unknown; `left_out` the number that conditions excluded;
    `has_labels` says whether pictures are expected to have labels; `notes` are sentences for the user; `columns`
    describe the labels of a dataset of faceloom.
    """

    kind: str
    records: Iterable[Record]
    count: int = 0
    left_out: int = 0
    has_labels: bool = False
    notes: Sequence[str] = ()
    columns: Columns = ()


@dataclass(frozen=True)
class SourceConfig:
    """Settings for reading a source."""

    labels: str = "auto"  # 'auto': from the table; 'none'; 'folders': the outermost folder that is not a split
    table: Path | None = None  # facts by file name; default: a table in the source, or one of the same name beside it
    reading: TableConfig = field(default_factory=TableConfig)
    every: int = 1  # read every n-th picture or frame
    also: Sequence[str] = ()  # kinds of pictures that are read besides the usual ones: 'TIFF', 'BMP'
    keeps_channels: bool = False  # keep gray, 16-bit gray and transparency instead of converting to RGB
    sound: Spectrogram | None = None  # read sounds instead of pictures, as spectrograms with these settings

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of the files that are read."""
        return SOUND_ENDINGS if self.sound else PICTURE_ENDINGS


def open_source(path: Path, config: SourceConfig | None = None) -> Source:
    """Open a source of pictures in any supported format.

    Raises StoreError when it holds no pictures, is refused (see `open_tree`), or its table cannot be read; ImageError
    and MissingExtra for videos.
    """
    path, config = Path(path), config or SourceConfig()
    is_film = path.suffix.lower() in VIDEO_ENDINGS and not config.sound
    source = _open_video(path) if is_film else _open_collection(path, config)
    records = (record for i, record in enumerate(source.records) if i % config.every == 0)
    has_labels = source.has_labels and config.labels != "none"
    count = -(-source.count // config.every)
    return replace(source, records=records, count=count, has_labels=has_labels)


def open_collection(path: Path, endings: tuple[str, ...] = PICTURE_ENDINGS) -> FileTree:
    """Open a folder or an archive without its common top folder. Raises as `open_tree`."""
    tree = open_tree(path)
    top = find_top_folder([*picture_names(tree, endings), *(name for name in tree.names if _is_table(name))])
    return StrippedTree(tree, top) if top else tree


def _open_video(path: Path) -> Source:
    clip = open_clip(path)

    def frames() -> Iterator[Record]:
        for i, pixels in enumerate(clip.frames()):
            yield Record(f"{path.name}:{i}", partial(_show_frame, pixels), PictureFacts(origin=path.name))

    return Source("film", frames(), round(clip.seconds * clip.fps))


def _show_frame(pixels: Pixels) -> Photo:
    return Photo(Image.fromarray(pixels))


def _open_collection(path: Path, config: SourceConfig) -> Source:
    tree = open_collection(path, config.endings)
    names = picture_names(tree, config.endings)
    if tree.kind == "tar" and _has_sidecars(tree, names):
        tree.close()
        return _open_shards([path], config)
    archives = [tree.path / name for name in tree.names if name.endswith((".tar", ".zip"))]
    if tree.kind == "folder" and not names and archives:
        if all(archive.suffix == ".tar" for archive in archives):
            return _open_shards(archives, config)
        if len(archives) == 1:
            return _open_collection(archives[0], config)
        raise StoreError(f"{path} holds {len(archives)} archives and no {_plural(config)}", "give one of the archives")
    if not names:
        endings = ", ".join(config.endings[:6]) + (" ..." if len(config.endings) > 6 else "")
        raise StoreError(f"{path} holds no {_plural(config)}", f"expected files ending in {endings}")
    return _open_pictures(tree, names, config)


def _plural(config: SourceConfig) -> str:
    return "sounds" if config.sound else "pictures"


def _open_pictures(tree: FileTree, names: Sequence[str], config: SourceConfig) -> Source:
    """Return the source of a tree's pictures, with the facts of its table and of its folders."""
    folders = read_folders(names)
    has_splits = any(folder.split for folder in folders.values())
    reading = replace(config.reading, known_elsewhere=(SPLIT_COLUMN,) if has_splits else ())
    kind, table = _read_tables(tree, replace(config, reading=reading))
    facts = {name: _join_facts(table.facts.get(name), folders[name], config.labels) for name in names}
    if config.labels == "folders" and not any(fact.label is not None for fact in facts.values()):
        raise StoreError(
            f"{tree.path.name} has no folders of classes", "folders named train, val or test are splits; omit --labels"
        )
    wanted = [name for name in names if _is_selected(name, facts[name], table, reading)]
    has_labels = any(fact.label is not None for fact in facts.values())
    records = _from_tree(tree, wanted, facts, config)
    left_out = len(table.left_out) + sum(
        name not in table.left_out and (name in table.facts or _folders_decide(reading))
        for name in set(names) - set(wanted)
    )
    return Source(kind, records, len(wanted), left_out, has_labels, _note_splits(facts, reading), table.columns)


def _join_facts(row: PictureFacts | None, folder: FolderFacts, labels: str) -> PictureFacts:
    facts = row or PictureFacts()
    label = folder.label if labels == "folders" else facts.label
    return replace(facts, label=label, split=facts.split or folder.split)


def _is_selected(name: str, facts: PictureFacts, table: Table, reading: TableConfig) -> bool:
    """Return whether a picture meets the conditions, which its table's row and, for the split, its folders decide."""
    row = table.facts.get(name)
    if name in table.left_out or (reading.where and row is None and not _folders_decide(reading)):
        return False
    if SPLIT_COLUMN not in reading.known_elsewhere or (row and row.split):
        return True
    return all(condition.accepts_split(facts.split) for condition in reading.where if condition.column == SPLIT_COLUMN)


def _folders_decide(reading: TableConfig) -> bool:
    """Return whether the folders alone decide all conditions, so that no table is needed."""
    return all(condition.column in reading.known_elsewhere for condition in reading.where)


def _note_splits(facts: Mapping[str, PictureFacts], reading: TableConfig) -> list[str]:
    """Return a note when pictures of several splits are read together."""
    splits = sorted({fact.split for fact in facts.values() if fact.split})
    if len(splits) < 2 or any(condition.column == SPLIT_COLUMN for condition in reading.where):
        return []
    return [f"the source has the splits {', '.join(splits[:9])}: all are taken; --where split={splits[0]} takes one"]


def _is_table(name: str) -> bool:
    return PurePosixPath(name).name in TABLE_NAMES


def picture_names(tree: FileTree, endings: tuple[str, ...] = PICTURE_ENDINGS) -> list[str]:
    """Return the names of a tree's pictures, or of its sounds, by their endings."""
    return [name for name in tree.names if name.lower().endswith(endings)]


def _has_sidecars(tree: FileTree, names: Sequence[str]) -> bool:
    """Return whether files belong to pictures of the same name, as in a WebDataset shard."""
    keys = {_key(name) for name in names}
    return any(name.lower().endswith(SIDECAR_ENDINGS) and _key(name) in keys for name in tree.names)


def _key(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.partition('.')[0]}"


def _from_tree(
    tree: FileTree, names: Sequence[str], facts: Mapping[str, PictureFacts], config: SourceConfig
) -> Iterator[Record]:
    with closing(tree):
        for name in names:
            yield Record(name, _reader(tree, name, config), facts[name])


def _reader(tree: FileTree, name: str, config: SourceConfig) -> Callable[[], Photo]:
    if config.sound:
        return partial(_open_sound, tree, name, config.sound)
    return partial(open_member, tree, name, config.also, config.keeps_channels)


def _open_sound(tree: FileTree, name: str, settings: Spectrogram) -> Photo:
    """Open a sound of a tree as the gray picture of its spectrogram. Raises SoundError, ImageError, MissingExtra."""
    try:
        with tree.open(name) as stream:
            data = stream.read(MAX_SOUND_BYTES + 1)
    except READ_ERRORS as error:
        raise ImageError(f"it cannot be read: {error}", "download the file again") from error
    if len(data) > MAX_SOUND_BYTES:
        raise SoundError(f"it has more than {MAX_SOUND_BYTES >> 20} MB", "cut it with any sound program")
    samples = decode_sound(data, "the sound", settings.rate, MAX_SOUND_SECONDS)
    return Photo(Image.fromarray(to_levels(samples, settings)), marks=read_marks(data))


def open_member(tree: FileTree, name: str, also: Sequence[str] = (), keeps_channels: bool = False) -> Photo:
    """Open a picture of a tree, of any size; `also` and `keeps_channels` as in `open_photo`.

    Raises ImageError, also for a damaged archive.
    """
    try:
        with tree.open(name) as stream:
            return open_photo(stream, min_side=1, also=also, keeps_channels=keeps_channels)
    except READ_ERRORS as error:
        raise ImageError(f"it cannot be read: {error}", "download the file again") from error
    except ImageError as error:
        if any(f"of the kind {kind}:" in error.message for kind in EXTRA_KINDS):
            raise ImageError(error.message, ALSO_HINT) from error
        raise


def _read_tables(tree: FileTree, config: SourceConfig) -> tuple[str, Table]:
    """Return the kind of the collection and its table; a table given by the config takes precedence."""
    kind = tree.kind
    neighbor = tree.path.with_suffix(".csv")
    if config.table or (kind != "folder" and neighbor.is_file() and "dataset.json" not in tree.names):
        path = config.table or neighbor
        try:
            with open_regular(path) as stream:
                table = read_table(cast(BufferedIOBase, stream), path.name, config.reading)
                return kind, _without_top(table, tree.top)
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}", "check the path") from error
    if "dataset.json" in tree.names:
        return "dataset", _without_top(_read_table(tree, "dataset.json", config.reading), tree.top)
    tables = [name for name in tree.names if _is_table(name) and not name.endswith("dataset.json")]
    if not tables and not _folders_decide(config.reading):
        raise StoreError("the source has no table to select rows from", "give one with --table FILE.csv")
    parts = {name: _read_table(tree, name, config.reading) for name in tables}
    facts = {_path_beside(name, file): row for name, part in parts.items() for file, row in part.facts.items()}
    left_out = {_path_beside(name, file) for name, part in parts.items() for file in part.left_out}
    return "huggingface" if tables else kind, Table(facts, left_out)


def _read_table(tree: FileTree, name: str, reading: TableConfig) -> Table:
    try:
        with tree.open(name) as stream:
            return read_table(stream, name, reading)
    except READ_ERRORS as error:
        raise StoreError(f"cannot read {name}: {error}", "download the file again") from error


def _path_beside(table: str, file: str) -> str:
    return (PurePosixPath(table).parent / file).as_posix()


def _without_top(table: Table, top: str) -> Table:
    """Return the table with names that do not begin with the stripped top folder."""
    return Table(
        {name.removeprefix(top): facts for name, facts in table.facts.items()},
        {name.removeprefix(top) for name in table.left_out},
        table.columns,
    )


def _open_shards(paths: Sequence[Path], config: SourceConfig) -> Source:
    """Open WebDataset shards, in which members of one name form a sample: 17.jpg, 17.cls, 17.json."""
    if config.table or config.labels == "folders" or config.reading.where:
        raise StoreError("shards carry their own labels", "omit --table, --where and --labels folders")
    count, has_labels = 0, False
    for path in paths:
        with closing(open_tree(path)) as tree:
            count += len(picture_names(tree, config.endings))
            has_labels |= next((facts.label is not None for _, _, facts in _samples(tree, config)), False)
    if not count:
        example = "0001.wav" if config.sound else "0001.jpg"
        raise StoreError(f"{paths[0].name} holds no {_plural(config)}", f"expected members like {example}")
    return Source("webdataset", _from_shards(paths, config), count, 0, has_labels)


def _from_shards(paths: Sequence[Path], config: SourceConfig) -> Iterator[Record]:
    for path in paths:
        with closing(open_tree(path)) as tree:
            for name, file, facts in _samples(tree, config):
                record_name = name if len(paths) == 1 else f"{path.name}/{name}"
                yield Record(record_name, _reader(tree, file, config), facts)


def _samples(tree: FileTree, config: SourceConfig) -> Iterator[tuple[str, str, PictureFacts]]:
    """Group a tar's members by key, and yield (name, picture, facts) for each picture."""
    groups: dict[str, dict[str, str]] = {}
    for name in tree.names:
        ending = name.rpartition("/")[2].partition(".")[2]
        groups.setdefault(_key(name), {})[ending.lower()] = name
    for endings in groups.values():
        for ending, name in endings.items():
            if f".{ending}".endswith(config.endings):
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
                column = reading.label_columns[0] if reading.label_columns else "label"
                row |= {column: stream.read(MAX_SIDECAR_BYTES).decode().strip()}
        return parse_facts(row, reading.label_columns)
    except (*READ_ERRORS, ArithmeticError, TypeError, RecursionError):
        return PictureFacts()
