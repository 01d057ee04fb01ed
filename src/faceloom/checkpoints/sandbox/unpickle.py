"""Restricted unpickling of foreign networks into a tree of plain data, in which every name is an inert stand-in.

Nothing named in a file is imported or called. Listed names have stand-ins that store their arguments; names that could
harm are refused (`names`); every other name becomes an `Unknown`, which stores its name only. Dict keys are plain
values, so that no key takes long to hash. The unpickler is the standard library's pure Python one: its memo is a dict,
so that five bytes cannot allocate gigabytes, and it has no C code to attack. Needs NumPy only, so that the child
process starts quickly.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from faceloom.checkpoints.sandbox.names import refuse_dangerous
from faceloom.checkpoints.sandbox.opcodes import PlainUnpickler
from faceloom.checkpoints.sandbox.stand_ins import (
    DefaultDict,
    Dict,
    Dtype,
    Encoded,
    FromBuffer,
    Module,
    Namespace,
    NumpyArray,
    NumpyScalar,
    Parameter,
    Reconstructed,
    Set,
    StandIn,
    Storage,
    StorageKind,
    TensorSubclass,
    TFNetwork,
    TorchTensor,
    Unknown,
    is_storage_kind,
)


def _storage_kinds() -> dict[str, type[StorageKind]]:
    widths = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2", "Long": "<i8", "Int": "<i4"}
    widths |= {"Short": "<i2", "Char": "<i1", "Byte": "<u1", "Bool": "<u1"}
    widths |= {"ComplexFloat": "V8", "ComplexDouble": "V16", "QInt8": "V1", "QUInt8": "V1", "QInt32": "V4"}
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
    ("collections", "defaultdict"): DefaultDict,
    ("easydict", "EasyDict"): Dict,
    ("types", "SimpleNamespace"): Namespace,
    **{(builtins, name): Set for builtins in ("builtins", "__builtin__") for name in ("set", "frozenset")},
    **{(builtins, "dict"): Dict for builtins in ("builtins", "__builtin__")},
    **{(module, "_reconstructor"): Reconstructed for module in ("copyreg", "copy_reg")},
    **{(module, "__newobj__"): Reconstructed for module in ("copyreg", "copy_reg")},
    ("torch.storage", "_load_from_bytes"): _load_from_bytes_class(),
    ("torch._utils", "_rebuild_tensor"): TorchTensor,
    ("torch._utils", "_rebuild_tensor_v2"): TorchTensor,
    ("torch._utils", "_rebuild_parameter"): Parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): Parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): TensorSubclass,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Module,
    ("dnnlib.tflib.network", "Network"): TFNetwork,
    **{("torch", name): kind for name, kind in _storage_kinds().items()},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): NumpyArray for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): FromBuffer for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): NumpyScalar for core in ("core", "_core")},
}
"""Maps (module, name), as a file writes them, to the stand-in that is used instead."""

MODULE_PREFIXES = ("torch.nn.modules.", "pg_modules.", "timm.models.", "timm.layers.")
"""Modules of networks stored beside a generator in some snapshots: read as inert `Module`, never used."""


class ListedUnpickler(PlainUnpickler):
    """An unpickler in which listed names get their stand-in and all others an `Unknown`."""

    def __init__(self, file: io.BytesIO, storage: Callable[[tuple[Any, ...]], Storage] | None = None) -> None:
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a name. Raises UnsafePickle for a name that could harm, and says which."""
        refuse_dangerous(module, name)
        if (module, name) in NAMES:
            return NAMES[module, name]
        return Module if module.startswith(MODULE_PREFIXES) else Unknown(f"{module[:80]}.{name[:80]}")

    def persistent_load(self, pid: Any) -> Storage | Unknown:
        """Return the storage that torch's persistent id describes. A storage of an unknown type
        becomes an `Unknown`. Raises ValueError for another id."""
        is_description = isinstance(pid, tuple) and len(pid) >= 5 and isinstance(pid[0], str) and pid[0] == "storage"
        if self._storage is None or not is_description or not isinstance(pid[2], str | int):
            raise ValueError("an object is stored outside the pickle")
        return self._storage(pid) if is_storage_kind(pid[1]) else Unknown("torch.storage.UntypedStorage")


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
        if not isinstance(key, str | int):
            raise ValueError("the name of a storage is not a string")
        part = storages[str(key)]
        if int.from_bytes(file.read(8), "little") != part.numel or part.data:
            raise ValueError("a storage does not have the declared length")
        part.data = file.read(part.nbytes)
    return tree
