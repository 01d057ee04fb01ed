"""Detection of a weight file's container by its content, never by its name, and reading of the data tree in it."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceloom.checkpoints.sandbox.stand_ins import NumpyArray, Storage, Unknown
from faceloom.checkpoints.sandbox.unpickle import TORCH_MAGIC, ListedUnpickler, read_torch_stream
from faceloom.errors import CorruptFile, UnknownFormat
from faceloom.files import open_regular

Container = Literal["safetensors", "zip", "torch stream", "pickle", "npy"]

MAX_ARCHIVE_BYTES = 64 << 20
"""Maximum size of all arrays of an `.npz` file in bytes; 1000 latents of 18 x 512 float32 take 37 MB."""

MAX_ARRAYS = 10_000
"""Maximum number of arrays in an `.npz` file."""

_REFUSED = {
    b"\x89HDF": "an HDF5 file (Keras?)",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"<": "a web page or XML: the download went wrong",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; run git lfs pull",
}
"""First bytes of file formats that hold no readable network, and their descriptions."""

_ACCEPTED = "give a .pkl, .pt, .pth or .safetensors file of a generator"


def detect_container(path: Path) -> Container:
    """Return the container format of a file, detected by its first bytes.

    Raises UnknownFormat for an unsupported format, CorruptFile for an empty or unreadable file.
    """
    try:
        with open_regular(path) as file:
            head = file.read(32)
    except OSError as error:
        raise CorruptFile(f"cannot read {path}: {error.strerror}", "check the name of the file") from error
    if not head:
        raise CorruptFile(f"{path.name} is empty", "get the file again")
    for magic, description in _REFUSED.items():
        if head.startswith(magic):
            raise UnknownFormat(f"{path.name} is {description}", _ACCEPTED)
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(TORCH_MAGIC):
        return "torch stream"
    if head[8:9] == b"{":
        return "safetensors"
    if head[0] == 0x80 and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "pickle"
    raise UnknownFormat(f"{path.name} is not a weight file that faceloom knows", _ACCEPTED)


def read_tree(path: Path, allow_arrays: bool = False) -> tuple[Any, int]:
    """Read a file into a tree of dicts, lists, numbers and stand-ins, and return it with the size of its content.

    Convention: `allow_arrays` also reads NumPy's `.npy` and `.npz`. The size is that of the file, or of the unpacked
    arrays, in bytes. Runs in the child process.
    Raises UnsafePickle for a name that could harm, UnknownFormat for a TorchScript archive, CorruptFile for a
    damaged archive; the unpickler raises built-in exceptions for other damage.
    """
    container = detect_container(path)
    with open_regular(path) as file:
        data = file.read()
    if container == "npy":
        if not allow_arrays:
            raise UnknownFormat("the file is a NumPy array: a latent or a direction, not a network", _ACCEPTED)
        return read_npy(io.BytesIO(data), len(data)), len(data)
    if container == "zip":
        return _read_zip(data, allow_arrays)
    if container == "torch stream":
        return read_torch_stream(io.BytesIO(data)), len(data)
    return ListedUnpickler(io.BytesIO(data)).load(), len(data)


def read_npy(file: io.BytesIO, size: int) -> Any:
    """Read a NumPy array of numbers or, as a list, of objects; an array of text or dates becomes an `Unknown`.

    NumPy parses the header, a Python literal; the declared size is compared with the bytes that follow, of `size` in
    all. Objects are unpickled as everywhere. Raises ValueError for a wrong size.
    """
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(file)
    if dtype == np.dtype(object):
        return _list_objects(ListedUnpickler(file).load())
    if dtype.hasobject or dtype.kind not in "fiub":
        return Unknown(f"numpy array of '{dtype.str[:20]}'")
    left = size - file.tell()
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != left:
        raise ValueError(f"an array of {list(shape)[:8]} does not have {left} bytes")
    array = NumpyArray()
    array.array = np.frombuffer(file.read(), dtype).reshape(shape, order="F" if is_fortran else "C")
    return array


def _list_objects(content: Any) -> Any:
    """Return the objects of an array of objects; an array of one object is that object."""
    items = content.items if isinstance(content, NumpyArray) and content.items is not None else content
    return items[0] if isinstance(items, list) and len(items) == 1 else items


def _read_npz(archive: zipfile.ZipFile) -> tuple[dict[str, Any], int]:
    """Read the arrays of an `.npz` file by name, and return them with their size in bytes.

    No member may unpack to more than its header states, or to more than MAX_ARCHIVE_BYTES with all others.
    """
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > MAX_ARCHIVE_BYTES or len(infos) > MAX_ARRAYS:
        raise CorruptFile(
            f"the archive holds more than {MAX_ARCHIVE_BYTES >> 20} MB, or more than {MAX_ARRAYS} arrays",
            "save fewer arrays in one file",
        )
    arrays: dict[str, Any] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if name in arrays or info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CorruptFile("the archive holds a name twice, or is not as NumPy packs it", "get the file again")
        content = io.BytesIO(_read_member(archive, info))
        arrays[name] = read_npy(content, info.file_size)
    return arrays, sum(info.file_size for info in infos)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack a member in pieces. Raises CorruptFile when it has another size than its header states."""
    pieces, left = [], info.file_size
    with archive.open(info) as member:
        while piece := member.read(min(left, 1 << 20) or 1):
            pieces.append(piece)
            left -= len(piece)
            if left < 0:
                break
    if left:
        raise CorruptFile(f"{info.filename[:80]} does not have the size that its header states", "get the file again")
    return b"".join(pieces)


