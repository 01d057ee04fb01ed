"""Restricted unpickling of foreign networks into a tree of plain data, in which every name is an inert stand-in.

Nothing named in a file is imported or called. Listed names have stand-ins that store their arguments; names that could
harm are refused (`names`); every other name becomes an `Unknown`, which stores its name only. Dict keys are plain
values, so that no key takes long to hash. The unpickler is the standard library's pure Python one: its memo is a dict,
so that five bytes cannot allocate gigabytes, and it has no C code to attack. Needs NumPy only, so that the child
process starts quickly.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloom.checkpoints.sandbox.names import refuse_dangerous
from faceloom.errors import CorruptFile

Array = NDArray[Any]


class StandIn:
    """Base class of the objects that replace listed names. Refuses a state unless a subclass accepts it."""

    def __setstate__(self, state: Any) -> None:
        raise ValueError(f"a {type(self).__name__.lower()} takes no state")


class Unknown(StandIn):
    """Stand-in for a name that is not listed and for everything made with it. Stores the name, drops the content."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *_: object, **__: object) -> Unknown:
        """Return another stand-in of this name, for an object that the file makes by calling it."""
        return Unknown(self.name)

    def __setstate__(self, state: object) -> None:
        """Drop the state."""

    def __setitem__(self, key: object, value: object) -> None:
        """Drop an entry."""

    def extend(self, values: object) -> None:
        """Drop entries of a list or of a set."""

    append = add = update = extend


class Dict(dict[Any, Any], StandIn):
    """Stand-in for dicts with attributes: OrderedDict, EasyDict. The attributes are dropped, and keys are plain."""

    def __init__(self, items: object = ()) -> None:
        pairs = items.items() if isinstance(items, dict) else items
        if not isinstance(pairs, Iterable):
            raise ValueError("a dict is made of something that is not a list of pairs")
        super().__init__((key, value) for key, value in pairs if is_plain_key(key))

    def __setstate__(self, state: object) -> None:
        pass


class DefaultDict(Dict):
    """Stand-in for `collections.defaultdict`; the factory of missing entries is dropped."""

    def __init__(self, *_: object) -> None:
        super().__init__()


class Set(StandIn):
    """Stand-in for sets, whose content no network needs. Nothing is hashed."""

    def __init__(self, *_: object) -> None:
        pass

    def update(self, values: object) -> None:
        """Drop the values."""

    add = update


class Reconstructed(StandIn):
    """Stand-in for `copyreg`'s functions, with which old pickles make an object of a class."""

    def __new__(cls, kind: Any, *arguments: Any) -> Any:
        return kind() if kind is not Dtype else Unknown("numpy.dtype")


class Encoded(StandIn):
    """Stand-in for `_codecs.encode`, with which old pickles write bytes."""

    def __new__(cls, text: str, encoding: str = "latin1") -> bytes:  # type: ignore[misc]
        if not isinstance(text, str) or encoding != "latin1":
            raise ValueError("bytes are encoded in another way than as latin1 text")
        return text.encode(encoding)


class Dtype(StandIn):
    """Stand-in for `numpy.dtype`; `value` is None for other types than numbers."""

    def __init__(self, code: str, *_: object) -> None:
        if isinstance(code, Dtype):
            self.value: np.dtype[Any] | None = code.value
        elif not isinstance(code, str):
            raise ValueError("the type of an array's numbers is not a string")
        else:
            is_number = code.lstrip("<>|=")[:1] in set("fiub") and len(code) <= 4
            self.value = np.dtype(code) if is_number else None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or not isinstance(state[1], str):
            raise ValueError("the byte order of an array's numbers is not a string")
        self.value = None if self.value is None else self.value.newbyteorder(state[1])


class NumpyArray(StandIn):
    """Stand-in for `numpy.ndarray` and its `_reconstruct`; the state holds the content."""

    array: Array | None = None  # None: an array of objects, text or dates, which no weights are made of
    items: list[Any] | None = None  # the objects of an array of objects

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], Dtype):
            raise ValueError("the description of an array is not valid")
        _, shape, dtype, is_fortran, data = state
        if isinstance(data, list):
            self.items = data
            return
        self.array = _decode_array(data, dtype, shape, "F" if is_fortran else "C")


class FromBuffer(NumpyArray):
    """Stand-in for `numpy.core.numeric._frombuffer`, with which protocol 5 writes an array."""

    def __init__(self, data: Any, dtype: Any, shape: Any, order: str = "C", *_: object) -> None:
        if not isinstance(dtype, Dtype) or order not in ("C", "F"):
            raise ValueError("the description of an array is not valid")
        self.array = _decode_array(data, dtype, shape, order)


