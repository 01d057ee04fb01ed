"""Caches of the worker: likenesses with their tuned weights and slider curves, and previews drawn in advance.

All of them are safe for several threads, and none writes files of a visit that was erased.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition, RLock
from typing import Any

from faceloom.edit.regions import BasePicture, RegionReader
from faceloom.errors import FaceloomError, StoreError
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.networks.early_exit import ExitHead
from faceloom.networks.generator import Generator
from faceloom.web.sliders import SliderCurves
from faceloom.web.worker.messages import PersonRef
from faceloom.web.worker.turns import SUFFIX, is_turn, load_turns, save_turns, sum_turns, turn_name

MAX_TUNED_GENERATORS = 8  # people whose tuned generator stays in memory
MAX_BASE_PICTURES = 4  # people whose unedited picture keeps its features in memory; about 70 MB each
MAX_LIKENESSES = 64  # likenesses that stay in memory
MAX_PREVIEWS = 1200  # previews of all people together that stay in memory; about 30 kB each


class VisitErased(FaceloomError):
    """The visit or the person was erased while a task worked for it; its files are not written."""


class ErasedFiles:
    """The visits and people whose files must not be written any more, and the lock that guards every write."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.ended = Condition(self.lock)  # notified at the end of each block of `working`
        self.names: set[str] = set()
        self.busy: Counter[str] = Counter()  # folders in which long work writes

    def add(self, folder: str, prefix: str = "") -> None:
        """Add a visit's folder, or the files in it that begin with `prefix`.

        Waits until a write in progress ends, and for a whole folder until long work in it ends, which must have been
        canceled before.
        """
        with self.lock:
            self.names.add(f"{folder}/{prefix}" if prefix else folder)
            while not prefix and self.busy[folder]:
                self.ended.wait()

    def covers(self, folder: str, name: str = "") -> bool:
        """Return whether the folder, the file stem `name` in it, or the person that the stem belongs to was erased."""
        with self.lock:
            return not self.names.isdisjoint({folder, f"{folder}/{name}", f"{folder}/{name.partition('.')[0]}"})

    @contextmanager
    def working(self, folder: str) -> Iterator[None]:
        """Let the caller write into a visit's folder by long work, which checks often whether it was canceled.

        Creates the folder. Raises VisitErased when it was erased, StoreError when it is not writable.
        """
        with self.writing(folder):
            self.busy[folder] += 1
        try:
            yield
        finally:
            with self.ended:
                self.busy[folder] -= 1
                self.ended.notify_all()

    @contextmanager
    def writing(self, folder: str, name: str = "") -> Iterator[None]:
        """Hold the lock while the caller writes into a visit's folder a file whose stem is `name`.

        Creates the folder. Raises VisitErased when the files were erased, StoreError when the folder is not writable.
        """
        with self.lock:
            if self.covers(folder, name):
                raise VisitErased("the visit is over")
            try:
                Path(folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"cannot write to the booth's folder: {error.strerror}", "check that the disk is not full"
                ) from error
            yield


@dataclass(frozen=True, eq=False)
class TunedGenerator:
    """A likeness and the generator with its tuned weights."""

    likeness: Likeness
    G: Generator


