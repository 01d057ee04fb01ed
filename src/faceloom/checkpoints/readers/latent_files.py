"""Reader for latents and directions of other code bases: `.npy`, `.npz`, and files written by torch or pickle.

Every file is read in the sandbox, arrays of objects too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from faceloom.checkpoints.sandbox.containers import MAX_ARCHIVE_BYTES
from faceloom.checkpoints.sandbox.process import read_in_sandbox
from faceloom.errors import CorruptFile, LatentError, UnknownFormat
from faceloom.latents import WPlus

Space = Literal["z", "w", "w_plus"]

MAX_BYTES = 2 * MAX_ARCHIVE_BYTES
"""Maximum size of a file in bytes."""

MAX_PEOPLE = 10_000
"""Maximum number of latents in a file."""

_W_NAMES = ("w", "w_plus", "wp", "latent", "latents", "projected_w", "codes", "ws", "dlatent", "dlatents")
_Z_NAMES = ("z", "zs", "z_latent", "latent_z", "z_code", "z_codes", "input_z")
_KNOWN_NAMES = frozenset((*_W_NAMES, *_Z_NAMES))
_OTHER_NAMES = frozenset(
    ("latent_avg", "w_avg", "w_mean", "w_std", "avg", "mean", "std", "img", "image", "images", "noise", "noises")
)
"""Names of arrays beside a latent that are not one."""

_COMPONENT_NAMES = ("lat_comp", "comp", "act_comp")
_FACTOR_NAMES = ("eigvec", "eigen_vectors")


@dataclass(frozen=True, eq=False)
class LatentCode:
    """One person's latent in a file: w_plus `[num_ws, w_dim]`, w `[1, w_dim]` or z `[1, z_dim]`."""

    name: str  # the key, file name or number that the file gives the person
    space: Space
    values: Tensor


def read_codes(
    path: Path, num_ws: int, w_dim: int, z_dim: int | None = None, space: Space | None = None
) -> list[LatentCode]:
    """Read the latents of all people in a file, in the file's order.

    Supports NVIDIA's `projected_w.npz`, plain arrays, dicts and lists of arrays, and the `.pt` files of rosinality's
    projector, pSp, e4e, ReStyle and PTI. People are named by their key, those of one array by their number.
    Convention: `space` is the space of the numbers; by default the names in the file decide between z and w, and the
    shape between w and w_plus. `z_dim` defaults to `w_dim`.
    Raises LatentError when no array has the shape of this generator's latents, CorruptFile, UnknownFormat or
    UnsafePickle for the file itself.
    """
    arrays = read_arrays(path)
    sizes = _Sizes(num_ws, w_dim, z_dim or w_dim)
    codes: list[LatentCode] = []
    for person, group in _group_by_person(arrays).items():
        codes += _choose_codes(person, group, sizes, space, Path(path).stem)
    if not codes:
        expected = f"[n, {sizes.z_dim}]" if space == "z" else f"[n, {num_ws}, {w_dim}]"
        shapes = ", ".join(str(list(array.shape)) for array in list(arrays.values())[:4])
        raise LatentError(
            f"{Path(path).name} holds no latent of this generator: expected {expected}, got {shapes}",
            "name the generator that it was made in with --generator, or the space with --space",
        )
    if len(codes) > MAX_PEOPLE:
        raise LatentError(f"{Path(path).name} holds {len(codes)} latents", f"split it: at most {MAX_PEOPLE} are read")
    _refuse_infinite(((code.name, code.values) for code in codes), Path(path).name)
    return codes


def read_latents(path: Path, num_ws: int, w_dim: int) -> WPlus:
    """Read the w or w_plus of all people in a file: `[n, num_ws, w_dim]`; a single w is repeated for every layer.

    Raises as `read_codes`, and LatentError for z, which only the generator can turn into w.
    """
    codes = read_codes(path, num_ws, w_dim)
    if any(code.space == "z" for code in codes):
        raise LatentError(f"{Path(path).name} holds z, not w", "import it with --space z")
    return torch.stack([code.values.expand(num_ws, -1) for code in codes])


@dataclass(frozen=True)
class _Sizes:
    """The sizes of a generator's latents."""

    num_ws: int
    w_dim: int
    z_dim: int


def name_part(name: str) -> str:
    """Return the last part of a full name in lower case: 'a.jpg.latent' -> 'latent'."""
    return name.rpartition(".")[2].lower()


