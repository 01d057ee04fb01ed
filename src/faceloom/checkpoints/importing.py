"""Import of foreign checkpoints into the models folder, and conversion of checkpoints into any folder.

An import is complete or leaves nothing: it is written to a temporary folder and moved into place.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from filelock import FileLock

from faceloom.checkpoints.detect import identify_network, read_content
from faceloom.checkpoints.face_encoder import save_encoder
from faceloom.checkpoints.library import CARD, ENCODER, LICENSE_NOT_STATED, find_free_folder
from faceloom.checkpoints.readers import native
from faceloom.errors import StoreError, UnknownFormat

KEPT_FACTS = ("bits", "label_columns")
"""Facts of a card that an import keeps: how pictures are saved, and the names and scales of labels."""


def import_checkpoint(
    path: Path,
    name: str,
    home: Path | None = None,
    *,
    bgr: bool = False,
    license: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Convert a generator into the models folder, under `name`, and return its folder.

    Convention: `home` is faceloom's user folder, by default that of the settings; `facts` are added to the card. The
    original file is not changed. When two imports use one name at once, the first that finishes keeps it.
    Raises AssetError when the name is taken or invalid, StoreError when the disk cannot be written, and what
    `read_checkpoint` raises.
    """
    folder = find_free_folder(name, home)
    with _staging_folder(folder) as staging:
        _convert(Path(path), staging, bgr, {"licence": license or LICENSE_NOT_STATED, **(facts or {})})
        with FileLock(folder.with_name(f".lock-{name}")):
            find_free_folder(name, home)
            staging.replace(folder)
    return folder


def convert_checkpoint(path: Path, folder: Path, *, bgr: bool = False) -> Path:
    """Convert a generator into a folder that is empty or does not exist. Raises as `import_checkpoint`."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StoreError(f"{folder} is there already", "name a folder that is empty or not there")
    return _convert(Path(path), folder, bgr, {})


def _convert(path: Path, folder: Path, bgr: bool, facts: Mapping[str, Any]) -> Path:
    """Write the generator of `path` into `folder`, and beside it the encoder if the checkpoint holds one."""
    facts = dict(facts)
    if native.is_native(path):
        loaded, encoder = native.read(path), path / ENCODER
        card = native.read_card(path / CARD if path.is_dir() else path.with_name(CARD))
        facts = {name: card[name] for name in KEPT_FACTS if name in card} | facts
        if encoder.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(encoder, folder / ENCODER)
    else:
        content = read_content(path)
        loaded = identify_network(content, path, bgr)
        facts["encoder"] = save_encoder(folder, content)
    if loaded.family.endswith("discriminator"):
        raise UnknownFormat(
            f"{path.name} holds a discriminator, not a generator", "give a file with G_ema or g_ema in it"
        )
    unused = list(loaded.unused_keys)
    if facts.get("encoder") == "read":
        unused = [name for name in unused if not name.startswith("state_dict.encoder.")]
    return native.write(loaded, folder, {"origin": path.name, "unused_keys": unused, **facts})


@contextmanager
def _staging_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; delete it at the end unless it was moved."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(mkdtemp(prefix=f".importing-{folder.name}.", dir=folder.parent))
        staging.chmod(0o755)
    except OSError as error:
        raise StoreError(f"cannot write {folder.parent}: {error.strerror}", "set FACELOOM_HOME") from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
