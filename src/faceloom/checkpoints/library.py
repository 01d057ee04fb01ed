"""The generators shipped with faceloom and those that the user imported: their folders and cards.

Each generator has a folder with `generator.safetensors` and `card.json`. Imported generators are stored beside the
published assets. Does not load torch.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from faceloom.assets.manifest import MANIFEST
from faceloom.errors import AssetError, StoreError
from faceloom.files import read_regular
from faceloom.settings import Settings

CARD = "card.json"
ENCODER = "encoder.safetensors"
LICENSE_NOT_STATED = "not stated: ask the author"


def find_free_folder(name: str, home: Path | None = None) -> Path:
    """Return the folder for a new model of that name.

    Convention: `home` is faceloom's user folder, by default that of the settings.
    Raises AssetError when the name is taken or is not a valid model name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise AssetError(f"'{name}' cannot be a model's name", "use up to 64 letters, digits, '.', '_' and '-'")
    folder = (Settings().models if home is None else Path(home) / "models") / name
    if name in MANIFEST or name in read_shipped_cards():
        raise AssetError(f"'{name}' is the name of a published model", "choose another name")
    if folder.exists():
        raise AssetError(f"there is a model '{name}' already", f"choose another name, or faceloom models remove {name}")
    return folder


def read_shipped_cards() -> dict[str, Mapping[str, Any]]:
    """Return the card of every generator shipped with faceloom, by name."""
    return _read_cards(_shipped_folder())


def read_imported_cards() -> dict[str, Mapping[str, Any]]:
    """Return the card of every imported generator, by name; damaged cards are left out."""
    return _read_cards(Settings().models)


def _shipped_folder() -> Path:
    return Path(str(resources.files("faceloom"))) / "data" / "generators"


def _read_cards(folder: Path) -> dict[str, Mapping[str, Any]]:
    cards: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob(f"[!.]*/{CARD}")):
        try:
            card = json.loads(read_regular(path, 1 << 20))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(card, dict) and {"family", "config", "parameters"} <= card.keys():
            cards[path.parent.name] = card
    return cards


def locate_generator(name: str) -> Path:
    """Return the folder of a shipped or imported generator by its name, or any checkpoint's path unchanged.

    A generator's name takes precedence over a folder of the same name in the working directory; './NAME' means the
    folder. Raises AssetError when no generator matches.
    """
    path = Path(name)
    is_named = path.name == name and (name in read_shipped_cards() or name in read_imported_cards())
    if path.is_file() or ((path / CARD).is_file() and not is_named):
        return path
    return _shipped_folder() / name if name in read_shipped_cards() else locate_imported_generator(name)


def locate_imported_generator(name: str) -> Path:
    """Return the folder of an imported generator. Raises AssetError with the closest names when there is none."""
    cards = read_imported_cards()
    if name not in cards:
        published = (asset.name for asset in MANIFEST.values() if asset.kind == "generator")
        known = [*cards, *read_shipped_cards(), *published]
        close_names = difflib.get_close_matches(name, known, n=1)
        hint = (
            f"did you mean {close_names[0]}?"
            if close_names
            else f"there are {', '.join(known)}; or give a checkpoint's file"
        )
        raise AssetError(f"there is no generator '{name}'", hint)
    return Settings().models / name


def require_rgb(name: str) -> None:
    """Check by its card that a generator draws RGB, without loading it. A file without a card passes.

    Raises AssetError for a generator of gray or transparent pictures, or an unknown name.
    """
    path = locate_generator(name)
    try:
        config = json.loads(read_regular(path / CARD, 1 << 20))["config"] if path.is_dir() else {}
        channels = config.get("img_channels", 3)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return  # a damaged card is reported when the generator is loaded
    if channels != 3:
        raise AssetError(
            f"{path.name} draws pictures of {channels} channels, and networks that read faces need RGB",
            "use a generator that was trained on a dataset made with --colors rgb",
        )


def remove_model(name: str) -> None:
    """Delete an imported generator.

    Raises AssetError when no imported generator has that name, StoreError when its folder cannot be deleted.
    """
    if name in read_shipped_cards():
        raise AssetError(f"{name} comes with faceloom", "only imported generators can be removed")
    folder = locate_imported_generator(name)
    trash = folder.with_name(f".removed-{name}")
    try:
        shutil.rmtree(trash, ignore_errors=True)
        shutil.rmtree(folder.replace(trash))
    except OSError as error:
        raise StoreError(f"cannot remove {folder}: {error.strerror}", "check whether it belongs to you") from error
