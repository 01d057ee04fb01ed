"""Reader for latents and directions of other code bases: `.npy`, `.npz`, and files written by torch or pickle.

Pickles are read in the sandbox; arrays of objects are refused.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceloom.checkpoints.sandbox.process import read_in_sandbox
from faceloom.errors import CorruptFile, LatentError, UnsafePickle
from faceloom.latents import WPlus

MAX_BYTES = 64 << 20
"""Maximum size of all arrays in a file, in bytes; 1000 latents of 18 x 512 float32 take 37 MB."""

MAX_ARRAYS = 1000
"""Maximum number of arrays in an `.npz` file."""

_LATENT_NAMES = ("w", "w_plus", "wp", "latent", "latents", "projected_w", "codes", "latents.latents")
_COMPONENT_NAMES = ("lat_comp", "comp", "act_comp")


def read_latents(path: Path, num_ws: int, w_dim: int) -> WPlus:
    """Read latents: `[n, num_ws, w_dim]`.

    Supports NVIDIA's `projected_w.npz`, plain arrays of w or w_plus, and the `.pt` files of rosinality's projector,
    pSp, e4e, ReStyle and PTI. A single `w` is repeated for every layer. Raises LatentError when no array has the shape
    of this generator's latents, CorruptFile or UnsafePickle for the file itself.
    """
    arrays = read_arrays(path)
    full_names = {name.rpartition(".")[2]: name for name in arrays}
    named = [arrays[full_names[name]] for name in _LATENT_NAMES if name in full_names]
    for array in named or list(arrays.values()):
        if (w_plus := _to_w_plus(array, num_ws, w_dim)) is not None:
            return w_plus
    shapes = ", ".join(str(list(array.shape)) for array in list(arrays.values())[:4])
    raise LatentError(
        f"{path.name} holds no latent of this generator: expected [n, {num_ws}, {w_dim}], got {shapes}",
        "name the generator that it was made in with --generator",
    )


def read_directions(path: Path) -> dict[str, Tensor]:
    """Read directions by name, each `[w_dim]` or `[num_ws, w_dim]`, as stored, not normalized.

    Supports InterFaceGAN's boundaries `[1, w_dim]`, the `[num_ws, w_dim]` of Puzer's and pbaylies' code, GANSpace's
    components (named 'component0' ...), and files of several named arrays. Raises LatentError when no array has
    such a shape, CorruptFile or UnsafePickle for the file itself.
    """
    arrays = read_arrays(path)
    full_names = {name.rpartition(".")[2]: name for name in arrays}
    for name in _COMPONENT_NAMES:
        if name in full_names:
            components = arrays[full_names[name]]
            rows = components.flatten(1) if components.ndim > 1 else components[None]
            return {f"component{i}": row for i, row in enumerate(rows)}
    squeezed = {
        name: array.squeeze(0) if array.ndim > 1 and len(array) == 1 else array for name, array in arrays.items()
    }
    directions = {name: array for name, array in squeezed.items() if array.ndim in (1, 2) and array.shape[-1] > 1}
    if not directions:
        raise LatentError(f"{path.name} holds no direction", "give an array [w_dim] or [num_ws, w_dim]")
    return {path.stem: next(iter(directions.values()))} if len(directions) == 1 else directions


def read_arrays(path: Path) -> dict[str, Tensor]:
    """Read every numeric array in a file, as float32 tensors by name.

    Raises CorruptFile for a damaged file, UnsafePickle for one that holds objects, UnknownFormat for another format.
    """
    path = Path(path)
    try:
        is_small = path.stat().st_size <= 2 * MAX_BYTES
        head = path.read_bytes()[:6] if is_small else b""
        if head == b"\x93NUMPY":
            arrays: Mapping[str, Any] = {path.stem: _read_npy(path.read_bytes(), allow_text=False)}
        elif head[:4] == b"PK\x03\x04" and _is_npz(path):
            arrays = _read_npz(path)
        else:
            arrays = read_in_sandbox(path, "latents").tensors
    except OSError as error:
        raise CorruptFile(f"cannot read {path}: {error.strerror}", "check the name of the file") from error
    except (ValueError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise CorruptFile(f"{path.name} is damaged: {str(error)[:200]}", "get the file again") from error
    tensors = {name: torch.as_tensor(array).float() for name, array in arrays.items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CorruptFile(f"{name} of {path.name} holds numbers that are not finite", "get the file again")
    return tensors


def _is_npz(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return all(name.endswith(".npy") for name in archive.namelist())


def _read_npz(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if sum(info.file_size for info in infos) > MAX_BYTES or len(infos) > MAX_ARRAYS:
            raise ValueError(f"more than {MAX_BYTES >> 20} MB, or more than {MAX_ARRAYS} arrays")
        arrays = {info.filename.removesuffix(".npy"): _read_npy(archive.read(info)) for info in infos}
    return {name: array for name, array in arrays.items() if array is not None}


def _read_npy(data: bytes, allow_text: bool = True) -> Any:
    """Return a numeric array as float32, or None for an array of text when `allow_text` is set.

    NumPy parses the header, a Python literal; the declared size is compared with the bytes that follow.
    Raises UnsafePickle for an array of objects, ValueError for a wrong size.
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(file)
    if allow_text and dtype.kind in "USb":
        return None
    if dtype.hasobject or dtype.kind not in "fiu":
        raise UnsafePickle(f"the file holds an array of '{dtype.str[:20]}', not of numbers", "nothing in it was run")
    body = data[file.tell() :]
    if math.prod(shape) * dtype.itemsize != len(body) or any(n < 0 for n in shape):
        raise ValueError(f"an array of {list(shape)[:8]} does not have {len(body)} bytes")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if is_fortran else "C").astype(np.float32)


def _to_w_plus(array: Tensor, num_ws: int, w_dim: int) -> WPlus | None:
    """Return the array as latents `[n, num_ws, w_dim]`, or None when its shape does not fit."""
    if array.ndim < 1 or array.shape[-1] != w_dim or not array.numel():
        return None
    if array.ndim > 3:
        array = array.flatten(0, -3)
    if array.ndim == 3:
        return array if array.shape[1] == num_ws else array.expand(-1, num_ws, -1) if array.shape[1] == 1 else None
    if array.ndim == 2 and len(array) == num_ws:
        return array[None]
    return array.reshape(-1, 1, w_dim).expand(-1, num_ws, -1).contiguous()
