"""Transfer learning: initial weights from another run, a snapshot, a generator of the models folder, or a file.

The resolution may differ: weights of the lower resolutions are copied, those of the others start at random.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.library import locate_generator
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.errors import AssetError, CheckpointError, TrainingError
from faceloom.train import checkpoint
from faceloom.train.build import base_size, network_shape
from faceloom.train.config import FAMILIES, TrainConfig
from faceloom.train.loop import Trainer
from faceloom.train.plan import PRESETS

MIN_SHARE = 0.3
"""Minimum share of the new generator's weights that must come from the old one."""

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Origin:
    """The networks that a run starts from.

    Convention: `settings` are the old networks' settings of TrainConfig; `D` is empty without a discriminator, and
    `settings` then has no `d_channels`.
    """

    name: str
    settings: Mapping[str, Any]
    G: State
    D: State


def open_origin(name: str, config_of: Callable[[Path], TrainConfig]) -> Origin:
    """Read the networks that a run starts from; `config_of` reads the config of a run's folder.

    Raises TrainingError for a network that faceloom does not train, and everything that `read_checkpoint` raises.
    """
    path = Path(name)
    if (path / checkpoint.FILE).exists():
        return _read_run(name, path / checkpoint.FILE, config_of(path))
    path = path if path.exists() else locate_generator(name)
    network = read_checkpoint(path)
    if network.family not in FAMILIES:
        raise TrainingError(
            f"{name} is a {network.family}, which faceloom cannot train", f"it trains {', '.join(FAMILIES)}"
        )
    config: Any = network.config
    settings = {
        key: getattr(config, key) for key in ("channels", "z_dim", "w_dim", "mapping_layers") if hasattr(config, key)
    }
    sizes = {key: getattr(config, key) for key in ("channel_base", "channel_max") if hasattr(config, key)}
    d_settings: dict[str, Any] = {}
    D: State = {}
    if discriminator := _read_discriminator(path):
        D, d_settings = discriminator.state_dict, {"d_channels": discriminator.config.channels}  # type: ignore[union-attr]
    return Origin(name, {"family": network.family, **settings, **sizes, **d_settings}, network.state_dict, D)


def _read_discriminator(path: Path) -> LoadedNetwork | None:
    """Return the discriminator of a checkpoint file, or None when it has none that faceloom reads."""
    if not path.is_file():
        return None
    try:
        network = read_checkpoint(path, "discriminator")
    except (CheckpointError, AssetError):
        return None
    return network if network.family.endswith("discriminator") else None


def check_origin(origin: Origin, requested: Mapping[str, Any], preset: str) -> None:
    """Check that requested settings and an explicitly chosen preset fit the networks that a run starts from.

    Raises TrainingError that names the setting, because it would be ignored or give networks of another kind.
    """
    family = origin.settings["family"]
    wanted = PRESETS[preset].settings.get("family", "stylegan2") if preset in PRESETS and preset != "auto" else family
    for name, value in (("--preset " + preset, wanted), ("--family", requested.get("family"))):
        if value not in (None, family):
            raise TrainingError(
                f"{name} trains a {value}, but {origin.name} is a {family}", "omit one of them, or omit --from"
            )
    for name, option in (("channel_max", "--width"), ("channel_base", "--base")):
        if requested.get(name) is not None:
            raise TrainingError(
                f"{option} does not apply: the generator's widths come from {origin.name}",
                "use --channels to change them at some resolutions, --d-channels for the discriminator, or omit --from",
            )
    if requested.get("w_dim") not in (None, origin.settings.get("w_dim")):
        raise TrainingError(
            f"--w-dim {requested['w_dim']} does not apply: {origin.name} has {origin.settings.get('w_dim')}",
            "omit it, or omit --from",
        )


