"""Flattening of the data tree in a foreign file into tensors by name and plain values by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from faceloom.checkpoints.sandbox.stand_ins import (
    Array,
    Module,
    Namespace,
    NumpyArray,
    TFNetwork,
    TorchTensor,
    Unknown,
)
from faceloom.errors import CorruptFile, UnknownFormat

Part = Literal["generator", "discriminator", "latents"]

PART_ENTRIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "generator": (
        ("G_ema",),
        ("g_ema", "latent_avg", "args"),
        ("state_dict", "latent_avg", "opts", "meta"),
        ("generator_smooth",),
        ("generator",),
        ("Gs",),
    ),
    "discriminator": (("D",), ("d", "args"), ("state_dict", "meta"), ("discriminator",)),
}
"""Entries of a snapshot that hold each part: the first row applies whose first entry exists."""

MAX_TENSORS = 20_000
MAX_NODES = 400_000  # dicts, lists, tensors and values that are visited
MAX_VALUES = 20_000  # values that are kept; further ones are dropped
MAX_DEPTH = 40
MAX_TEXT = 500  # characters of a string; longer ones are dropped
MAX_INTEGER = 1 << 63  # integers from here on are dropped
MAX_NODES_BESIDE = 50_000  # the same, of one value beside the weights; a larger one is dropped

BESIDE = ("args", "opts", "meta")
"""Entries of a snapshot that describe the training. No tensor in them is a weight."""


@dataclass
class FlatContent:
    """Tensors and values by full name.

    Convention: names are joined by '.', as in `G_ema.synthesis.b4.const`; a TensorFlow network keeps its '/'.
    """

    tensors: dict[str, Array] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # numbers, strings, None, and lists of them
    dropped: dict[str, str] = field(default_factory=dict)  # values beside the weights -> why each was not read
    unread: dict[str, str] = field(default_factory=dict)  # entries among the weights -> why each was not read


def select_part(tree: Any, part: Part) -> tuple[dict[str, Any], list[str]]:
    """Return the entries that hold `part`, and the names of the other entries.

    A tuple of three TensorFlow networks is (G, D, Gs). A bare network or state dict is the part itself.
    For 'latents' the whole tree is selected. Raises UnknownFormat for a tree that cannot hold a network.
    """
    if part == "latents":
        return {"latents": tree}, []
    if isinstance(tree, tuple) and len(tree) == 3 and all(isinstance(net, TFNetwork) for net in tree):
        tree = dict(zip(("G", "D", "Gs"), tree, strict=True))
    if isinstance(tree, Unknown):
        raise UnknownFormat(
            f"the file holds a {tree.name}, a class that faceloom does not know",
            "save the network's state_dict() instead of the network",
        )
    if isinstance(tree, Module):
        return {"": tree}, []
    if not isinstance(tree, dict):
        raise UnknownFormat(
            f"the file holds a {type(tree).__name__}, not a network", "give a file with a generator in it"
        )
    for entries in PART_ENTRIES[part]:
        if entries[0] in tree:
            selected = {name: tree[name] for name in entries if name in tree}
            return selected, [_label(name) for name in tree if name not in entries]
    return {"": tree}, []


def _label(key: Any) -> str:
    return key[:80] if isinstance(key, str) else f"an entry named by a {type(key).__name__}"


def flatten(roots: dict[str, Any], size: int) -> FlatContent:
    """Flatten the selected entries of a file of `size` bytes.

    What cannot be read never ends the reading: it is listed in `dropped`, or in `unread` when it lies among the
    weights, where a reader decides whether the network needs it.
    Raises CorruptFile when the weights are more than any network's, or hold a tensor twice.
    """
    walker = _Walker(size)
    walker.walk("", roots, 0)
    return walker.flat


class _TooLarge(Exception):
    """Raised inside a value beside the weights that has too many parts."""


class _Walker:
    """One walk through a tree of stand-ins, which collects tensors and values."""

    def __init__(self, size: int) -> None:
        self.flat, self.visited, self.tensor_bytes = FlatContent(), 0, 0
        self.max_bytes = 2 * size + (1 << 24)
        self.is_beside, self.visited_beside = False, 0

    def walk(self, name: str, node: Any, depth: int) -> None:
        """Add a node and everything inside it, by type. Raises CorruptFile."""
        if self.is_beside:
            self.visited_beside += 1
            if self.visited_beside > MAX_NODES_BESIDE:
                raise _TooLarge
        else:
            self.visited += 1
        if self.visited > MAX_NODES:
            raise CorruptFile("the file's content is far larger than any network's", "no generator has so many parts")
        if depth > MAX_DEPTH:
            self.drop(name, "it is nested too deeply")
        elif isinstance(node, NumpyArray):
            self.add_array(name, node, depth)
        elif isinstance(node, TorchTensor):
            array = node.array
            if array.dtype.kind in "fiub":
                self.add_tensor(name, array)
            else:
                self.drop(name, "its numbers are complex or quantized")
        elif isinstance(node, TFNetwork):
            self.walk_tf(name, node, depth)
        elif isinstance(node, Namespace):
            self.walk_items(name, node.state, depth)
        elif isinstance(node, Module):
            self.walk_module(name, node, depth)
        elif isinstance(node, dict):
            self.walk_items(name, node, depth)
        elif isinstance(node, list | tuple):
            self.walk_list(name, node, depth)
        elif _is_value(node):
            self.add_value(name, node)
        else:
            self.drop(name, _describe(node))

    def walk_beside(self, name: str, node: Any, depth: int) -> None:
        """Add the values of a node beside the weights, which no tensor and no size in it can prevent."""
        if self.is_beside:
            self.walk(name, node, depth)
            return
        self.is_beside, self.visited_beside = True, 0
        try:
            self.walk(name, node, depth)
        except _TooLarge:
            self.drop(name, f"it has more than {MAX_NODES_BESIDE} parts")
        finally:
            self.is_beside = False

    def walk_items(self, name: str, items: dict[Any, Any], depth: int) -> None:
        for key, inner in items.items():
            full_name = _join(name, key)
            if full_name is None:
                self.drop(name, "an entry has a name that is not a short string")
            elif depth == 0 and key in BESIDE:
                self.walk_beside(full_name, inner, depth + 1)
            else:
                self.walk(full_name, inner, depth + 1)

    def walk_list(self, name: str, node: list[Any] | tuple[Any, ...], depth: int) -> None:
        if all(map(_is_value, node)):
            if len(node) <= 64:
                self.add_value(name, list(node))
            else:
                self.drop(name, f"it is a list of {len(node)} values")
            return
        for i, inner in enumerate(node):
            self.walk(f"{name}.{i}" if name else str(i), inner, depth + 1)

    def walk_module(self, name: str, node: Module, depth: int) -> None:
        self.add_value(f"{name}.class_name" if name else "class_name", node.class_name)
        for key, inner in node.state.items():
            if key in ("_parameters", "_buffers", "_modules"):
                self.walk(name, inner, depth + 1)
            elif (full_name := _join(name, key)) and _is_setting(key):
                is_small = isinstance(inner, NumpyArray) and inner.array is not None and inner.array.size <= 64
                self.walk_beside(full_name, inner.array.tolist() if is_small else inner, depth + 1)

    def walk_tf(self, name: str, node: TFNetwork, depth: int) -> None:
        """Add a TensorFlow network's options and variables, and those of networks inside it, joined by '/'."""
        if depth > MAX_DEPTH:
            raise CorruptFile("the file's networks are nested too deeply", "get the file again")
        self.walk(f"{name}.static_kwargs", node.state.get("static_kwargs", {}), depth + 1)
        self.walk(f"{name}.version", node.state.get("version"), depth + 1)
        for variable, value in node.state.get("variables", []):
            array = np.asarray(value) if isinstance(value, float) else value  # a variable without axes
            if isinstance(array, np.ndarray):
                self.add_tensor(f"{name}/{_short_text(variable)}", array)
            else:
                self.walk(f"{name}/{_short_text(variable)}", array, depth + 1)
        for component, inner in node.state.get("components", {}).items():
            if not isinstance(inner, TFNetwork):
                raise CorruptFile("a part of a TensorFlow network is no network", "get the file again")
            self.visited += 1
            self.walk_tf(f"{name}/{_short_text(component)}", inner, depth + 1)

    def add_array(self, name: str, node: NumpyArray, depth: int) -> None:
        if node.items is not None:
            self.walk(name, node.items, depth + 1)
        elif node.array is None:
            self.drop(name, "it is an array of text, dates or objects")
        else:
            self.add_tensor(name, node.array)

    def add_tensor(self, name: str, array: Array) -> None:
        if self.is_beside:
            self.drop(name, "it is a tensor beside the weights")
            return
        if name in self.flat.tensors:
            raise CorruptFile(f"'{name[:80]}' is in the file twice", "get the file again")
        if len(self.flat.tensors) >= MAX_TENSORS:
            raise CorruptFile(f"the file holds more than {MAX_TENSORS} tensors", "no generator has so many")
        self.tensor_bytes += array.size * 4
        if self.tensor_bytes > self.max_bytes:
            raise CorruptFile("the tensors are far larger than the file", "get the file again")
        self.flat.values.pop(name, None)
        self.flat.tensors[name] = _normalize_dtype(array)

    def add_value(self, name: str, value: Any) -> None:
        if name in self.flat.tensors or name in self.flat.values:
            self.drop(name, "its name is that of another entry")
        elif len(self.flat.values) >= MAX_VALUES:
            self.drop(name, f"the file holds more than {MAX_VALUES} values")
        else:
            self.flat.values[name] = value

    def drop(self, name: str, reason: str) -> None:
        """Note that an entry is not read; only the first MAX_VALUES are noted."""
        target = self.flat.dropped if self.is_beside else self.flat.unread
        if len(target) < MAX_VALUES:
            target.setdefault(name, reason)


