"""Restricted reading of pickled NumPy arrays: names that are not on a list are never imported or called.

Arrays are rebuilt from their bytes by code in this module, so that NumPy's own unpickling does not run.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloom.checkpoints.sandbox.opcodes import PlainUnpickler
from faceloom.errors import CorruptFile, UnsafePickle
from faceloom.files import read_regular

Names = Mapping[tuple[str, str], Any]
"""Maps (module, name), as the pickle writes them, to the stand-in that is used instead."""

MAX_BYTES = 2**31
"""Maximum size of a pickle in bytes, far above any that faceloom reads."""


class _Array:
    """Stand-in for `numpy.ndarray` while a pickle is read; `value` is the array once its state is set."""

    value: NDArray[Any]

    def __init__(self, *_: object) -> None:
        """Ignore the arguments of NumPy's `_reconstruct`."""

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Dtype, bool, bytes]) -> None:
        _, shape, dtype, is_fortran, data = state
        if not isinstance(shape, tuple) or not all(isinstance(n, int) for n in shape):
            raise ValueError("the shape of an array is not a tuple of integers")
        flat = np.frombuffer(data, dtype.value).copy()
        self.value = flat.reshape(shape, order="F" if is_fortran else "C")


class _Dtype:
    """Stand-in for `numpy.dtype`: numeric types only."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str):
            raise ValueError("the type of an array's numbers is not a string")
        if code[:1] not in set("fiub") or len(code) > 4:
            raise UnsafePickle(f"the pickle holds an array of '{code[:20]}', not of numbers")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or not isinstance(state[1], str):
            raise ValueError("the byte order of an array's numbers is not a string")
        order: Any = state[1]
        self.value = self.value.newbyteorder(order)


NUMPY: Names = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
}
"""The names that a pickle of NumPy arrays needs."""


class _ListedUnpickler(PlainUnpickler):
    def __init__(self, data: bytes, names: Names) -> None:
        super().__init__(io.BytesIO(data))
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise UnsafePickle(
                f"the pickle asks for {module}.{name}, which is not on the list of harmless names",
                "nothing in it was run; do not open this file with other tools",
            )
        return self._names[module, name]


def read_pickle(path: Path, names: Names = NUMPY) -> Any:
    """Read a pickle in which only `names` may occur, as NumPy arrays inside dicts, lists and tuples.

    Raises UnsafePickle for any other name, and says which; CorruptFile for a damaged or incomplete pickle.
    """
    try:
        data = read_regular(path, MAX_BYTES) if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise CorruptFile(f"cannot read {path.name}: {error.strerror}", "check the name of the file") from error
    if data is None:
        raise CorruptFile(f"{path.name} is larger than {MAX_BYTES >> 30} GB", "this is not the published file")
    try:
        _check_memory(data)
        return _replace_stand_ins(_ListedUnpickler(data, names).load(), {})
    except UnsafePickle:
        raise
    except Exception as error:  # a hostile stream can raise nearly any exception
        raise CorruptFile(f"{path.name} is damaged or not a pickle: {error}", "get the file again") from error


def _check_memory(data: bytes) -> None:
    """Scan the opcodes without building objects, and refuse those that allocate far more memory than the file's size.

    Five bytes can address the memo's slot 4,000,000,000, for which the unpickler would allocate 32 GB. `genops` itself
    refuses a string longer than the file. Raises ValueError.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > count:
            raise ValueError(f"it writes to slot {argument} of its memo, where at most {count} can be in use")


def _replace_stand_ins(value: Any, converted: dict[int, Any]) -> Any:
    """Replace stand-ins by their arrays; convert each object once, so that shared nested lists are not expanded."""
    if id(value) not in converted:
        if isinstance(value, _Array):
            converted[id(value)] = value.value
        elif isinstance(value, dict):
            converted[id(value)] = {key: _replace_stand_ins(inner, converted) for key, inner in value.items()}
        elif isinstance(value, list | tuple):
            converted[id(value)] = type(value)(_replace_stand_ins(inner, converted) for inner in value)
        else:
            return value
    return converted[id(value)]
