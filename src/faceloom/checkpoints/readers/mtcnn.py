"""Reads the face detector's published weights out of the models folder. Knows files and key names, not faces."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from faceloom.assets import open_asset
from faceloom.errors import CorruptFile, WrongShape
from faceloom.networks.mtcnn import Mtcnn


def load_mtcnn() -> Mtcnn:
    """Load the face detector from the asset 'mtcnn', ready for inference.

    Raises AssetError when it was not pulled, CorruptFile or WrongShape when a file is not what it should be.
    """
    folder = open_asset("mtcnn")
    net = Mtcnn()
    for part in ("pnet", "rnet", "onet"):
        _fill(net.get_submodule(part), folder / f"{part}.safetensors")
    return net.eval().requires_grad_(False)


def _fill(module: nn.Module, path: Path) -> None:
    hint = "faceloom models pull mtcnn"
    try:
        tensors = load_file(path)
    except Exception as error:  # safetensors raises its own untyped error
        raise CorruptFile(f"cannot read {path.name}: {error}", hint) from error
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise WrongShape(f"{path.name} does not hold the face detector: {error}", hint) from error