def _read_zip(data: bytes, allow_arrays: bool) -> tuple[Any, int]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if allow_arrays and members and all(name.endswith(".npy") for name in members):
            return _read_npz(archive)
        _check_members(archive, members, len(data))
        root = next((name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")), None)
        if root is None:
            raise UnknownFormat("the zip archive holds no torch network", "unpack it and give the weight file")
        if any(name.startswith((f"{root}code/", f"{root}constants.pkl")) for name in members):
            raise UnknownFormat(
                "the file is a TorchScript program, not weights", "export the network's state_dict with torch.save"
            )
        if f"{root}byteorder" in members and archive.read(f"{root}byteorder") != b"little":
            raise CorruptFile(
                "the file was written on a machine of another byte order", "save it again on a little-endian machine"
            )
        storages: dict[str, Storage] = {}

        def storage(pid: tuple[Any, ...]) -> Storage:
            _, kind, key, _, numel, *_ = pid
            if str(key) not in storages:
                part = storages[str(key)] = Storage(kind, numel)
                part.data = archive.read(f"{root}data/{key}")
            return storages[str(key)]

        return ListedUnpickler(io.BytesIO(archive.read(f"{root}data.pkl")), storage).load(), len(data)


def _check_members(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], size: int) -> None:
    """Raise CorruptFile for an archive that torch would not write: compressed, encrypted, duplicate or overlapping."""
    infos = archive.infolist()
    if len(members) != len(infos):
        raise CorruptFile("the zip archive holds the same name twice", "get the file again")
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
        raise CorruptFile("the zip archive is compressed or encrypted; torch does neither", "get the file again")
    if sum(info.file_size for info in infos) > size:
        raise CorruptFile("the zip archive holds more than its own size: its members overlap", "get the file again")


def check_safetensors(path: Path, max_header: int = 8 << 20, max_tensors: int = 20_000) -> dict[str, Any]:
    """Return a safetensors header, its size bounded before any library parses it.

    Convention: `max_header` is in bytes. Raises CorruptFile, and OSError for a file that cannot be read or is not
    regular.
    """
    with open_regular(path) as file:
        declared = int.from_bytes(file.read(8), "little")
        if not 2 <= declared <= min(max_header, os.fstat(file.fileno()).st_size - 8):
            raise CorruptFile(f"{path.name}: a header of {declared} bytes is not valid", "get the file again")
        raw = file.read(declared)
    try:
        header = json.loads(raw.decode())  # of bytes, json would guess the encoding and import its codec
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path.name}: the header is not JSON", "get the file again") from error
    if not isinstance(header, dict) or len(header) > max_tensors:
        raise CorruptFile(
            f"{path.name}: the header is not an object of at most {max_tensors} tensors", "get the file again"
        )
    return header