def _group_by_person(arrays: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Group arrays by person, because a file can hold several of one: w and z, image, noise.

    Convention: the key is the person's name, '' for arrays of the whole file; the inner key is the array's own name.
    """
    split = {name: _split_name(name) for name in arrays if not _OTHER_NAMES.intersection(name.lower().split("."))}
    has_named = any(own_name.lower() in _KNOWN_NAMES for _, own_name in split.values())
    groups: dict[str, dict[str, Tensor]] = {}
    for name, (person, own_name) in split.items():
        if has_named and own_name.lower() in _KNOWN_NAMES:
            groups.setdefault(person, {})[own_name] = arrays[name]
        elif not has_named:
            first, _, rest = name.partition(".")
            groups[rest if rest and first.lower() in _KNOWN_NAMES else name] = {"": arrays[name]}
    return groups


def _split_name(name: str) -> tuple[str, str]:
    """Return the person and the own name of an array: 'a.jpg.latent' -> 'a.jpg', 'latent'; 'w.3' -> '3', 'w'."""
    person, _, own_name = name.rpartition(".")
    if own_name.isdecimal() and name_part(person) in _KNOWN_NAMES:
        return _join(person.rpartition(".")[0], own_name), name_part(person)
    return person, own_name


def _choose_codes(
    person: str, group: Mapping[str, Tensor], sizes: _Sizes, space: Space | None, stem: str
) -> list[LatentCode]:
    """Return the latents in one person's arrays: of those with known names the first that fits, else of all."""
    preferred = (*_Z_NAMES, *_W_NAMES) if space == "z" else (*_W_NAMES, *_Z_NAMES)
    names = {name.lower(): name for name in group}
    ordered = [names[name] for name in preferred if name in names]
    ordered = ordered or list(group)
    for name in ordered:
        own_space = space or _space_of_name(name or name_part(person), stem)
        if own_space == "w_or_w_plus" and name.lower() in _Z_NAMES:
            own_space = "z"
        rows = _split_people(group[name], sizes, own_space)
        if rows:
            names_of_rows = [person] if len(rows) == 1 and person else [_join(person, str(i)) for i in range(len(rows))]
            return [
                LatentCode(_printable(label), row_space, row)
                for label, (row_space, row) in zip(names_of_rows, rows, strict=True)
            ]
    return []


def _space_of_name(name: str, stem: str) -> str:
    """Return the space that an array's name, or without one the file's name, states: 'z', or 'w_or_w_plus'."""
    words = re.split(r"[^a-z]+", (name or stem).lower())
    return "z" if name.lower() in _Z_NAMES or (not name and "z" in words and "w" not in words) else "w_or_w_plus"


def _split_people(array: Tensor, sizes: _Sizes, space: str) -> list[tuple[Space, Tensor]]:
    """Return (space, `[rows, dim]`) of every person in an array; an empty list when its shape does not fit."""
    dim = sizes.z_dim if space == "z" else sizes.w_dim
    if array.ndim < 1 or array.shape[-1] != dim or not array.numel():
        return []
    is_w_plus = array.ndim > 1 and array.shape[-2] == sizes.num_ws and space in ("w_plus", "w_or_w_plus")
    if is_w_plus:
        return [("w_plus", person) for person in array.reshape(-1, sizes.num_ws, dim)]
    if space == "w_plus" or (array.ndim > 2 and array.shape[-2] != 1):
        return []
    return [("z" if space == "z" else "w", person[None]) for person in array.reshape(-1, dim)]


def _join(person: str, number: str) -> str:
    return f"{person}.{number}" if person else number


def _printable(name: str) -> str:
    """Return a name from a file without characters that a terminal would act on."""
    return "".join(char if char.isprintable() else "?" for char in name)[:120]


def read_directions(path: Path) -> dict[str, Tensor]:
    """Read directions by name, each `[w_dim]` or `[num_ws, w_dim]`, as stored, not normalized.

    Supports InterFaceGAN's boundaries `[1, w_dim]`, the `[num_ws, w_dim]` of Puzer's and pbaylies' code, GANSpace's
    components and the factors of rosinality's SeFa, which are the columns of a matrix (named 'component0' ...), and
    files of several named arrays. Raises LatentError when no array has such a shape, or one is not finite,
    CorruptFile, UnknownFormat or UnsafePickle for the file itself.
    """
    arrays = read_arrays(path)
    own_names = {name_part(name): name for name in arrays}
    directions: dict[str, Tensor] = {}
    if factors := next((n for n in _FACTOR_NAMES if n in own_names), None):
        matrix = arrays[own_names[factors]]
        columns = matrix.T if matrix.ndim == 2 else ()
        directions = {f"component{i}": column.contiguous() for i, column in enumerate(columns)}
    elif components := next((n for n in _COMPONENT_NAMES if n in own_names), None):
        array = arrays[own_names[components]]
        rows = array.flatten(1) if array.ndim > 1 else array[None]
        directions = {f"component{i}": row for i, row in enumerate(rows)}
    else:
        squeezed = {n: a.squeeze(0) if a.ndim > 1 and len(a) == 1 else a for n, a in arrays.items()}
        directions = {n: a for n, a in squeezed.items() if a.ndim in (1, 2) and a.shape[-1] > 1}
        if len(directions) == 1:
            directions = {Path(path).stem: next(iter(directions.values()))}
    if not directions:
        raise LatentError(f"{Path(path).name} holds no direction", "give an array [w_dim] or [num_ws, w_dim]")
    _refuse_infinite(directions.items(), Path(path).name)
    return directions


def _refuse_infinite(arrays: Iterable[tuple[str, Tensor]], file: str) -> None:
    for name, array in arrays:
        if not torch.isfinite(array).all():
            raise CorruptFile(f"{name} of {file} holds numbers that are not finite", "get the file again")


def read_arrays(path: Path) -> dict[str, Tensor]:
    """Read every numeric array in a file, as float32 tensors by name, in the file's order.

    Arrays of text are left out. Raises CorruptFile for a damaged file, UnsafePickle for one with names that could
    harm, UnknownFormat for another format or a file without arrays of numbers.
    """
    path = Path(path)
    try:
        is_large = path.stat().st_size > MAX_BYTES
    except OSError as error:
        raise CorruptFile(f"cannot read {path}: {error.strerror}", "check the name of the file") from error
    if is_large:
        raise CorruptFile(f"{path.name} is larger than {MAX_BYTES >> 20} MB", "give a file of latents or directions")
    content = read_in_sandbox(path, "latents")
    if not content.tensors:
        reason = next((f"; {reason}" for reason in content.unread.values()), "")
        raise UnknownFormat(f"{path.name} holds no array of numbers{reason}", "nothing in the file was run")
    return {name.removeprefix("latents").removeprefix("."): t.float() for name, t in content.tensors.items()}