def _decode_array(data: Any, dtype: Dtype, shape: Any, order: Any) -> Array | None:
    """Return an array of numbers from its bytes, or None for another type. Raises ValueError for damaged parts."""
    raw = data.encode("latin1") if isinstance(data, str) else data  # a str comes from Python 2
    is_shape = isinstance(shape, tuple) and len(shape) <= 32 and all(isinstance(n, int) and n >= 0 for n in shape)
    if not isinstance(raw, bytes | bytearray) or not is_shape:
        raise ValueError("the description of an array is not valid")
    return None if dtype.value is None else np.frombuffer(raw, dtype.value).reshape(shape, order=order)


class NumpyScalar(StandIn):
    """Stand-in for `numpy.core.multiarray.scalar`: becomes a Python number."""

    def __new__(cls, dtype: Dtype, data: bytes | str) -> Any:
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not isinstance(dtype, Dtype) or not isinstance(raw, bytes | bytearray):
            raise ValueError("the description of a number is not valid")
        return Unknown("numpy.dtype") if dtype.value is None else np.frombuffer(raw, dtype.value, count=1)[0].item()


class StorageKind(StandIn):
    """Stand-in for `torch.FloatStorage` and other storage classes: the type of a storage's numbers."""

    dtype: np.dtype[Any]
    is_bfloat16 = False


def _is_storage_kind(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, StorageKind)


class Storage(StandIn):
    """The numbers of one or several tensors; `data` may be set after the pickle has been read."""

    def __init__(self, kind: type[StorageKind], numel: int) -> None:
        if not _is_storage_kind(kind) or not isinstance(numel, int) or numel < 0:
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
    """Stand-in for `torch._utils._rebuild_tensor_v2`: a view of a storage.

    A tensor of other types than integers and floats becomes an `Unknown`.
    """

    def __new__(cls, storage: object = None, *_: object) -> Any:
        return storage if isinstance(storage, Unknown) else super().__new__(cls)

    def __init__(
        self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
    ) -> None:
        if not isinstance(size, tuple) or not isinstance(stride, tuple):
            raise ValueError("the description of a tensor is not valid")
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


class TensorSubclass(StandIn):
    """Stand-in for `torch._tensor._rebuild_from_type_v2`, with which tensors that have attributes are written."""

    def __new__(cls, rebuild: object, kind: object = None, arguments: object = (), *_: object) -> Any:
        is_tensor = rebuild in (TorchTensor, Parameter) and isinstance(arguments, tuple)
        return rebuild(*arguments) if is_tensor else Unknown("torch._tensor._rebuild_from_type_v2")  # type: ignore[operator,misc]


class Module(StandIn):
    """Stand-in for NVIDIA's persistent object, whose source code is ignored, or a plain torch module."""

    def __init__(self, meta: object = None, *_: object) -> None:
        facts = meta if isinstance(meta, dict) else {}
        name = facts.get("class_name", "")
        self.class_name = name[:80] if isinstance(name, str) else ""
        self.state: dict[str, Any] = {}
        self.__setstate__(facts.get("state", {}))

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) == 2:  # a dict and the values of slots
            state = state[0]
        if state is not None and not isinstance(state, dict):
            raise ValueError("a network's state is not a dict")
        self.state = state or {}


class Namespace(Module):
    """Stand-in for `argparse.Namespace`; the state holds its attributes."""


class TFNetwork(Module):
    """Stand-in for `dnnlib.tflib.network.Network`; its source code is ignored."""


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


MAX_STEPS = 400_000
"""Maximum number of opcodes in one pickle, ten times that of a snapshot with the state of every optimizer."""


