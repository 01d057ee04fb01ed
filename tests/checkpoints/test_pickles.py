"""Restricted unpickling: arrays are read, every other name and damaged file is refused."""

from __future__ import annotations

import collections
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceloom.checkpoints.sandbox.pickles import read_pickle
from faceloom.errors import CorruptFile, UnsafePickle


def write_pickle(path: Path, value: object, protocol: int = 3) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


class Calls:
    """An object that is pickled as a function call, as an attacker would write it."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "<i8", "u1", "?"])
def test_arrays_round_trip(tmp_path: Path, protocol: int, dtype: str) -> None:
    array, fortran_array = np.arange(24).reshape(2, 3, 4).astype(dtype), np.asfortranarray(np.eye(3, 2))
    restored = read_pickle(write_pickle(tmp_path / "p", {"a": [array], "b": (fortran_array, "text", 3)}, protocol))
    np.testing.assert_array_equal(restored["a"][0], array)
    assert restored["a"][0].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(restored["b"][0], fortran_array)
    assert restored["b"][1:] == ("text", 3)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), f"{os.system.__module__}.system"),
        (eval, ("open({!r}, 'w')",), r"builtins.eval"),
        (exec, ("open({!r}, 'w')",), r"builtins.exec"),
        (open, ("{}", "w"), "_?io.open"),
        (pickle.loads, (pickle.dumps(3),), r"_?pickle.loads"),
        (np.load, ("{}",), r"numpy.*load"),
        (collections.OrderedDict, (), r"collections.OrderedDict"),
        (getattr, (3, "real"), r"builtins.getattr"),
    ],
)
def test_calls_are_refused_by_name(
    tmp_path: Path, protocol: int, function: Any, arguments: tuple[Any, ...], name: str
) -> None:
    canary = tmp_path / "canary"
    arguments = tuple(part.format(str(canary)) if isinstance(part, str) else part for part in arguments)
    name = name.replace("builtins", "(builtins|__builtin__)")
    with pytest.raises(UnsafePickle, match=rf"asks for {name}, which is not on the list"):
        read_pickle(write_pickle(tmp_path / "p", {"weights": [Calls(function, *arguments)]}, protocol))
    assert not canary.exists()


def test_call_through_stack_global_is_refused(tmp_path: Path) -> None:
    """Refuse names that STACK_GLOBAL takes from the stack, where a text scanner may miss them."""
    (tmp_path / "p").write_bytes(b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x8c\x04true\x85R.")
    with pytest.raises(UnsafePickle, match=r"posix\.system"):
        read_pickle(tmp_path / "p")


def test_dotted_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\x80\x04\x8c\x05numpy\x94\x8c\x11ndarray.__class__\x94\x93.")
    with pytest.raises(UnsafePickle, match=r"numpy\.ndarray\.__class__"):
        read_pickle(tmp_path / "p")


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafePickle, match="array of 'O"):
        read_pickle(write_pickle(tmp_path / "p", np.array([None, {}], dtype=object)))


def test_persistent_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\x80\x02\x8c\x04name\x94Q.")
    with pytest.raises(CorruptFile):
        read_pickle(tmp_path / "p")


@pytest.mark.parametrize("content", [b"", b"\x80", b"text", b"\x80\x04.", b"\x80\x02]q\x00h\x00a.", bytes(100)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(CorruptFile, match="damaged or not a pickle"):
        read_pickle(tmp_path / "p")


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    data = pickle.dumps({"kernel": np.arange(6.0)}, 3)
    for length in range(len(data)):
        (tmp_path / "p").write_bytes(data[:length])
        with pytest.raises((CorruptFile, UnsafePickle)):
            read_pickle(tmp_path / "p")


def test_flipped_bits_are_read_or_refused(tmp_path: Path) -> None:
    data = pickletools.optimize(pickle.dumps({"kernel": np.arange(6.0)}, 3))
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            (tmp_path / "p").write_bytes(damaged)
            try:
                read_pickle(tmp_path / "p")
            except (CorruptFile, UnsafePickle):
                continue


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x02]r\xff\xff\xff\xf0.",  # LONG_BINPUT
        b"(p4000000000\n.",  # PUT
        b"\x80\x04\x8e\x00\x00\x00\x00\x20\x00\x00\x00.",  # BINBYTES8 of 128 GB
        b"\x80\x05\x96\x00\x00\x00\x00\x20\x00\x00\x00.",  # BYTEARRAY8
        b"\x80\x04\x95\x00\x00\x00\x00\x20\x00\x00\x00.",  # FRAME
    ],
)
def test_few_bytes_cannot_allocate_gigabytes(tmp_path: Path, stream: bytes) -> None:
    (tmp_path / "p").write_bytes(stream)
    with pytest.raises(CorruptFile):
        read_pickle(tmp_path / "p")


def test_shared_lists_are_not_expanded(tmp_path: Path) -> None:
    value: list[Any] = [0]
    for _ in range(200):
        value = [value, value]
    restored = read_pickle(write_pickle(tmp_path / "p", value))
    assert restored[0] is restored[1]


def test_recursive_list_is_refused(tmp_path: Path) -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(CorruptFile):
        read_pickle(write_pickle(tmp_path / "p", value))


def test_too_large_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "p").open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(CorruptFile, match="larger than 2 GB"):
        read_pickle(tmp_path / "p")
