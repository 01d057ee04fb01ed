"""The user's folder of pulled assets: what lies there, whether it is whole, and a quarantine for what is not.

Knows folders, hashes and the manifest; not how anything gets there, nor what the weights mean.
"""

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
from faceloom.settings import Settings

CARD = "asset.json"
LICENCE = "LICENSE"


def folder_of(name: str) -> Path:
    """Where the asset lies, or would lie."""
    return Settings().models / name


def is_there(name: str) -> bool:
    """Whether the asset was pulled, from the archives and by the conversion of today; its bytes are not looked at."""
    return _hashes(name) is not None


def damaged_files(name: str) -> list[str]:
    """List the files of a pulled asset whose bytes are not those that were written; hashes every one.

    Raises AssetError when the asset is not there.
    """
    return [file for file, sha256 in _expected(name).items() if not _has_sha256(folder_of(name) / file, sha256)]


def open_asset(name: str) -> Path:
    """Give the folder of an asset, every file's sha256 checked at the first use in this process.

    Raises AssetError when it is not there, or damaged: then the folder has moved to the quarantine.
    """
    folder = folder_of(name)
    if all(_is_verified(folder / file, sha256) for file, sha256 in _expected(name).items()):
        return folder
    damaged = damaged_files(name)  # looks again: a pull may have put newer files there meanwhile
    if damaged:
        raise AssetError(
            f"{', '.join(damaged)} of {name}: not the bytes that were pulled; moved to {quarantine(folder)}",
            f"faceloom models pull {name}",
        )
    return folder


def quarantine(path: Path) -> Path:
    """Move a damaged file or folder out of the way, in place of an earlier one of that name; give its new place.

    What cannot be moved, in a folder that is not ours to write, stays where it is.
    """
    target = Settings().home / "quarantine" / path.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        return path.replace(target)
    except OSError:
        return path


def sources_of(asset: Asset) -> list[dict[str, str]]:
    """Name the archives that an asset is made from, as its card does."""
    return [{"archive": a.requirement, "file": a.filename, "sha256": a.sha256} for a in asset.archives]


def _expected(name: str) -> dict[str, str]:
    hashes = _hashes(name)
    if hashes is None:
        raise AssetError(f"the model files '{name}' are not there", f"faceloom models pull {name}")
    return hashes


def _hashes(name: str) -> dict[str, str] | None:
    """Read the sha256 of each file from the asset's card; None when there is no card, or one of other times."""
    asset = find_asset(name)
    try:
        card = json.loads((folder_of(name) / CARD).read_text(encoding="utf-8"))
        hashes = {str(file): str(facts["sha256"]) for file, facts in card["files"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return hashes if _is_current(card, asset) and set(hashes) == set(asset.files) else None


def _is_current(card: Mapping[str, Any], asset: Asset) -> bool:
    return card.get("revision") == asset.revision and card.get("sources") == sources_of(asset)


def _is_verified(path: Path, sha256: str) -> bool:
    """Check one file, or remember that it was checked and has not been touched since."""
    try:
        facts = path.stat()
    except OSError:
        return False
    return _checked_once(path, sha256, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=256)
def _checked_once(path: Path, sha256: str, size: int, mtime_ns: int) -> bool:
    return _has_sha256(path, sha256)


def _has_sha256(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
