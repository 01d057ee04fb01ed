"""Starting from what was learned before: another run, a snapshot, a generator of the models folder, or a file.

Also at another resolution: what was learned at the lower ones is kept, the rest starts anew.
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
from faceloom.checkpoints.library import generator_place
from faceloom.errors import AssetError, CheckpointError, TrainingError
from faceloom.train import checkpoint
from faceloom.train.build import base_of, shape_of
from faceloom.train.config import FAMILIES, TrainConfig
from faceloom.train.loop import Trainer

LEAST = 0.3
"""Share of the new generator's numbers that must come from the old one's."""

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Origin:
    """What is taken over.

    Convention: `settings` are those of TrainConfig that the old networks had; `D` is empty where there is none.
    """

    name: str
    settings: Mapping[str, Any]
    G: State
    D: State


def open_origin(name: str, config_of: Callable[[Path], TrainConfig]) -> Origin:
    """Read what a run is to start from; `config_of` reads a run's folder.

    Raises TrainingError for a kind of network that is not trained, and what `read_checkpoint` raises.
    """
    path = Path(name)
    if (path / checkpoint.FILE).exists():
        return _of_run(name, path / checkpoint.FILE, config_of(path))
    path = path if path.exists() else generator_place(name)
    foreign = read_checkpoint(path)
    if foreign.family not in FAMILIES:
        raise TrainingError(f"{name} is a {foreign.family}, which is not trained", f"there are {', '.join(FAMILIES)}")
    there: Any = foreign.config
    settings = {
        key: getattr(there, key) for key in ("channels", "z_dim", "w_dim", "mapping_layers") if hasattr(there, key)
    }
    sizes = {key: getattr(there, key) for key in ("channel_base", "channel_max") if hasattr(there, key)}
    found: dict[str, Any] = {}
    D: State = {}
    if path.is_file():
        try:
            judge = read_checkpoint(path, "discriminator")
            D, found = judge.state_dict, {"d_channels": judge.config.channels}  # type: ignore[union-attr]
        except (CheckpointError, AssetError):
            D = {}
    return Origin(name, {"family": foreign.family, **settings, **sizes, **found}, foreign.state_dict, D)


def _of_run(name: str, file: Path, config: TrainConfig) -> Origin:
    with safe_open(file, "pt") as there:
        G = {key[6:]: there.get_tensor(key) for key in there.keys() if key.startswith("G_ema.")}  # noqa: SIM118
        D = {key[2:]: there.get_tensor(key) for key in there.keys() if key.startswith("D.")}  # noqa: SIM118
    names = ("family", "channel_base", "channel_max", "channels", "d_channels", "z_dim", "w_dim", "mapping_layers")
    settings = {key: getattr(config, key) for key in names}
    if config.family != "stylegan3":
        settings |= {
            "channels": shape_of(config, config.channels)[1],
            "d_channels": shape_of(config, config.d_channels)[1],
        }
    return Origin(name, settings, G, D)


def settings_for(origin: Origin, height: int, width: int) -> dict[str, Any]:
    """The old networks' sizes, for images of a size: widths at new resolutions halve from the last one on."""
    settings = dict(origin.settings)
    _, levels = base_of(height, width)
    count = levels + 1 - (settings["family"] == "mobilestylegan")
    for name in ("channels", "d_channels"):
        if widths := settings.get(name):
            widths = list(widths[:count])
            while len(widths) < count:
                widths.append(max(16, widths[-1] // 2))
            settings[name] = tuple(widths)
    return settings


def take_over(trainer: Trainer, origin: Origin) -> float:
    """Copy all weights that fit by name and shape; gives the share of the generator's numbers that came over.

    Raises TrainingError when that is too little to speak of a start.
    """
    share = _copied(trainer.G, _grown(origin.G, trainer.G))
    _copied(trainer.D, _grown_judge(origin.D, trainer.D))
    trainer.G_ema.load_state_dict(trainer.G.state_dict())
    if share < LEAST:
        raise TrainingError(
            f"only {share:.0%} of the new generator would come from {origin.name}: its layers are of another kind",
            "leave --from out",
        )
    return share


@torch.no_grad()
def _copied(network: nn.Module, state: State) -> float:
    """Copy what fits; gives the share of the weights that it is."""
    there = network.state_dict()
    fits = {name: value for name, value in state.items() if name in there and there[name].shape == value.shape}
    for name, value in fits.items():
        there[name].copy_(value)
    weights = {name: weight.numel() for name, weight in network.named_parameters()}
    return sum(count for name, count in weights.items() if name in fits) / sum(weights.values())


def _grown(state: State, G: nn.Module) -> State:
    """Wavelet generators: at a higher resolution the old last image becomes one of the smaller ones."""
    blocks = len(_numbers(state, "blocks"))
    if "to_img.weight" not in state or blocks == len(_numbers(G.state_dict(), "blocks")):
        return state
    names = {"to_img.": f"heads.{blocks}.", "to_img_affine.": f"blocks.{blocks}.up_affine."}
    return {_renamed(name, names): value for name, value in state.items()}


def _grown_judge(state: State, D: nn.Module) -> State:
    """Wavelet discriminators count their blocks from the finest on: at a higher resolution all numbers move up."""
    more = len(_numbers(D.state_dict(), "blocks")) - len(_numbers(state, "blocks"))
    if "from_bands.weight" not in state or not more:
        return state
    kept = {name: value for name, value in state.items() if not name.startswith("from_bands.")}
    return {
        re.sub(r"^blocks\.(\d+)\.", lambda m: f"blocks.{int(m[1]) + more}.", name): value
        for name, value in kept.items()
    }


def _numbers(state: State, what: str) -> set[str]:
    return {name.split(".")[1] for name in state if name.startswith(f"{what}.")}


def _renamed(name: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
