"""faceloom's own form of a network: safetensors beside a JSON card. Nothing in it can run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from faceloom.checkpoints.library import CARD
from faceloom.checkpoints.loaded_network import FAMILIES, LoadedNetwork, summary
from faceloom.checkpoints.readers.rename import check_state
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect
from faceloom.errors import CorruptFile, UnknownFormat
from faceloom.files import replacing

WEIGHTS = "generator.safetensors"
VERSION = 1


def is_ours(path: Path) -> bool:
    """Whether `read` reads a path: a folder or a safetensors file. Raises CorruptFile or UnknownFormat as `detect`."""
    return path.is_dir() or detect(path) == "safetensors"


def write(foreign: LoadedNetwork, folder: Path, **more: Any) -> Path:
    """Write the network into `folder`; `more` goes onto the card as it is. Gives the folder.

    The card comes last, so that a folder with one is whole. Raises StoreError when the disk refuses.
    """
    folder = Path(folder)
    with replacing(folder / WEIGHTS) as draft:
        save_file({name: tensor.contiguous() for name, tensor in foreign.state_dict.items()}, draft)
        sha256 = _sha256(draft)
    card = {
        "version": VERSION,
        "family": foreign.family,
        "source": foreign.source,
        "config": asdict(foreign.config),
        "notes": list(foreign.notes),
        **summary(foreign),
        "sha256": sha256,
        **more,
    }
    with replacing(folder / CARD) as draft:
        draft.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return folder


def read(path: Path) -> LoadedNetwork:
    """Read a network that `write` wrote, by its folder or its safetensors file.

    Raises CorruptFile when a file is damaged or was changed, WrongShape when card and weights do not fit each other,
    UnknownFormat when the card is missing or from a newer faceloom.
    """
    weights = Path(path) / WEIGHTS if Path(path).is_dir() else Path(path)
    _check_header(weights)
    card = read_card(weights.with_name(CARD))
    try:
        network, config_class = FAMILIES[card["family"]]
        config = config_class(**{name: _hashable(value) for name, value in card["config"].items()})
        source, notes, sha256 = str(card["source"]), tuple(card["notes"]), card["sha256"]
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(f"{CARD} of {weights.parent} is damaged: {error}", "import the network again") from error
    state = _weights(weights)
    if _sha256(weights) != sha256:
        raise CorruptFile(f"{weights} is not the file that its card describes", "import the network again")
    check_state(network, config, state)
    return LoadedNetwork(card["family"], source, config, state, notes)


def read_card(path: Path) -> dict[str, Any]:
    """Read a card. Raises UnknownFormat or CorruptFile."""
    try:
        if path.stat().st_size > 1 << 20:
            raise CorruptFile(f"{path} is larger than a card", "import the network again")
        card = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = "safetensors hold no architecture: import the file that they were made from"
        raise UnknownFormat(f"there is no {CARD} beside the weights", hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFile(f"{path} is no card: {error}", "import the network again") from error
    if not isinstance(card, dict) or not isinstance(card.get("version"), int):
        raise CorruptFile(f"{path} is no card", "import the network again")
    if card["version"] > VERSION:
        raise UnknownFormat(f"{path} was written by a newer faceloom", "update faceloom")
    return card


def _check_header(path: Path) -> None:
    try:
        check_safetensors(path)
    except OSError as error:
        raise CorruptFile(f"cannot read {path}: {error.strerror}", "import the network again") from error


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "import the network again") from error


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
