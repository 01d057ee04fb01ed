"""Restricted unpickling of foreign networks into a tree of plain data, in which every name is an inert stand-in.

Nothing named in a file is imported or called. The allowed names are listed; their stand-ins only store their arguments.
The unpickler is the standard library's pure Python one: its memo is a dict, so that five bytes cannot allocate
gigabytes, and it has no C code to attack. Needs NumPy only, so that the child process starts quickly.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloom.errors import CorruptFile, UnsafePickle

Array = NDArray[Any]


class StandIn:
    """Base class of the objects that replace listed names. Refuses a state unless a subclass accepts it."""

    def __setstate__(self, state: Any) -> None:
        raise ValueError(f"a {type(self).__name__.lower()} takes no state")


class Dict(dict[Any, Any], StandIn):
    """Stand-in for dicts with attributes: OrderedDict, EasyDict. The attributes are dropped."""

    def __setstate__(self, state: object) -> None:
        pass


class Encoded(StandIn):
    """Stand-in for `_codecs.encode`, with which old pickles write bytes."""

    def __new__(cls, text: str, encoding: str = "latin1") -> bytes:  # type: ignore[misc]
        if encoding != "latin1":
            raise ValueError(f"bytes are encoded as '{encoding}', expected latin1")
        return text.encode(encoding)


class Dtype(StandIn):
    """Stand-in for `numpy.dtype`: numeric types only."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or code.lstrip("<>|=")[:1] not in set("fiub") or len(code) > 4:
            raise UnsafePickle(f"the pickle holds an array of '{code}', not of numbers", "nothing in it was run")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.value = self.value.newbyteorder(state[1])


class NumpyArray(StandIn):
    """Stand-in for `numpy.ndarray` and its `_reconstruct`; the state holds the content."""

    array: Array

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, data = state
        raw = data.encode("latin1") if isinstance(data, str) else data  # a str comes from Python 2
        self.array = np.frombuffer(raw, dtype.value).reshape(shape, order="F" if is_fortran else "C")


class NumpyScalar(StandIn):
    """Stand-in for `numpy.core.multiarray.scalar`: becomes a Python number."""

    def __new__(cls, dtype: Dtype, data: bytes | str) -> Any:
        raw = data.encode("latin1") if isinstance(data, str) else data
        return np.frombuffer(raw, dtype.value, count=1)[0].item()


class StorageKind(StandIn):
    """Stand-in for `torch.FloatStorage` and other storage classes: the type of a storage's numbers."""

    dtype: np.dtype[Any]
    is_bfloat16 = False


class Storage(StandIn):
    """The numbers of one or several tensors; `data` may be set after the pickle has been read."""

    def __init__(self, kind: type[StorageKind], numel: int) -> None:
        if not (isinstance(kind, type) and issubclass(kind, StorageKind)) or not isinstance(numel, int) or numel < 0:
            raise ValueError("the description of a storage is not valid")
        self.kind, self.numel = kind, numel
        self.data: bytes | memoryview = b""

    @property
    def nbytes(self) -> int:
        """The number of bytes that the file must hold for this storage."""
        return self.numel * self.kind.dtype.itemsize

    def flat(self) -> Array:
        """Return the numbers as one axis; bfloat16 is converted to float32."""
        if len(self.data) != self.nbytes:
            raise ValueError(f"a storage has {len(self.data)} bytes, expected {self.nbytes}")
        numbers = np.frombuffer(self.data, self.kind.dtype)
        return (numbers.astype(np.uint32) << 16).view(np.float32) if self.kind.is_bfloat16 else numbers


