"""Reading foreign pickles by a list of harmless names: what is not on it is never imported, let alone called.

NumPy arrays are rebuilt from their bytes by our own few lines, so that not even NumPy's own unpickling runs.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from faceloom.errors import CorruptFile, UnsafePickle

Names = Mapping[tuple[str, str], Any]
"""(module, name) as the pickle writes it -> what it gets instead."""

SIZE_LIMIT = 2**31
"""Bytes; no pickle that faceloom reads comes near it."""


class _Array:
    """Stands in for `numpy.ndarray` while a pickle is read; `value` is the array once its state has come."""

    value: np.ndarray[Any, np.dtype[Any]]

    def __init__(self, *_: object) -> None:
        """Take and forget the arguments of NumPy's `_reconstruct`."""

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Dtype, bool, bytes]) -> None:
        _, shape, dtype, is_fortran, data = state
        flat = np.frombuffer(data, dtype.value).copy()
        self.value = flat.reshape(shape, order="F" if is_fortran else "C")


class _Dtype:
    """Stands in for `numpy.dtype`: plain numbers only."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or code[:1] not in set("fiub"):
            raise UnsafePickle(f"the pickle holds an array of '{code}', not of numbers")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.value = self.value.newbyteorder(state[1])


NUMPY: Names = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
}
"""All that a pickle of NumPy arrays needs."""


class _ListedUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, names: Names) -> None:
        super().__init__(io.BytesIO(data))
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise UnsafePickle(
                f"the pickle asks for {module}.{name}, which is not on the list of harmless names",
                "nothing of it was run; do not open this file with other tools",
            )
        return self._names[module, name]


def read_pickle(path: Path, names: Names = NUMPY) -> Any:
    """Read a pickle in which only `names` may occur; arrays come back as NumPy arrays inside dicts, lists and tuples.

    Raises UnsafePickle, naming it, for any other global; CorruptFile for what is no whole pickle.
    """
    if path.stat().st_size > SIZE_LIMIT:
        raise CorruptFile(f"{path.name} is larger than {SIZE_LIMIT >> 30} GB", "this is not the published file")
    data = path.read_bytes()
    try:
        _check_memory(data)
        return _plain(_ListedUnpickler(data, names).load(), {})
    except UnsafePickle:
        raise
    except Exception as error:  # a hostile stream can raise nearly anything from inside the unpickler
        raise CorruptFile(f"{path.name} is no whole pickle: {error}", "get the file again") from error


def _check_memory(data: bytes) -> None:
    """Walk over the stream without building anything, and refuse what makes the unpickler allocate beyond the file.

    Five bytes can ask for the memo's place 4,000,000,000, and 32 GB are taken; a string can be announced longer than
    the file, which `genops` refuses itself. Raises ValueError.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > count:
            raise ValueError(f"it writes to place {argument} of its memo, of which {count} can be in use")


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """Replace the stand-ins by their arrays; each object once, or a few nested lists could unfold without end."""
    if id(value) not in done:
        if isinstance(value, _Array):
            done[id(value)] = value.value
        elif isinstance(value, dict):
            done[id(value)] = {key: _plain(inner, done) for key, inner in value.items()}
        elif isinstance(value, list | tuple):
            done[id(value)] = type(value)(_plain(inner, done) for inner in value)
        else:
            return value
    return done[id(value)]
