"""The standard library's unpickler in pure Python, with safer opcodes: plain keys, no sets, whole objects."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from typing import Any

from faceloom.checkpoints.sandbox.stand_ins import Dict, Set, is_plain_key
from faceloom.errors import CorruptFile

MAX_STEPS = 400_000
"""Maximum number of opcodes in one pickle, ten times that of a snapshot with the state of every optimizer."""


REFUSED_OPCODES = (pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""Opcodes that no network's pickle contains: they refer to data outside the file."""


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
