"""Generators in faceloom's own form: those that come with it, and those that the user imported, a folder each.

An imported one lies beside the published assets, whole or absent. Knows names, folders and cards; `convert` reads the
files and `native` writes them. Lists without loading torch.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from filelock import FileLock

from faceloom.assets.manifest import MANIFEST
from faceloom.errors import AssetError, StoreError, UnknownFormat
from faceloom.settings import Settings

CARD = "card.json"
ENCODER = "encoder.safetensors"
NOT_STATED = "not stated: ask who made it"


def import_checkpoint(
    path: Path, name: str, home: Path | None = None, *, bgr: bool = False, licence: str = "", **more: Any
) -> Path:
    """Convert a generator into the models folder, under `name`; gives its folder.

    Convention: `home` is faceloom's user folder, by default the settings'; `more` goes onto the card. The original
    file is not changed. Two imports under one name at once: the first keeps it.
    Raises AssetError when the name is taken or cannot be a folder's, StoreError when the disk refuses, and what
    `read_checkpoint` raises.
    """
    folder = free_folder(name, home)
    with _staging(folder) as staging:
        _convert(Path(path), staging, bgr, licence=licence or NOT_STATED, **more)
        with FileLock(folder.with_name(f".lock-{name}")):
            free_folder(name, home)
            staging.replace(folder)
    return folder


def convert_checkpoint(path: Path, folder: Path, *, bgr: bool = False) -> Path:
    """Convert a generator into any folder that is empty or not there. Raises as `import_checkpoint`."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StoreError(f"{folder} is there already", "name a folder that is empty or not there")
    return _convert(Path(path), folder, bgr)


def _convert(path: Path, folder: Path, bgr: bool, **more: Any) -> Path:
    """Write what `path` holds into `folder`: the generator, and the encoder beside it where there is one."""
    from faceloom.checkpoints.detect import read_checkpoint, understand
    from faceloom.checkpoints.readers import native
    from faceloom.checkpoints.readers.psp_encoder import save_encoder
    from faceloom.checkpoints.sandbox.process import read_foreign

    if native.is_ours(path):
        foreign, encoder = read_checkpoint(path), path / ENCODER
        if encoder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(encoder, folder / ENCODER)
    else:
        content = read_foreign(path)
        foreign = understand(content, path, bgr)
        more["encoder"] = save_encoder(folder, content)
    if foreign.family.endswith("discriminator"):
        raise UnknownFormat(f"{path.name} holds a discriminator, no generator", "give a file with G_ema or g_ema in it")
    beside = "state_dict.encoder." if more.get("encoder") == "read" else "/"  # no name begins so
    unused = [name for name in foreign.unused_keys if not name.startswith(beside)]
    return native.write(foreign, folder, origin=path.name, unused_keys=unused, **more)


def free_folder(name: str, home: Path | None = None) -> Path:
    """Where a model of that name would lie. Raises AssetError when the name is taken or cannot be one."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise AssetError(f"'{name}' cannot be a model's name", "use up to 64 letters, digits, '.', '_' and '-'")
    folder = (Settings().models if home is None else Path(home) / "models") / name
    if name in MANIFEST or name in shipped_cards():
        raise AssetError(f"'{name}' is the name of a published model", "choose another name")
    if folder.exists():
        raise AssetError(f"there is a model '{name}' already", f"choose another name, or faceloom models remove {name}")
    return folder


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that vanishes unless it is moved away."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=f".importing-{folder.name}.", dir=folder.parent))
        draft.chmod(0o755)
    except OSError as error:
        raise StoreError(f"cannot write {folder.parent}: {error.strerror}", "set FACELOOM_HOME") from error
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def shipped_cards() -> dict[str, Mapping[str, Any]]:
    """The card of every generator that comes with faceloom, by name."""
    return _cards(_shipped())


def imported_cards() -> dict[str, Mapping[str, Any]]:
    """Every imported generator's card by name; what is damaged is left out."""
    return _cards(Settings().models)


def _shipped() -> Path:
    return Path(str(resources.files("faceloom"))) / "data" / "generators"


def _cards(folder: Path) -> dict[str, Mapping[str, Any]]:
    cards: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob(f"[!.]*/{CARD}")):
        try:
            card = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(card, dict) and {"family", "config", "parameters"} <= card.keys():
            cards[path.parent.name] = card
    return cards


def generator_place(name: str) -> Path:
    """Where a generator lies: a shipped or an imported one's folder by its name, or any checkpoint by its path.

    A name goes before a folder of that name; './NAME' is the folder. Raises AssetError when it means nothing.
    """
    path = Path(name)
    is_named = path.name == name and (name in shipped_cards() or name in imported_cards())
    if path.is_file() or ((path / CARD).is_file() and not is_named):
        return path
    return _shipped() / name if name in shipped_cards() else imported_folder(name)


def imported_folder(name: str) -> Path:
    """The folder of an imported generator. Raises AssetError with the nearest names when there is none."""
    cards = imported_cards()
    if name not in cards:
        published = (asset.name for asset in MANIFEST.values() if asset.kind == "generator")
        known = [*cards, *shipped_cards(), *published]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}; or give a checkpoint's file"
        raise AssetError(f"there is no generator '{name}'", hint)
    return Settings().models / name


def remove_model(name: str) -> None:
    """Delete an imported generator. Raises AssetError when there is none of that name, or it was not imported."""
    if name in shipped_cards():
        raise AssetError(f"{name} comes with faceloom", "only imported generators can be removed")
    folder = imported_folder(name)
    doomed = folder.with_name(f".removed-{name}")
    try:
        shutil.rmtree(doomed, ignore_errors=True)
        shutil.rmtree(folder.replace(doomed))
    except OSError as error:
        raise StoreError(f"cannot remove {folder}: {error.strerror}", "is it another user's?") from error