class TorchTensor(StandIn):
    """Stand-in for `torch._utils._rebuild_tensor_v2`: a view of a storage."""

    def __init__(
        self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
    ) -> None:
        numbers = (offset, *size, *stride)
        if not isinstance(storage, Storage) or any(not isinstance(n, int) or n < 0 for n in numbers):
            raise ValueError("the description of a tensor is not valid")
        if len(size) != len(stride) or len(size) > 8:
            raise ValueError("a tensor's size and stride do not fit each other")
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    @property
    def array(self) -> Array:
        """The tensor's numbers, as a view of its storage."""
        count = int(np.prod(self.size, dtype=object))
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if count and last >= self.storage.numel:
            raise ValueError("a tensor reaches beyond its storage")
        if count > max(self.storage.numel, 1 << 20):
            raise ValueError("a tensor repeats its storage too often")
        flat = self.storage.flat()[self.offset :]
        steps = tuple(step * flat.itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(flat, self.size, steps) if count else np.zeros(self.size, flat.dtype)


class Parameter(StandIn):
    """Stand-in for `torch._utils._rebuild_parameter`: becomes the tensor itself."""

    def __new__(cls, data: Any, *_: object) -> Any:
        return data


class Module(StandIn):
    """Stand-in for NVIDIA's persistent object, whose source code is ignored, or a plain torch module."""

    def __init__(self, meta: dict[str, Any] | None = None, *_: object) -> None:
        self.class_name = str(meta["class_name"])[:80] if meta else ""
        self.state: dict[str, Any] = meta["state"] if meta else {}
        if not isinstance(self.state, dict):
            raise ValueError("a network's state is not a dict")

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise ValueError("a network's state is not a dict")
        self.state = state


class Namespace(Module):
    """Stand-in for `argparse.Namespace`; the state holds its attributes."""


class TFNetwork(Module):
    """Stand-in for `dnnlib.tflib.network.Network`; its source code is ignored."""


def _storage_kinds() -> dict[str, type[StorageKind]]:
    widths = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2", "Long": "<i8", "Int": "<i4"}
    widths |= {"Short": "<i2", "Char": "<i1", "Byte": "<u1", "Bool": "<u1"}
    return {
        f"{name}Storage": type(name, (StorageKind,), {"dtype": np.dtype(code), "is_bfloat16": name == "BFloat16"})
        for name, code in widths.items()
    }


def _load_from_bytes_class() -> type[StandIn]:
    class LoadFromBytes(StandIn):
        """Stand-in for `torch.storage._load_from_bytes`: reads a torch stream inside the pickle."""

        def __new__(cls, data: bytes) -> Any:
            return read_torch_stream(io.BytesIO(data))

    return LoadFromBytes


NAMES: dict[tuple[str, str], type[Any]] = {
    ("collections", "OrderedDict"): Dict,
    ("dnnlib.util", "EasyDict"): Dict,
    ("dnnlib", "EasyDict"): Dict,
    ("_codecs", "encode"): Encoded,
    ("argparse", "Namespace"): Namespace,
    ("numpy", "dtype"): Dtype,
    ("numpy", "ndarray"): NumpyArray,
    ("torch", "Size"): tuple,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("torch.storage", "_load_from_bytes"): _load_from_bytes_class(),
    ("torch._utils", "_rebuild_tensor"): TorchTensor,
    ("torch._utils", "_rebuild_tensor_v2"): TorchTensor,
    ("torch._utils", "_rebuild_parameter"): Parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): Parameter,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Module,
    ("dnnlib.tflib.network", "Network"): TFNetwork,
    **{("torch", name): kind for name, kind in _storage_kinds().items()},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): NumpyArray for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): NumpyScalar for core in ("core", "_core")},
}
"""Maps (module, name), as a file writes them, to the stand-in that is used instead."""

MODULE_PREFIXES = ("torch.nn.modules.", "pg_modules.", "timm.models.", "timm.layers.")
"""Modules of networks stored beside a generator in some snapshots: read as inert `Module`, never used."""


MAX_STEPS = 400_000
"""Maximum number of opcodes in one pickle, ten times that of a snapshot with the state of every optimizer."""


REFUSED_OPCODES = (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""Opcodes that no network's pickle contains. BYTEARRAY8 would allocate the declared size before reading any byte."""


class Opcodes(dict[int, Any]):
    """The unpickler's dispatch table by opcode. Raises CorruptFile after MAX_STEPS lookups."""

    remaining = MAX_STEPS

    def __init__(self) -> None:
        super().__init__(pickle._Unpickler.dispatch)
        for opcode in REFUSED_OPCODES:
            del self[opcode[0]]

    def __getitem__(self, opcode: int) -> Any:
        self.remaining -= 1
        if self.remaining < 0:
            raise CorruptFile("the file holds far more objects than any network", "no generator has so many tensors")
        return super().__getitem__(opcode)


class ListedUnpickler(pickle._Unpickler):
    """An unpickler that accepts listed names only."""

    def __init__(self, file: io.BytesIO, storage: Callable[[tuple[Any, ...]], Storage] | None = None) -> None:
        super().__init__(file, encoding="latin1")
        self._storage = storage
        self.dispatch = Opcodes()  # type: ignore[misc]  # a table of its own, which counts

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a listed name. Raises UnsafePickle for any other name, and says which."""
        if module.startswith(MODULE_PREFIXES):
            return Module
        if (module, name) not in NAMES:
            raise UnsafePickle(
                f"the pickle asks for {module[:80]}.{name[:80]}, which is not on the list of harmless names",
                "nothing in it was run; do not open this file with other tools",
            )
        return NAMES[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        """Return the storage that torch's persistent id describes."""
        if self._storage is None or not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise ValueError("an object is stored outside the pickle")
        return self._storage(pid)


TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def read_torch_stream(file: io.BytesIO) -> Any:
    """Read the format of torch before version 1.6, still used inside pickles: five pickles, then raw numbers."""
    storages: dict[str, Storage] = {}

    def storage(pid: tuple[Any, ...]) -> Storage:
        _, kind, key, _, numel, *view = pid
        if any(view):
            raise ValueError("a storage is a view of another")
        return storages.setdefault(str(key), Storage(kind, numel))

    if file.read(len(TORCH_MAGIC)) != TORCH_MAGIC:
        raise ValueError("a torch stream lacks its magic number")
    version, system = ListedUnpickler(file).load(), ListedUnpickler(file).load()
    if version != 1001 or not isinstance(system, dict) or not system.get("little_endian"):
        raise ValueError("a torch stream has another version or byte order")
    tree = ListedUnpickler(file, storage).load()
    for key in ListedUnpickler(file).load():
        part = storages[str(key)]
        if int.from_bytes(file.read(8), "little") != part.numel or part.data:
            raise ValueError("a storage does not have the declared length")
        part.data = file.read(part.nbytes)
    return tree
