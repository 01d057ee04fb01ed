"""The cache folder of pulled assets: their state, verification before use, and a quarantine for damaged files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from faceloom.assets.archives import sha256_of
from faceloom.assets.manifest import Asset, find_asset
from faceloom.errors import AssetError
from faceloom.files import read_regular
from faceloom.settings import Settings

CARD = "asset.json"
LICENSE_FILE = "LICENSE"

MAX_CARD_BYTES = 1 << 20
"""Maximum size of a JSON file beside the assets in bytes."""


def asset_folder(name: str) -> Path:
    """Return the folder of an asset, whether it was pulled or not."""
    return Settings().models / name


def is_pulled(name: str) -> bool:
    """Return whether the asset was pulled from the current archives with the current conversion; verifies no file."""
    return _read_hashes(name) is not None


def find_damaged_files(name: str) -> list[str]:
    """Hash every file of a pulled asset, and return the names of those that changed since the pull.

    Raises AssetError when the asset was not pulled.
    """
    return [
        file for file, sha256 in _expected_hashes(name).items() if not _has_sha256(asset_folder(name) / file, sha256)
    ]


def open_asset(name: str) -> Path:
    """Return the folder of an asset; every file's sha256 is checked at its first use in this process.

    Raises AssetError when it was not pulled, or is damaged: then its folder is moved to the quarantine.
    """
    folder = asset_folder(name)
    if all(_is_verified(folder / file, sha256) for file, sha256 in _expected_hashes(name).items()):
        return folder
    damaged = find_damaged_files(name)  # checked again: a pull may have replaced the files meanwhile
    if damaged:
        raise AssetError(
            f"{', '.join(damaged)} of {name}: not the bytes that were pulled; moved to {quarantine(folder)}",
            f"faceloom models pull {name}",
        )
    return folder


def quarantine(path: Path) -> Path:
    """Move a damaged file or folder to the quarantine folder, replacing one of the same name; return its new path.

    A path that cannot be moved, for lack of permission, is returned unchanged.
    """
    target = Settings().home / "quarantine" / path.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        return path.replace(target)
    except OSError:
        return path


def list_sources(asset: Asset) -> list[dict[str, str]]:
    """Return the archives of an asset as its card lists them."""
    return [{"archive": a.requirement, "file": a.filename, "sha256": a.sha256} for a in asset.archives]


def _expected_hashes(name: str) -> dict[str, str]:
    hashes = _read_hashes(name)
    if hashes is None:
        raise AssetError(f"the model files '{name}' are not installed", f"faceloom models pull {name}")
    return hashes


def _read_hashes(name: str) -> dict[str, str] | None:
    """Read the sha256 of each file from the asset's card; return None for a missing, damaged or outdated card."""
    asset = find_asset(name)
    try:
        card = json.loads(read_regular(asset_folder(name) / CARD, MAX_CARD_BYTES))
        hashes = {str(file): str(facts["sha256"]) for file, facts in card["files"].items()}
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    return hashes if _is_current(card, asset) and set(hashes) == set(asset.files) else None


def _is_current(card: Mapping[str, Any], asset: Asset) -> bool:
    return card.get("revision") == asset.revision and card.get("sources") == list_sources(asset)


def _is_verified(path: Path, sha256: str) -> bool:
    """Return whether a file has this sha256; the result is cached until the file's size or time changes."""
    try:
        status = path.stat()
    except OSError:
        return False
    return _checked_once(path, sha256, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _checked_once(path: Path, sha256: str, size: int, mtime_ns: int) -> bool:
    return _has_sha256(path, sha256)


def _has_sha256(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