class LikenessCache:
    """The likenesses of the visits, their tuned generators, their slider curves, and their turns.

    `open_file` reads a likeness file; `tuned_generator` returns the generator with the tuned weights of a likeness;
    `read_regions` reads the regions of its pictures, or is None when edits change the whole picture; by `heads` the
    generator ends early for smaller pictures.
    """

    def __init__(
        self,
        open_file: Callable[[Path], Likeness],
        tuned_generator: Callable[[Likeness], Generator],
        read_regions: RegionReader | None,
        erased: ErasedFiles,
        heads: Mapping[int, ExitHead],
    ) -> None:
        self.heads = heads
        self.open_file, self.tuned_generator, self.read_regions = open_file, tuned_generator, read_regions
        self.erased, self.lock = erased, erased.lock
        self.likenesses: OrderedDict[Path, Likeness] = OrderedDict()
        self.generators: OrderedDict[Path, TunedGenerator] = OrderedDict()
        self.pictures: OrderedDict[Path, BasePicture] = OrderedDict()
        self.curves: dict[Path, SliderCurves] = {}
        self.turns: dict[Path, dict[str, WPlus]] = {}

    def load(self, person: PersonRef) -> Likeness:
        """Return a person's base, unmoved, with the weights tuned for the person. Raises StoreError without a file."""
        with self.lock:
            encoded = self._load_file(person.encoded_path)
            if not person.base:
                return encoded
            return replace(self._load_file(person.path), delta=encoded.delta)

    def _load_file(self, path: Path) -> Likeness:
        if path not in self.likenesses:
            self.likenesses[path] = self.open_file(path)
            _remove_oldest(self.likenesses, MAX_LIKENESSES)
        self.likenesses.move_to_end(path)
        return self.likenesses[path]

    def save(self, person: PersonRef, base: Likeness) -> None:
        """Write a base to its file. Raises VisitErased, StoreError."""
        with self.erased.writing(person.folder, person.path.stem):
            base.save(person.path)
            self.likenesses[person.path] = self.open_file(person.path)

    def generator_of(self, person: PersonRef) -> Generator:
        """Return the generator with a person's tuned weights."""
        base = self.load(person)
        with self.lock:
            tuned = self.generators.get(person.encoded_path)
            if tuned is None or tuned.likeness.delta is not base.delta:
                tuned = self.generators[person.encoded_path] = TunedGenerator(base, self.tuned_generator(base))
                _remove_oldest(self.generators, MAX_TUNED_GENERATORS)
            self.generators.move_to_end(person.encoded_path)
            return tuned.G

    def picture_of(self, person: PersonRef) -> BasePicture:
        """Return the picture of a person's base, which edits change in some regions only."""
        base, G = self.load(person), self.generator_of(person)
        latent = base.outside
        with self.lock:
            picture = self.pictures.get(person.path)
            if picture is None or picture.G is not G or picture.w_plus is not latent:
                picture = self.pictures[person.path] = BasePicture(G, self.read_regions, latent, self.heads)
                _remove_oldest(self.pictures, MAX_BASE_PICTURES)
            self.pictures.move_to_end(person.path)
            return picture

    def turn_of(self, person: PersonRef) -> WPlus | None:
        """Return the change of a base's latent by the turns among a person's coefficients; None without any."""
        names = [name for name in person.coefficients if is_turn(name)]
        if not names:
            return None
        path = person.path.with_suffix(SUFFIX)
        with self.lock:
            if any(name not in self.turns.get(path, {}) for name in names):  # perhaps another worker has written it
                self.turns[path] = load_turns(path)
            return sum_turns(self.turns[path], person.coefficients)

    def add_turn(self, person: PersonRef, values: Mapping[str, float], change: WPlus) -> str:
        """Store a turn of a base in its file, and return its name. Raises VisitErased, StoreError."""
        path = person.path.with_suffix(SUFFIX)
        with self.erased.writing(person.folder, person.path.stem):
            turns = load_turns(path)
            name = turn_name(len(turns) + 1, values)
            turns[name] = change
            save_turns(path, turns)
            self.turns[path] = turns
            return name

    def forget(self, folder: str, prefix: str = "") -> None:
        """Drop what is cached of a folder's files that begin with `prefix`."""
        with self.lock:
            caches: tuple[dict[Path, Any], ...] = (
                self.likenesses,
                self.generators,
                self.pictures,
                self.curves,
                self.turns,
            )
            for cache in caches:
                for path in [path for path in cache if str(path.parent) == folder and path.name.startswith(prefix)]:
                    del cache[path]


@dataclass(frozen=True)
class PreviewKey:
    """A preview of one slider position: person, coefficients before it, slider, value, size, and style."""

    folder: str
    person: str
    base: str
    coefficients: tuple[tuple[str, float], ...]
    slider: str
    value: float
    size: int
    style: str = ""

    @classmethod
    def of(cls, person: PersonRef, slider: str, value: float, size: int) -> PreviewKey:
        """Return the key of a slider's position; coefficients are rounded to 4 digits."""
        coefficients = tuple(sorted((name, round(value, 4)) for name, value in person.coefficients.items()))
        return cls(person.folder, person.person, person.base, coefficients, slider, value, size, person.style)


class PreviewCache:
    """JPEG previews of slider positions, the oldest of which are dropped first."""

    def __init__(self, erased: ErasedFiles) -> None:
        self.erased, self.lock = erased, erased.lock
        self.jpegs: OrderedDict[PreviewKey, bytes] = OrderedDict()

    def get(self, key: PreviewKey) -> bytes | None:
        """Return a preview, or None when it was not drawn yet."""
        with self.lock:
            return self.jpegs.get(key)

    def add(self, key: PreviewKey, jpeg: bytes) -> None:
        """Add a preview, unless the visit was erased."""
        with self.lock:
            if not self.erased.covers(key.folder, key.person):
                self.jpegs[key] = jpeg
                _remove_oldest(self.jpegs, MAX_PREVIEWS)

    def drop(self, person: PersonRef, slider: str = "") -> None:
        """Drop the previews of a base, or of one slider of it, because they would look different now."""
        base = (person.folder, person.person, person.base)
        with self.lock:
            for key in list(self.jpegs):
                if (key.folder, key.person, key.base) == base and slider in ("", key.slider):
                    del self.jpegs[key]

    def forget(self, folder: str, prefix: str = "") -> None:
        """Drop the previews of a folder's people whose names begin with `prefix`."""
        with self.lock:
            for key in [key for key in self.jpegs if key.folder == folder and key.person.startswith(prefix)]:
                del self.jpegs[key]


def _remove_oldest(cache: OrderedDict[Any, Any], limit: int) -> None:
    while len(cache) > limit:
        cache.popitem(last=False)