REFUSED_OPCODES = (pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""Opcodes that no network's pickle contains: they refer to data outside the file."""

KEY_TYPES = (str, int, float, bool, bytes, type(None))
"""Types of plain keys. A key may also be a tuple of them."""

MAX_KEY_LENGTH = 16
"""Maximum number of values in a key that is a tuple."""


def is_plain_key(key: object) -> bool:
    """Return whether a dict key is plain, so that hashing it takes little time.

    A tuple in tuples, repeated n times, takes 2 ** n steps to hash.
    """
    if type(key) is tuple:
        return len(key) <= MAX_KEY_LENGTH and all(type(part) in KEY_TYPES for part in key)
    return type(key) in KEY_TYPES


class Opcodes(dict[int, Any]):
    """The unpickler's dispatch table by opcode. Raises CorruptFile after MAX_STEPS lookups."""

    remaining = MAX_STEPS

    def __init__(self) -> None:
        super().__init__(pickle._Unpickler.dispatch)
        for opcode in REFUSED_OPCODES:
            del self[opcode[0]]
        self |= {opcode[0]: load for opcode, load in SAFE_OPCODES.items()}

    def __getitem__(self, opcode: int) -> Any:
        self.remaining -= 1
        if self.remaining < 0:
            raise CorruptFile("the file holds far more objects than any network", "no generator has so many tensors")
        return super().__getitem__(opcode)


class PlainUnpickler(pickle._Unpickler):
    """An unpickler whose dicts have plain keys only, and whose objects are whole: `__init__` always runs.

    An entry with another key is dropped and counted in `dropped_keys`. Sets are not built.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="latin1")
        self.dropped_keys = 0
        self.dispatch = Opcodes()  # type: ignore[misc]  # a table of its own, which counts

    def _set_items(self, target: Any, items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if is_plain_key(key):
                target[key] = value
            else:
                self.dropped_keys += 1

    def _load_dict(self) -> None:
        items, target = self.pop_mark(), Dict()  # type: ignore[attr-defined]
        self._set_items(target, items)
        self.append(target)  # type: ignore[attr-defined]

    def _load_set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()  # type: ignore[attr-defined]
        self._set_items(self.stack[-1], [key, value])  # type: ignore[attr-defined]

    def _load_set_items(self) -> None:
        items = self.pop_mark()  # type: ignore[attr-defined]
        self._set_items(self.stack[-1], items)  # type: ignore[attr-defined]

    def _load_set(self) -> None:
        self.append(Set())  # type: ignore[attr-defined]

    def _load_frozen_set(self) -> None:
        self.pop_mark()  # type: ignore[attr-defined]
        self.append(Set())  # type: ignore[attr-defined]

    def _load_add_items(self) -> None:
        self.pop_mark()  # type: ignore[attr-defined]

    def _call(self, kind: Any, arguments: Any, named: Any = None) -> None:
        """Push what a stand-in makes of its arguments.

        Types are checked first, because Python prints an object that cannot be called into its error: a tuple in
        tuples, repeated n times, takes 2 ** n steps to print.
        """
        is_named = named is None or (isinstance(named, dict) and all(isinstance(name, str) for name in named))
        if not callable(kind) or not isinstance(arguments, tuple | list) or not is_named:
            raise ValueError("it calls something that cannot be called")
        self.append(kind(*arguments, **(named or {})))  # type: ignore[attr-defined]

    def _load_reduce(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()  # type: ignore[attr-defined]
        self._call(kind, arguments)

    def _load_new_object_with_names(self) -> None:
        named, arguments, kind = (self.stack.pop() for _ in range(3))  # type: ignore[attr-defined]
        self._call(kind, arguments, named)

    def _instantiate(self, kind: Any, arguments: Any) -> None:
        self._call(kind, arguments)

    def _load_byte_array(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))  # type: ignore[attr-defined]
        data = self.read(size)  # type: ignore[attr-defined]  # returns at most what the file holds
        if len(data) != size:
            raise ValueError(f"a byte array has {len(data)} bytes, expected {size}")
        self.append(data)  # type: ignore[attr-defined]


SAFE_OPCODES: dict[bytes, Callable[[Any], None]] = {
    pickle.DICT: PlainUnpickler._load_dict,
    pickle.SETITEM: PlainUnpickler._load_set_item,
    pickle.SETITEMS: PlainUnpickler._load_set_items,
    pickle.EMPTY_SET: PlainUnpickler._load_set,
    pickle.FROZENSET: PlainUnpickler._load_frozen_set,
    pickle.ADDITEMS: PlainUnpickler._load_add_items,
    pickle.REDUCE: PlainUnpickler._load_reduce,
    pickle.NEWOBJ: PlainUnpickler._load_reduce,
    pickle.NEWOBJ_EX: PlainUnpickler._load_new_object_with_names,
    pickle.BYTEARRAY8: PlainUnpickler._load_byte_array,
}
"""Opcodes that are carried out here instead of by the standard library."""


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
        return self._storage(pid) if _is_storage_kind(pid[1]) else Unknown("torch.storage.UntypedStorage")


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
