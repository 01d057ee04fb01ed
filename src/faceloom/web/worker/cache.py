"""The likenesses of visits: on disk in each visit's folder, and in memory as long as they are played with.

Knows files and what was forgotten: of a visit that is over nothing is written any more. Safe for several threads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any

from faceloom import likeness
from faceloom.errors import FaceloomError, StoreError
from faceloom.likeness import Likeness
from faceloom.networks.generator import Generator
from faceloom.web.sliders import SliderCurves

REMEMBERED = 8  # people whose weights are kept ready
LIKENESSES = 64
FRAMES = 1200  # pictures drawn ahead, of all people together: about 30 kB each


class Forgotten(FaceloomError):
    """The visit was erased while something was made for it: nothing of it may be written."""


@dataclass(frozen=True)
class Shown:
    """Who is to be drawn: a person's base (`''` as found, or a number of a mixture), moved by coefficients."""

    folder: str
    person: str
    base: str = ""
    coefficients: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Shown:
        """Out of a message."""
        return cls(args["folder"], args["person"], args.get("base", ""), args.get("coefficients", {}))

    @property
    def path(self) -> Path:
        """The base's likeness."""
        return Path(self.folder) / f"{self.person}{'.' if self.base else ''}{self.base}.likeness"

    @property
    def own(self) -> Path:
        """The likeness as found, which holds the tuning of all."""
        return Path(self.folder) / f"{self.person}.likeness"


class Shelf:
    """What is remembered of people. `load` opens a likeness, `tune` gives the generator as tuned to one."""

    def __init__(self, load: Callable[[Path], Likeness], tune: Callable[[Likeness], Generator]) -> None:
        self.open, self.tune = load, tune
        self.lock = RLock()
        self.forgotten: set[str] = set()
        self.likenesses: OrderedDict[Path, Likeness] = OrderedDict()
        self.weights: OrderedDict[Path, tuple[Likeness, Generator]] = OrderedDict()
        self.rails: dict[Path, SliderCurves] = {}
        self.frames: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    def load(self, shown: Shown) -> Likeness:
        """A base with the person's own tuning. Raises StoreError when it is gone."""
        with self.lock:
            own = self._loaded(shown.own)
            base = own if not shown.base else self._loaded(shown.path)
            return base if base is own else replace(base, delta=own.delta)

    def _loaded(self, path: Path) -> Likeness:
        if path not in self.likenesses:
            self.likenesses[path] = self.open(path)
            _bound(self.likenesses, LIKENESSES)
        self.likenesses.move_to_end(path)
        return self.likenesses[path]

    def keep(self, shown: Shown, person: Likeness) -> None:
        """Write a base down."""
        with self.writing(shown.folder, shown.path.stem):
            likeness.save(person, shown.path)
            self.likenesses[shown.path] = self.open(shown.path)

    def generator_of(self, shown: Shown) -> Generator:
        """The generator as tuned to a person, kept ready."""
        person = self.load(shown)
        with self.lock:
            known = self.weights.get(shown.own)
            if known is None or known[0].delta is not person.delta:
                known = self.weights[shown.own] = (person, self.tune(person))
                _bound(self.weights, REMEMBERED)
            self.weights.move_to_end(shown.own)
            return known[1]

    def frame(self, key: tuple[Any, ...]) -> bytes | None:
        """A picture that was drawn ahead."""
        with self.lock:
            return self.frames.get(key)

    def store_frame(self, folder: str, key: tuple[Any, ...], picture: bytes) -> None:
        """Keep a picture in memory, unless the visit is over."""
        with self.lock:
            if not {folder, f"{folder}/{key[1]}"} & self.forgotten:
                self.frames[key] = picture
                _bound(self.frames, FRAMES)

    def drop_frames(self, shown: Shown, name: str = "") -> None:
        """Drop what was drawn ahead of a base, or of one slider of it: it would be drawn otherwise now."""
        with self.lock:
            mine = (shown.folder, shown.person, shown.base)
            for key in [key for key in self.frames if key[:3] == mine and name in ("", key[4])]:
                del self.frames[key]

    @contextmanager
    def writing(self, folder: str, name: str = "") -> Iterator[None]:
        """Write into a visit's folder; of somebody whose files begin with `name`. Raises Forgotten for who is gone."""
        with self.lock:
            if {folder, f"{folder}/{name}", f"{folder}/{name.partition('.')[0]}"} & self.forgotten:
                raise Forgotten("the visit is over")
            try:
                Path(folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"cannot write to the booth's folder: {error.strerror}", "is the disk full?"
                ) from error
            yield

    def forget(self, folder: str, prefix: str = "") -> None:
        """Drop what is remembered of a visit, or of those whose files begin so; of a visit nothing is written again."""
        with self.lock:
            self.forgotten.add(f"{folder}/{prefix}" if prefix else folder)
            memories: tuple[dict[Path, Any], ...] = (self.likenesses, self.weights, self.rails)
            for memory in memories:
                for path in [path for path in memory if str(path.parent) == folder and path.name.startswith(prefix)]:
                    del memory[path]
            for key in [key for key in self.frames if key[0] == folder and key[1].startswith(prefix)]:
                del self.frames[key]


def _bound(memory: OrderedDict[Any, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)