def _read_run(name: str, file: Path, config: TrainConfig) -> Origin:
    with safe_open(file, "pt") as tensors:
        G = {key[6:]: tensors.get_tensor(key) for key in tensors.keys() if key.startswith("G_ema.")}  # noqa: SIM118
        D = {key[2:]: tensors.get_tensor(key) for key in tensors.keys() if key.startswith("D.")}  # noqa: SIM118
    names = ("family", "channel_base", "channel_max", "channels", "d_channels", "z_dim", "w_dim", "mapping_layers")
    settings = {key: getattr(config, key) for key in names}
    if config.family != "stylegan3":
        settings |= {
            "channels": network_shape(config, config.channels)[1],
            "d_channels": network_shape(config, config.d_channels)[1],
        }
    return Origin(name, settings, G, D)


def settings_for(origin: Origin, height: int, width: int, preset: str = "auto") -> dict[str, Any]:
    """Return the old networks' settings for another image size; channels halve at each new resolution.

    Without an old discriminator, the new one is as wide as the generator, or as the preset says if it is not 'auto'.
    """
    settings = dict(origin.settings)
    if "d_channels" not in settings and preset == "auto" and settings.get("channels"):
        settings["d_channels"] = settings["channels"]
    _, levels = base_size(height, width)
    count = levels + 1 - (settings["family"] == "mobilestylegan")
    for name in ("channels", "d_channels"):
        if widths := settings.get(name):
            widths = list(widths[:count])
            while len(widths) < count:
                widths.append(max(16, widths[-1] // 2))
            settings[name] = tuple(widths)
    return settings


def copy_weights(trainer: Trainer, origin: Origin) -> float:
    """Copy all weights that match by name and shape, and return the share of the generator's weights that were copied.

    Raises TrainingError when the share is below MIN_SHARE.
    """
    share = _copy_matching(trainer.G, _grow_generator(origin.G, trainer.G))
    _copy_matching(trainer.D, _grow_discriminator(origin.D, trainer.D))
    trainer.G_ema.load_state_dict(trainer.G.state_dict())
    if share < MIN_SHARE:
        raise TrainingError(
            f"only {share:.0%} of the new generator would come from {origin.name}: its layers are of another kind",
            "omit --from",
        )
    return share


@torch.no_grad()
def _copy_matching(network: nn.Module, state: State) -> float:
    """Copy weights that match by name and shape, and return their share of the network's weights."""
    config = network.state_dict()
    matching = {name: value for name, value in state.items() if name in config and config[name].shape == value.shape}
    for name, value in matching.items():
        config[name].copy_(value)
    weights = {name: weight.numel() for name, weight in network.named_parameters()}
    return sum(count for name, count in weights.items() if name in matching) / sum(weights.values())


def _grow_generator(state: State, G: nn.Module) -> State:
    """Rename weights for a wavelet generator of a higher resolution: the last image head becomes an inner one."""
    blocks = len(_block_numbers(state, "blocks"))
    if "to_img.weight" not in state or blocks == len(_block_numbers(G.state_dict(), "blocks")):
        return state
    names = {"to_img.": f"heads.{blocks}.", "to_img_affine.": f"blocks.{blocks}.up_affine."}
    return {_rename_prefix(name, names): value for name, value in state.items()}


def _grow_discriminator(state: State, D: nn.Module) -> State:
    """Renumber blocks for a wavelet discriminator of a higher resolution, which counts them from the finest one."""
    more = len(_block_numbers(D.state_dict(), "blocks")) - len(_block_numbers(state, "blocks"))
    if "from_bands.weight" not in state or not more:
        return state
    kept = {name: value for name, value in state.items() if not name.startswith("from_bands.")}
    return {
        re.sub(r"^blocks\.(\d+)\.", lambda m: f"blocks.{int(m[1]) + more}.", name): value
        for name, value in kept.items()
    }


def _block_numbers(state: State, prefix: str) -> set[str]:
    return {name.split(".")[1] for name in state if name.startswith(f"{prefix}.")}


def _rename_prefix(name: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