def _describe(node: Any) -> str:
    """Return why a node is not read."""
    if isinstance(node, Unknown):
        return f"it is a {node.name}"
    if isinstance(node, int):
        return "it is an integer of more than 64 bits"
    if isinstance(node, type):
        return "it is a type"
    return f"it is {'a long text' if isinstance(node, str) else type(node).__name__}"


def _is_setting(key: object) -> bool:
    """Return whether an attribute of a module may be a setting, not torch's own bookkeeping."""
    return not isinstance(key, str) or not key.startswith("_") or key.startswith("_init_")


def _short_text(value: Any) -> str:
    """Return a name inside a TensorFlow network. Raises CorruptFile unless it is a short string."""
    if not isinstance(value, str) or len(value) > 200:
        raise CorruptFile("a name in the file is not a short string", "get the file again")
    return value


def _join(name: str, key: Any) -> str | None:
    """Return the full name of an entry; None when its key is not a short string or a number."""
    if not isinstance(key, str | int) or (isinstance(key, int) and abs(key) >= MAX_INTEGER) or len(str(key)) > 200:
        return None
    return f"{name}.{key}" if name else str(key)


def _is_value(node: Any) -> bool:
    if isinstance(node, str):
        return len(node) <= MAX_TEXT
    if isinstance(node, int):  # a bool is an int
        return abs(node) < MAX_INTEGER
    return node is None or isinstance(node, float)


def _normalize_dtype(array: Array) -> Array:
    """Return the array contiguous, floats as float32 and integers as int64."""
    kind = "f" if array.dtype.kind == "f" else "i"
    return np.ascontiguousarray(array, dtype=np.float32 if kind == "f" else np.int64).reshape(array.shape)
