"""The job of encoding many photos: which photos, where their likenesses go, and what became of each."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faceloom.errors import StoreError
from faceloom.invert.budget import EncodeConfig
from faceloom.workflows.encode_many.places import Folder, Place, parse_place, parse_source

SUFFIX = ".likeness"
RECORDS = ".encode"  # folder of the job's records in the output; it is hidden, so that no likeness is looked for in it


@dataclass(frozen=True)
class PhotoTask:
    """A photo to encode: the index of its source, its name there, and the name of its likenesses without an ending."""

    source: int
    name: str
    target: str

    def output(self, every_face: bool, number: int = 0) -> str:
        """Return the name of the likeness of a face."""
        return f"{self.target}-{number}{SUFFIX}" if every_face else f"{self.target}{SUFFIX}"


@dataclass(frozen=True)
class EncodeJob:
    """The settings that every worker needs. `every_face` encodes all faces of a photo in place of the largest."""

    sources: tuple[Place, ...]
    output: Place
    config: EncodeConfig
    every_face: bool = False

    def address(self, task: PhotoTask) -> str:
        """Return the path or URL of a photo."""
        return self.sources[task.source].address(task.name)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a photo.

    `people` holds the facts about each likeness; it is empty for one that a lost worker had finished. A photo that
    failed has the `code` of the error, its message and a hint.
    """

    photo: str
    faces: int = 0
    people: tuple[Mapping[str, Any], ...] = ()
    code: str = ""
    error: str = ""
    hint: str = ""

    @property
    def has_failed(self) -> bool:
        """Return whether there is no likeness."""
        return bool(self.code)

    def to_json(self) -> str:
        """Return the outcome as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Outcome:
        """Read an outcome that `to_json` wrote."""
        facts = json.loads(line)
        return cls(**facts | {"people": tuple(facts["people"])})


def find_photos(sources: Sequence[Path | str], output: Path | str) -> tuple[tuple[Place, ...], Place, list[PhotoTask]]:
    """List the photos of all sources: files, folders with all that is below them, and URLs of either.

    Likeness files and what lies in the output are no photos. `sub/a.jpg` of a folder becomes `sub/a`, and with its
    ending, `sub/a.jpg`, where several photos would share the name.
    Raises StoreError when there are no photos, and for two that even then share a name.
    """
    target = parse_place(output)
    found = [parse_source(source) for source in sources]
    photos = [
        (number, name)
        for number, (place, names) in enumerate(found)
        for name in names
        if not name.endswith(SUFFIX) and not _is_below(place.address(name), target)
    ]
    if not photos:
        raise StoreError("there are no photos to encode", "give photos, or folders of photos")
    return tuple(place for place, _ in found), target, _name_outputs(photos)


def _is_below(address: str, place: Place) -> bool:
    separator = os.sep if isinstance(place, Folder) else "/"
    return address.startswith(place.address().rstrip(separator) + separator)


def _name_outputs(photos: Iterable[tuple[int, str]]) -> list[PhotoTask]:
    """Give every photo a name of its own for its likenesses."""
    photos = list(photos)
    stems = Counter(_stem(name) for _, name in photos)
    tasks = [PhotoTask(source, name, _stem(name) if stems[_stem(name)] == 1 else name) for source, name in photos]
    twice = [name for name, count in Counter(task.target for task in tasks).items() if count > 1]
    if twice:
        raise StoreError(f"two photos are named {twice[0]}", "encode the folders one by one, with an output for each")
    return tasks


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_name(path.stem))
