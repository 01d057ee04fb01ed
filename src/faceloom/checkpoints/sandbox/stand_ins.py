"""Inert stand-ins for the classes and functions that pickles of networks name. They store their arguments only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

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
        order: Any = state[1]
        self.value = None if self.value is None else self.value.newbyteorder(order)


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


def is_storage_kind(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, StorageKind)


class Storage(StandIn):
    """The numbers of one or several tensors; `data` may be set after the pickle has been read."""

    def __init__(self, kind: type[StorageKind], numel: int) -> None:
        if not is_storage_kind(kind) or not isinstance(numel, int) or numel < 0:
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
