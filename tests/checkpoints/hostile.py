"""Hostile files by name, each with its writer and the error that reading it must raise. Used by tests and benchmarks.

The gadgets call a command; the command creates a canary, a file that must never exist.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceloom.checkpoints.importing import import_checkpoint
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import native
from faceloom.checkpoints.sandbox import process
from faceloom.errors import CheckpointError, CorruptFile, UnknownFormat, UnsafePickle, WrongShape
from tests.checkpoints import foreign_files

Make = Callable[[Path, str], bytes]
"""Maps (folder, command that creates the canary) to the content of a file."""


class Gadget:
    """An object that calls `function(*arguments)` when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def push_text(value: str) -> bytes:
    """Return the opcode that pushes a string."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def push_short_text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def stack_global(module: str, name: str) -> bytes:
    return push_short_text(module) + push_short_text(name) + b"\x93"


def snapshot_with(gadget: Any) -> bytes:
    """Return a readable generator with a gadget beside it."""
    state = foreign_files.ada_names(foreign_files.make_stylegan2())
    return pickle.dumps({"G_ema": {name: t.numpy() for name, t in state.items()}, "training_set_kwargs": gadget})


def torch_zip(pickled: bytes, storages: dict[str, bytes] | None = None, **options: Any) -> bytes:
    """Return a zip archive as torch writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", b"little")
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return buffer.getvalue()


