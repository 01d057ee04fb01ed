"""Detection of a weight file's container by its content, never by its name, and reading of the data tree in it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Literal

from faceloom.checkpoints.sandbox.unpickle import TORCH_MAGIC, ListedUnpickler, Storage, read_torch_stream
from faceloom.errors import CorruptFile, UnknownFormat

Container = Literal["safetensors", "torch zip", "torch stream", "pickle"]

_REFUSED = {
    b"\x89HDF": "an HDF5 file (Keras?)",
    b"GGUF": "a GGUF file",
    b"\x93NUMPY": "a NumPy array: a latent or a direction, not a network",
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
        with path.open("rb") as file:
            head = file.read(32)
    except OSError as error:
        raise CorruptFile(f"cannot read {path}: {error.strerror}", "check the name of the file") from error
    if not head:
        raise CorruptFile(f"{path.name} is empty", "get the file again")
    for magic, description in _REFUSED.items():
        if head.startswith(magic):
            raise UnknownFormat(f"{path.name} is {description}", _ACCEPTED)
    if head.startswith(b"PK\x03\x04"):
        return "torch zip"
    if head.startswith(TORCH_MAGIC):
        return "torch stream"
    if head[8:9] == b"{":
        return "safetensors"
    if head[0] == 0x80 and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "pickle"
    raise UnknownFormat(f"{path.name} is not a weight file that faceloom knows", _ACCEPTED)


def read_tree(path: Path) -> Any:
    """Read a pickle or a torch file into a tree of dicts, lists, numbers and stand-ins. Runs in the child process.

    Raises UnsafePickle for a name that is not listed, UnknownFormat for a TorchScript archive, CorruptFile for a
    damaged zip archive; the unpickler raises built-in exceptions for other damage.
    """
    container = detect_container(path)
    data = path.read_bytes()
    if container == "torch zip":
        return _read_zip(data)
    if container == "torch stream":
        return read_torch_stream(io.BytesIO(data))
    return ListedUnpickler(io.BytesIO(data)).load()


def _read_zip(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}
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

        return ListedUnpickler(io.BytesIO(archive.read(f"{root}data.pkl")), storage).load()


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

    Convention: `max_header` is in bytes. Raises CorruptFile.
    """
    with path.open("rb") as file:
        declared = int.from_bytes(file.read(8), "little")
        if not 2 <= declared <= min(max_header, path.stat().st_size - 8):
            raise CorruptFile(f"{path.name}: a header of {declared} bytes is not valid", "get the file again")
        raw = file.read(declared)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path.name}: the header is not JSON", "get the file again") from error
    if not isinstance(header, dict) or len(header) > max_tensors:
        raise CorruptFile(
            f"{path.name}: the header is not an object of at most {max_tensors} tensors", "get the file again"
        )
    return header
