"""Flattening of the data tree in a foreign file into tensors by name and plain values by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from faceloom.checkpoints.sandbox.unpickle import Array, Module, Namespace, NumpyArray, TFNetwork, TorchTensor
from faceloom.errors import CorruptFile, UnknownFormat

Part = Literal["generator", "discriminator", "latents"]

_PART_ENTRIES: dict[str, tuple[tuple[str, ...], ...]] = {
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
MAX_NODES = 40_000  # tensors and values together
MAX_DEPTH = 40
MAX_TEXT = 500  # characters of a string; longer ones are skipped


@dataclass
class FlatContent:
    """Tensors and values by full name.

    Convention: names are joined by '.', as in `G_ema.synthesis.b4.const`; a TensorFlow network keeps its '/'.
    """

    tensors: dict[str, Array] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # numbers, strings, None, and lists of them


def select_part(tree: Any, part: Part) -> tuple[dict[str, Any], list[str]]:
    """Return the entries that hold `part`, and the names of the other entries.

    A tuple of three TensorFlow networks is (G, D, Gs). A bare network or state dict is the part itself.
    For 'latents' the whole tree is selected. Raises UnknownFormat for a tree that cannot hold a network.
    """
    if part == "latents":
        return {"latents": tree}, []
    if isinstance(tree, tuple) and len(tree) == 3 and all(isinstance(net, TFNetwork) for net in tree):
        tree = dict(zip(("G", "D", "Gs"), tree, strict=True))
    if isinstance(tree, Module):
        return {"": tree}, []
    if not isinstance(tree, dict):
        raise UnknownFormat(
            f"the file holds a {type(tree).__name__}, not a network", "give a file with a generator in it"
        )
    for entries in _PART_ENTRIES[part]:
        if entries[0] in tree:
            selected = {name: tree[name] for name in entries if name in tree}
            return selected, [str(name)[:80] for name in tree if name not in entries]
    return {"": tree}, []


def flatten(roots: dict[str, Any], size: int) -> FlatContent:
    """Flatten the selected entries of a file of `size` bytes.

    Raises CorruptFile when the tree is deeper, wider or larger than any network's, or holds a name twice.
    """
    flat = FlatContent()
    total_bytes = 0
    for count, (name, value) in enumerate(_walk("", roots, 0)):
        if count > MAX_NODES or len(flat.tensors) > MAX_TENSORS:
            raise CorruptFile(f"the file holds more than {MAX_TENSORS} tensors", "no generator has so many")
        if name in flat.tensors or name in flat.values:
            raise CorruptFile(f"'{name[:80]}' is in the file twice", "get the file again")
        if isinstance(value, np.ndarray):
            total_bytes += value.size * 4
            flat.tensors[name] = _normalize_dtype(value)
        else:
            flat.values[name] = value
        if total_bytes > 2 * size + (1 << 24):
            raise CorruptFile("the tensors are far larger than the file", "get the file again")
    return flat


def _walk(name: str, node: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        raise CorruptFile("the file's content is nested too deeply", "get the file again")
    if isinstance(node, NumpyArray | TorchTensor):
        yield name, node.array
    elif isinstance(node, TFNetwork):
        yield from _walk_tf(name, node, depth)
    elif isinstance(node, dict | Namespace):
        for key, inner in (node.state if isinstance(node, Namespace) else node).items():
            yield from _walk(_join(name, key), inner, depth + 1)
    elif isinstance(node, Module):
        yield _join(name, "class_name"), node.class_name
        for key, inner in node.state.items():
            if key in ("_parameters", "_buffers", "_modules"):
                yield from _walk(name, inner, depth + 1)
            else:
                value = inner.array.tolist() if isinstance(inner, NumpyArray) and inner.array.size <= 64 else inner
                yield from _walk(_join(name, key), value, depth + 1)
    elif _is_value(node):
        yield name, node
    elif isinstance(node, list | tuple):
        if all(map(_is_value, node)) and len(node) <= 64:
            yield name, list(node)
        else:
            for i, inner in enumerate(node):
                yield from _walk(_join(name, i), inner, depth + 1)


def _walk_tf(name: str, node: TFNetwork, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield a TensorFlow network's options and variables, and those of networks inside it, joined by '/'."""
    yield from _walk(f"{name}.static_kwargs", node.state.get("static_kwargs", {}), depth + 1)
    yield f"{name}.version", node.state.get("version")
    for variable, value in node.state.get("variables", []):
        if isinstance(value, float):  # a variable without axes
            yield f"{name}/{variable}", np.asarray(value)
        else:
            yield from _walk(f"{name}/{variable}", value, depth + 1)
    for component, inner in node.state.get("components", {}).items():
        yield from _walk_tf(f"{name}/{component}", inner, depth + 1)


def _join(name: str, key: Any) -> str:
    if not isinstance(key, str | int) or len(str(key)) > 200:
        raise CorruptFile("a name in the file is not a short string", "get the file again")
    return f"{name}.{key}" if name else str(key)


def _is_value(node: Any) -> bool:
    return node is None or isinstance(node, bool | int | float) or (isinstance(node, str) and len(node) <= MAX_TEXT)


def _normalize_dtype(array: Array) -> Array:
    """Return the array contiguous, floats as float32 and integers as int64."""
    kind = array.dtype.kind
    return np.ascontiguousarray(array, dtype=np.float32 if kind == "f" else np.int64).reshape(array.shape)
