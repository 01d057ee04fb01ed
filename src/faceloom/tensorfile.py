"""Small safetensors files with a JSON card, the format of likenesses and directions.

Files are written atomically and checked when read. They hold no code.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from faceloom.errors import CorruptFile, LatentError, StoreError
from faceloom.files import atomic_write, open_regular

MAX_BYTES = 64 << 20  # of a file
MAX_HEADER = 1 << 20  # bytes of the header
MAX_TENSORS = 512
DTYPES = ("F32", "F16", "BF16")


def save(
    path: Path,
    kind: str,
    version: int,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, Any],
    *,
    seal: Callable[[bytes], bytes] = bytes,
) -> None:
    """Write tensors and their card atomically.

    Convention: `kind` is the type of file ('likeness'), `version` the number of its layout, `card` plain JSON data.
    `seal` adds a signature to the file's content.
    Raises StoreError when the file cannot be written.
    """
    content = encode(kind, version, tensors, card, seal=seal)
    with atomic_write(Path(path)) as draft:
        draft.write_bytes(content)


def encode(
    kind: str,
    version: int,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, Any],
    *,
    seal: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """Return the content of the file that `save` writes."""
    metadata = {"kind": kind, "version": str(version), "card": json.dumps(card, allow_nan=False, sort_keys=True)}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return seal(safetensors_torch.save(contiguous, metadata))


def load(path: Path, kind: str, version: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file that `save` wrote: `(tensors, card)`, tensors as float32 with finite values.

    Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is of another
    kind or from a newer faceloom.
    """
    path = Path(path)
    content = _read_bytes(path)
    header = _read_header(path, content)
    card = _read_card(path, header, kind, version)
    try:
        tensors = safetensors_torch.load(content)
    except (SafetensorError, ValueError, RuntimeError) as error:
        _raise_damaged(path, str(error), error)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            _raise_damaged(path, f"'{name}' holds numbers that are not finite")
    return {name: tensor.float() for name, tensor in tensors.items()}, card


def _read_bytes(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check the name of the file") from error
    if len(content) > MAX_BYTES:
        raise LatentError(f"{path} is larger than {MAX_BYTES >> 20} MiB", "faceloom did not write this file")
    return content


def _read_header(path: Path, content: bytes) -> dict[str, Any]:
    """Parse the header before the library does, because the library limits neither the count nor the types."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= size <= min(MAX_HEADER, len(content) - 8):
        _raise_damaged(path, "it is truncated or not a safetensors file")
    try:
        header = json.loads(content[8 : 8 + size])
    except (ValueError, RecursionError) as error:
        _raise_damaged(path, "its header is not JSON", error)
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        _raise_damaged(path, f"its header is not an object of at most {MAX_TENSORS} tensors")
    for name, entry in header.items():
        if name != "__metadata__" and (not isinstance(entry, dict) or entry.get("dtype") not in DTYPES):
            _raise_damaged(path, f"'{name[:40]}' is not a tensor of {', '.join(DTYPES)}")
    return header


def _read_card(path: Path, header: Mapping[str, Any], kind: str, version: int) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or metadata.get("kind") != kind:
        raise LatentError(f"{path} is not a {kind}", f"give a file that faceloom saved as a {kind}")
    if not re.fullmatch(r"[0-9]{1,9}", str(metadata.get("version"))):
        _raise_damaged(path, "its version is not a number")
    if int(metadata["version"]) > version:
        raise LatentError(f"{path} was written by a newer faceloom", "update faceloom")
    try:
        card = json.loads(metadata["card"], parse_constant=_refuse_constant, parse_float=_parse_finite)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        _raise_damaged(path, "its card is not JSON", error)
    if not isinstance(card, dict):
        _raise_damaged(path, "its card is not a JSON object")
    return card


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")


def _parse_finite(text: str) -> float:
    """Return a number of the card. Raises ValueError for one beyond the range of floats, such as 1e999."""
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text[:40])


def _raise_damaged(path: Path, problem: str, cause: Exception | None = None) -> NoReturn:
    raise CorruptFile(f"{path} is damaged: {problem}", "save it again, or restore it from a backup") from cause