def tensor(storage_numel: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """Return the opcodes of one tensor in storage '0'."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", storage_numel) if value is marker else None

    marker = object()
    buffer = io.BytesIO()
    rebuild = Gadget(torch._utils._rebuild_tensor_v2, marker, offset, size, stride, False, OrderedDict())
    Pickler(buffer, protocol=2).dump({"synthesis.b4.const": rebuild})
    return buffer.getvalue()


def state_without_mean() -> dict[str, torch.Tensor]:
    return {
        name: t
        for name, t in foreign_files.ada_names(foreign_files.make_stylegan2()).items()
        if name != "mapping.w_avg"
    }


def save_zip(state: Any, folder: Path) -> bytes:
    return foreign_files.save_torch(folder / "whole.pt", state).read_bytes()


def save_valid_zip(folder: Path) -> bytes:
    return save_zip(foreign_files.ada_names(foreign_files.make_stylegan2()), folder)


def safetensors(folder: Path, header: Any, data: bytes = b"", declared: int | None = None) -> bytes:
    """Return a safetensors file, and write the card that it needs to be read."""
    native.write(LoadedNetwork("stylegan2", "foreign_files", foreign_files.SG2, {}), folder)
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if declared is None else declared) + raw + data


def torchscript() -> bytes:
    """Return a file as `torch.jit.save` writes it, with a gadget in the constants."""
    content = io.BytesIO(torch_zip(pickle.dumps({}, protocol=2)))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("archive/constants.pkl", pickle.dumps(Gadget(os.system, "false"), protocol=2))
        archive.writestr("archive/code/__torch__.py", b"class Net(Module):\n  def forward(self): ...")
    return content.getvalue()


def mark_encrypted(content: bytes) -> bytes:
    """Set the encryption bit in every header of a zip archive."""
    out = bytearray(content)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(signature), content):
            out[match.start() + at] |= 1
    return bytes(out)


def add_duplicate(content: bytes) -> bytes:
    buffer = io.BytesIO(content)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")  # zipfile warns about the duplicate, which is intended
        archive.writestr("archive/data.pkl", b"other")
    return buffer.getvalue()


def overlapping() -> bytes:
    """Return a zip archive with many members that share their bytes."""
    content = torch_zip(pickle.dumps({}, protocol=2), {"0": b"\0" * 100_000})
    directory = content.index(b"PK\x01\x02", content.index(b"archive/data/0"))
    entry = content[content.rindex(b"PK\x01\x02") : content.rindex(b"PK\x05\x06")]
    others = b"".join(entry.replace(b"archive/data/0", f"archive/dat{i:03}".encode()) for i in range(500))
    whole = content[: content.rindex(b"PK\x05\x06")] + others
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 503, 503, len(whole) - directory, directory, 0)
    return whole + end


def nested_lists(depth: int) -> bytes:
    """Return a list of two lists of two lists ..., each written once: 2 ** depth entries when expanded."""
    rows: Any = [1.5, 2.5]
    for _ in range(depth):
        rows = [rows, rows]
    return pickle.dumps({"G_ema": rows})


def recursive_dict() -> bytes:
    tree: dict[str, Any] = {}
    tree["G_ema"] = tree
    return pickle.dumps(tree)


def legacy(system: Any, tree: bytes, tail: bytes = b"") -> bytes:
    """Return a stream in the format of torch before 1.6."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    return magic + pickle.dumps(1001, protocol=2) + pickle.dumps(system, protocol=2) + tree + tail


LITTLE = {"little_endian": True, "protocol_version": 1001, "type_sizes": {}}

MANY = {f"t{i}": {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i in range(100_000)}


def hash_bomb(before: bytes, after: bytes) -> bytes:
    """Return a pickle with a tuple of two equal tuples, nested 60 deep, which takes 2 ** 60 steps to hash or print."""
    doubled = b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    return b"\x80\x04" + before + b")" + doubled + after + b"."


def object_array() -> bytes:
    return pickle.dumps({"G_ema": np.array([{"a": 1}], dtype=object)})


def record_array() -> bytes:
    return pickle.dumps({"G_ema": np.zeros(3, dtype=[("a", "f4"), ("b", "O")])})


def nested(cmd: str) -> bytes:
    evil = pickle.dumps(Gadget(os.system, cmd), protocol=2)
    return pickle.dumps({"G_ema": Gadget(torch.storage._load_from_bytes, evil)})


def nested_legacy(cmd: str) -> bytes:
    stream = legacy(LITTLE, pickle.dumps(Gadget(os.system, cmd), protocol=2))
    return pickle.dumps({"G_ema": Gadget(torch.storage._load_from_bytes, stream)})


FILES: dict[str, tuple[Make, type[CheckpointError]]] = {
    # gadgets
    "reduce": (lambda _, cmd: snapshot_with(Gadget(os.system, cmd)), UnsafePickle),
    "reduce, protocol 2": (lambda _, cmd: pickle.dumps(Gadget(os.system, cmd), protocol=2), UnsafePickle),
    "eval": (lambda _, cmd: snapshot_with(Gadget(eval, f"__import__('os').system({cmd!r})")), UnsafePickle),
    "popen": (
        lambda _, cmd: b"\x80\x04" + stack_global("subprocess", "Popen") + push_text(cmd) + b"\x85\x81.",
        UnsafePickle,
    ),
    "stack global from the memo": (
        lambda _, cmd: (
            b"\x80\x04"
            + push_short_text("system")
            + b"\x94"
            + push_short_text("os")
            + b"h\x00\x93"
            + push_text(cmd)
            + b"\x85R."
        ),
        UnsafePickle,
    ),
    "inst": (lambda _, cmd: b"\x80\x02(" + push_text(cmd) + b"iposix\nsystem\n.", UnsafePickle),
    "obj": (lambda _, cmd: b"\x80\x02(cposix\nsystem\n" + push_text(cmd) + b"o.", UnsafePickle),
    "newobj_ex": (
        lambda _, cmd: (
            b"\x80\x04" + stack_global("subprocess", "Popen") + b")}" + push_text("args") + push_text(cmd) + b"s\x92."
        ),
        UnsafePickle,
    ),
    "a path through a listed name": (
        lambda _, cmd: b"\x80\x04" + stack_global("collections", "OrderedDict.__init__.__globals__") + b".",
        UnsafePickle,
    ),
    "a path through torch's modules": (
        lambda _, cmd: b"\x80\x04" + stack_global("torch.nn.modules.module", "os.system") + push_text(cmd) + b"\x85R.",
        CheckpointError,
    ),
    "an extension's number": (lambda _, cmd: b"\x80\x02\x82\x01.", CheckpointError),
    "numpy's own loader": (lambda _, cmd: snapshot_with(Gadget(np.load, "x.npy", None, True)), UnsafePickle),
    "dill": (lambda _, cmd: b"\x80\x04" + stack_global("dill._dill", "_create_function") + b")R.", UnsafePickle),
    "build on a listed class": (
        lambda _, cmd: b"\x80\x02cnumpy\ndtype\n}" + push_text("__init__") + b"cposix\nsystem\nsb.",
        UnsafePickle,
    ),
    "slots on a listed class": (
        lambda _, cmd: b"\x80\x02ctorch\nFloatStorage\nN}" + push_text("dtype") + push_text(cmd) + b"s\x86b.",
        CheckpointError,
    ),
    "a pickle in a pickle": (lambda _, cmd: nested(cmd), CheckpointError),
    "a pickle in a stream in a pickle": (lambda _, cmd: nested_legacy(cmd), UnsafePickle),
    "source code in a snapshot": (
        lambda folder, cmd: foreign_files.save_nvidia_torch(
            folder / "s.pkl",
            G_ema=foreign_files.make_persistent({"a.b": torch.ones(1)}, "G", f"import os; os.system({cmd!r})"),
        ).read_bytes(),
        UnknownFormat,
    ),
    "source code in a TensorFlow network": (
        lambda folder, cmd: foreign_files.save_nvidia_tf(
            folder / "t.pkl",
            *[foreign_files.make_tf_network({"x": torch.ones(1)}, f"import os; os.system({cmd!r})")] * 3,
        ).read_bytes(),
        UnknownFormat,
    ),
    "a gadget in a zip": (lambda _, cmd: torch_zip(pickle.dumps(Gadget(os.system, cmd), protocol=2)), UnsafePickle),
    "a gadget in a stream's system": (lambda _, cmd: legacy(Gadget(os.system, cmd), b""), UnsafePickle),
    "a gadget in a stream": (
        lambda _, cmd: legacy(LITTLE, pickle.dumps(Gadget(os.system, cmd), protocol=2)),
        UnsafePickle,
    ),
    # arrays of other things than numbers
    "an array of objects": (lambda *_: object_array(), UnknownFormat),
    "an array of records": (lambda *_: record_array(), UnknownFormat),
    "a gadget in an array of objects": (
        lambda _, cmd: pickle.dumps({"G_ema": np.array([Gadget(os.system, cmd)], dtype=object)}),
        UnsafePickle,
    ),
    # memory and time
    "a distant memo slot": (lambda *_: b"\x80\x02}r\xff\xff\xff\xff.", UnknownFormat),
    "a string of 2 ** 62 bytes": (lambda *_: b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.", CorruptFile),
    "bytes of 2 ** 31": (lambda *_: b"\x80\x04B" + struct.pack("<I", 2**31) + b"abc.", CorruptFile),
    "a frame of 2 ** 62 bytes": (lambda *_: b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.", CheckpointError),
    "2 ** 38 nested lists": (lambda *_: nested_lists(38), CorruptFile),
    "lists nested 300,000 deep": (lambda *_: b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b".", CheckpointError),
    "a cycle": (lambda *_: recursive_dict(), UnknownFormat),
    "a key of 2 ** 60 tuples": (lambda *_: hash_bomb(b"}", b"Ns"), CheckpointError),
    "a key of 2 ** 60 tuples in an old dict": (lambda *_: hash_bomb(b"(", b"Nd"), CheckpointError),
    "2 ** 60 tuples in a set": (lambda *_: hash_bomb(b"\x8f(", b"\x90"), CheckpointError),
    "2 ** 60 tuples in a frozen set": (lambda *_: hash_bomb(b"(", b"\x91"), CheckpointError),
    "2 ** 60 tuples in a called set": (lambda *_: hash_bomb(b"cbuiltins\nset\n]", b"a\x85R"), CheckpointError),
    "2 ** 60 tuples in a called dict": (
        lambda *_: hash_bomb(b"ccollections\nOrderedDict\n]", b"N\x86a\x85R"),
        CheckpointError,
    ),
    "2 ** 60 tuples as a module's name": (
        lambda *_: hash_bomb(
            b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n}" + push_text("class_name"), b"s\x85R"
        ),
        CheckpointError,
    ),
    "2 ** 60 tuples that are called": (lambda *_: hash_bomb(b"", b"NR"), CorruptFile),
    "2 ** 60 tuples that are called with a tuple": (lambda *_: hash_bomb(b"", b")R"), CorruptFile),
    "2 ** 60 tuples that make an object": (lambda *_: hash_bomb(b"", b")\x81"), CorruptFile),
    "2 ** 60 tuples as names of arguments": (
        lambda *_: hash_bomb(b"ccollections\nOrderedDict\n)}", b"Ns\x92"),
        CheckpointError,
    ),
    "2 ** 60 tuples as an encoding": (
        lambda *_: hash_bomb(b"c_codecs\nencode\n" + push_text("a"), b"\x86R"),
        CorruptFile,
    ),
    "2 ** 60 tuples as a byte order": (
        lambda *_: hash_bomb(b"cnumpy\ndtype\n" + push_text("f4") + b"\x85RN", b"\x86b"),
        CorruptFile,
    ),
    "2 ** 60 tuples as an array's shape": (
        lambda *_: hash_bomb(b"cnumpy\nndarray\n)R(K\x01", b"cnumpy\ndtype\n" + push_text("f4") + b"\x85R\x89C\x00tb"),
        CorruptFile,
    ),
    "2 ** 60 tuples as an array's type": (lambda *_: hash_bomb(b"cnumpy\ndtype\n", b"\x85R"), CheckpointError),
    "an integer of 5,000 digits": (
        lambda *_: b"\x80\x02}" + push_text("synthesis.b4.const") + b"L" + b"9" * 5000 + b"L\ns.",
        CheckpointError,
    ),
    "an integer of 2,000 bytes": (
        lambda *_: b"\x80\x02}" + push_text("a") + b"\x8b" + struct.pack("<i", 2000) + b"\x7f" * 2000 + b"s.",
        UnknownFormat,
    ),
    "an integer of 2,000 bytes as a key": (
        lambda *_: b"\x80\x02}\x8b" + struct.pack("<i", 2000) + b"\x7f" * 2000 + b"Ns.",
        UnknownFormat,
    ),
    "100,000 tensors in one storage": (
        lambda folder, _: save_zip({f"t{i}": t for i, t in enumerate(torch.zeros(100_000).unbind())}, folder),
        CorruptFile,
    ),
    # zip archives
    "a zip bomb": (
        lambda *_: torch_zip(pickle.dumps({}, protocol=2), {"0": bytes(30 << 20)}, compression=zipfile.ZIP_DEFLATED),
        CorruptFile,
    ),
    "the same name twice": (lambda folder, _: add_duplicate(torch_zip(pickle.dumps({}, protocol=2))), CorruptFile),
    "marked as encrypted": (lambda folder, _: mark_encrypted(save_valid_zip(folder)), CorruptFile),
    "overlapping members": (lambda *_: overlapping(), CorruptFile),
    "a wrong checksum": (
        lambda folder, _: torch_zip(tensor(9, 0, (9,), (1,)), {"0": b"A" * 36}).replace(b"A" * 36, b"B" * 36),
        CorruptFile,
    ),
    "a TorchScript archive": (lambda *_: torchscript(), UnknownFormat),
    "a zip of something else": (lambda *_: zip_bytes({"word/document.xml": b"<x/>"}), UnknownFormat),
    # storages
    "a tensor beyond its storage": (lambda *_: torch_zip(tensor(4, 2, (3,), (1,)), {"0": bytes(16)}), CorruptFile),
    "a tensor before its storage": (lambda *_: torch_zip(tensor(4, -2, (3,), (1,)), {"0": bytes(16)}), CorruptFile),
    "a tensor backwards": (lambda *_: torch_zip(tensor(4, 3, (3,), (-1,)), {"0": bytes(16)}), CorruptFile),
    "a tensor of 10 ** 12 numbers": (
        lambda *_: torch_zip(tensor(4, 0, (10**6, 10**6), (0, 0)), {"0": bytes(16)}),
        CorruptFile,
    ),
    "a storage shorter than declared": (
        lambda *_: torch_zip(tensor(10**12, 0, (1,), (1,)), {"0": b"1234"}),
        CorruptFile,
    ),
    "a missing storage": (lambda *_: torch_zip(tensor(4, 0, (1,), (1,))), CorruptFile),
    "a key outside the archive": (
        lambda *_: torch_zip(tensor(4, 0, (1,), (1,)).replace(b"X\x01\x00\x00\x000", push_text("../../x"))),
        CorruptFile,
    ),
    "a stream's storage of 2 ** 60": (
        lambda *_: legacy(
            LITTLE, tensor(2**60, 0, (1,), (1,)), pickle.dumps(["0"], protocol=2) + struct.pack("<q", 2**60)
        ),
        CorruptFile,
    ),
    # safetensors
    "a header of 100 MB": (lambda folder, _: safetensors(folder, b"{" + b" " * (100 << 20) + b"}"), CorruptFile),
    "a header of 2 ** 62": (lambda folder, _: safetensors(folder, b"{}", declared=2**62), CorruptFile),
    "a header in UTF-16": (lambda folder, _: safetensors(folder, "{}".encode("utf-16-le")), CorruptFile),
    "a header nested 100,000 deep": (lambda folder, _: safetensors(folder, b'{"a":' + b"[" * 100_000), CorruptFile),
    "100,000 tensors": (lambda folder, _: safetensors(folder, MANY, bytes(400_000)), CorruptFile),
    "overlapping offsets": (
        lambda folder, _: safetensors(
            folder, {n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "ab"}, bytes(8)
        ),
        CheckpointError,
    ),
    # numbers
    "not a number": (
        lambda folder, _: save_zip(
            foreign_files.ada_names(foreign_files.make_stylegan2()) | {"mapping.w_avg": torch.full((8,), torch.nan)},
            folder,
        ),
        CorruptFile,
    ),
    "another shape": (
        lambda folder, _: save_zip(
            foreign_files.ada_names(foreign_files.make_stylegan2()) | {"mapping.w_avg": torch.zeros(9)}, folder
        ),
        WrongShape,
    ),
    "a side of 2 ** 40": (
        lambda folder, _: save_zip({f"synthesis.b{4 << i}.conv1.weight": torch.zeros(1) for i in range(40)}, folder),
        CheckpointError,
    ),
    "a StyleGAN3 of 10 ** 9 pixels": (
        lambda folder, _: save_zip(
            {
                n.replace("_16_3", "_1000000000_3"): t
                for n, t in foreign_files.ada_names(foreign_files.make_stylegan3()).items()
            },
            folder,
        ),
        CheckpointError,
    ),
    "a layer number of ten digits": (
        lambda folder, _: save_zip(
            {"input.input": torch.zeros(1), "convs.9999999999.conv.weight": torch.zeros(1)}, folder
        ),
        WrongShape,
    ),
    "a mapping network with a wrong width": (
        lambda folder, _: save_zip(state_without_mean() | {"mapping.fc0.weight": torch.zeros(60_000, 8)}, folder),
        WrongShape,
    ),
    "a label embedding wider than the mapping network": (
        lambda folder, _: save_zip(state_without_mean() | {"mapping.embed.weight": torch.zeros(9, 3)}, folder),
        WrongShape,
    ),
    "noise of a resolution that the image lacks": (
        lambda folder, _: save_zip(
            state_without_mean() | {"synthesis.b9999.conv1.noise_strength": torch.zeros(())}, folder
        ),
        WrongShape,
    ),
    # files without weights
    "nothing": (lambda *_: b"", CorruptFile),
    "a web page": (lambda *_: b"<!DOCTYPE html><title>404</title>", UnknownFormat),
    "a pointer of Git LFS": (lambda *_: b"version https://git-lfs.github.com/spec/v1\noid sha256:0", UnknownFormat),
    "noise": (lambda *_: np.random.RandomState(0).bytes(10_000), UnknownFormat),
    "zeros": (lambda *_: bytes(10_000), UnknownFormat),
    # found by bench.fuzz
    "a byte array of 2 ** 33": (lambda *_: b"\x80\x05\x96" + struct.pack("<Q", 2**33) + b"abc.", CorruptFile),
    "the first byte of a pickle": (lambda *_: b"\x80", UnknownFormat),
}


def zip_bytes(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


FORMS = ("zip", "stream", "pickle", "safetensors")


def write_valid(form: str, folder: Path) -> Path:
    """Write a valid generator in one of the containers; safetensors get their card."""
    state, path = foreign_files.ada_names(foreign_files.make_stylegan2()), folder / "whole"
    if form == "pickle":
        return foreign_files.save_nvidia_torch(path, G_ema=foreign_files.make_persistent(state, "G"))
    if form == "safetensors":
        return import_checkpoint(foreign_files.save_torch(path, state), "a", folder) / "generator.safetensors"
    return foreign_files.save_torch(path, state, legacy=form == "stream")


def make_reporting_start(status: Path) -> str:
    """Return a start program of the child that writes its Linux process status to `status` at the end."""
    note = f"import pathlib as p; p.Path({str(status)!r}).write_text(p.Path('/proc/self/status').read_text())"
    start = process._START.replace("sys.exit(main(*sys.argv[1:]))", f"main(*sys.argv[1:]); {note}")
    assert note in start
    return start


def peak_memory(status: Path) -> float:
    """Return the child's peak memory in MB; 0 when there was no child."""
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0]) / 1024 if status.exists() else 0.0
