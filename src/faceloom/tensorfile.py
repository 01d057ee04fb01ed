"""Small safetensors files with a JSON card: written whole, read with suspicion.

Likenesses and directions are kept in them. Knows bytes and tensors, not what they mean. Nothing in such a file can run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from faceloom.errors import CorruptFile, LatentError, StoreError
from faceloom.files import replacing

MAX_BYTES = 64 << 20
MAX_HEADER = 1 << 20
MAX_TENSORS = 512
DTYPES = ("F32", "F16", "BF16")


def save(path: Path, kind: str, version: int, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write tensors and their card; the file is whole or absent.

    Convention: `kind` says what the file is ('likeness'), `version` counts its layout; `card` is plain JSON data.
    Raises StoreError when the disk refuses.
    """
    metadata = {"kind": kind, "version": str(version), "card": json.dumps(card, allow_nan=False, sort_keys=True)}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = safetensors_torch.save(plain, metadata)
    with replacing(Path(path)) as draft:
        draft.write_bytes(content)


def load(path: Path, kind: str, version: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote: `(tensors, card)`, floating tensors as float32, all numbers finite.

    Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is
    something else or comes from a newer faceloom.
    """
    path = Path(path)
    content = _read(path)
    header = _header(path, content)
    card = _card(path, header, kind, version)
    try:
        tensors = safetensors_torch.load(content)
    except (SafetensorError, ValueError, RuntimeError) as error:
        _damaged(path, str(error), error)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            _damaged(path, f"'{name}' holds numbers that are not finite")
    return {name: tensor.float() for name, tensor in tensors.items()}, card


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LatentError(f"{path} is larger than {MAX_BYTES >> 20} MiB", "this is no file of faceloom's")
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check the name of the file") from error


def _header(path: Path, content: bytes) -> dict[str, Any]:
    """Read the header ourselves, before the library sees it: it bounds neither the count nor the types."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= size <= min(MAX_HEADER, len(content) - 8):
        _damaged(path, "it is cut short or no safetensors file")
    try:
        header = json.loads(content[8 : 8 + size])
    except (ValueError, RecursionError) as error:
        _damaged(path, "its header is no JSON", error)
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        _damaged(path, f"its header is no list of at most {MAX_TENSORS} tensors")
    for name, entry in header.items():
        if name != "__metadata__" and (not isinstance(entry, dict) or entry.get("dtype") not in DTYPES):
            _damaged(path, f"'{name[:40]}' is no tensor of {', '.join(DTYPES)}")
    return header


def _card(path: Path, header: Mapping[str, Any], kind: str, version: int) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or metadata.get("kind") != kind:
        raise LatentError(f"{path} is no {kind}", f"give a file that faceloom saved as a {kind}")
    if not str(metadata.get("version")).isdecimal():
        _damaged(path, "its version is no number")
    if int(metadata["version"]) > version:
        raise LatentError(f"{path} was written by a newer faceloom", "update faceloom")
    try:
        card = json.loads(metadata["card"], parse_constant=_no_constant)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        _damaged(path, "its card is no JSON", error)
    if not isinstance(card, dict):
        _damaged(path, "its card is no JSON object")
    return card


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _damaged(path: Path, why: str, cause: Exception | None = None) -> NoReturn:
    raise CorruptFile(f"{path} is damaged: {why}", "save it again, or take it from a backup") from cause
