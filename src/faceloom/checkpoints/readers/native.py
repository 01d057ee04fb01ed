"""faceloom's own format of a network: a safetensors file beside a JSON card. It holds no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from faceloom.assets.archives import sha256_of
from faceloom.checkpoints.check_state import check_state
from faceloom.checkpoints.library import CARD
from faceloom.checkpoints.loaded_network import FAMILIES, LoadedNetwork, summarize
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect_container
from faceloom.errors import CorruptFile, UnknownFormat
from faceloom.files import atomic_write, read_regular

WEIGHTS = "generator.safetensors"
VERSION = 1
"""Version of the card's layout."""

MAX_CARD_BYTES = 1 << 20
"""Maximum size of a card in bytes."""

_IMPORT_AGAIN = "import the network again"


def is_native(path: Path) -> bool:
    """Return whether the path is a folder, or a safetensors file with a card beside it.

    Raises CorruptFile or UnknownFormat as `detect_container` does.
    """
    return path.is_dir() or (detect_container(path) == "safetensors" and path.with_name(CARD).is_file())


def write(loaded: LoadedNetwork, folder: Path, facts: Mapping[str, Any] | None = None) -> Path:
    """Write the network into `folder` and return the folder; `facts` are added to the card.

    The card is written last, so that a folder with a card is complete. Raises StoreError when writing fails.
    """
    folder = Path(folder)
    with atomic_write(folder / WEIGHTS) as draft:
        save_file({name: tensor.contiguous() for name, tensor in loaded.state_dict.items()}, draft)
        sha256 = sha256_of(draft)
    card = {
        "version": VERSION,
        "family": loaded.family,
        "source": loaded.source,
        "config": asdict(loaded.config),
        "notes": list(loaded.notes),
        **summarize(loaded),
        "sha256": sha256,
        **(facts or {}),
    }
    with atomic_write(folder / CARD) as draft:
        draft.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return folder


def read(path: Path) -> LoadedNetwork:
    """Read a network that `write` wrote, given its folder or its safetensors file.

    Raises CorruptFile when a file is damaged or was changed, WrongShape when card and weights do not match,
    UnknownFormat when the card is missing or from a newer faceloom.
    """
    weights = Path(path) / WEIGHTS if Path(path).is_dir() else Path(path)
    _check_header(weights)
    card = read_card(weights.with_name(CARD))
    try:
        network, config_class = FAMILIES[card["family"]]
        config = config_class(**{name: _as_tuple(value) for name, value in card["config"].items()})
        source, notes, sha256 = str(card["source"]), tuple(card["notes"]), card["sha256"]
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(f"{CARD} of {weights.parent} is damaged: {error}", _IMPORT_AGAIN) from error
    state = _read_weights(weights)
    if sha256_of(weights) != sha256:
        raise CorruptFile(f"{weights} is not the file that its card describes", _IMPORT_AGAIN)
    check_state(network, config, state)
    return LoadedNetwork(card["family"], source, config, state, notes)


def read_card(path: Path) -> dict[str, Any]:
    """Read a card. Raises UnknownFormat when it is missing or too new, CorruptFile when it is damaged."""
    try:
        card = json.loads(read_regular(path, MAX_CARD_BYTES))
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = "safetensors hold no architecture: import the file that they were made from"
        raise UnknownFormat(f"there is no {CARD} beside the weights", hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFile(f"{path} is not a card: {error}", _IMPORT_AGAIN) from error
    if not isinstance(card, dict) or not isinstance(card.get("version"), int):
        raise CorruptFile(f"{path} is not a card: it has no version", _IMPORT_AGAIN)
    if card["version"] > VERSION:
        raise UnknownFormat(f"{path} was written by a newer faceloom", "update faceloom")
    return card


def _check_header(path: Path) -> None:
    try:
        check_safetensors(path)
    except OSError as error:
        raise CorruptFile(f"cannot read {path}: {error.strerror}", _IMPORT_AGAIN) from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", _IMPORT_AGAIN) from error


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
