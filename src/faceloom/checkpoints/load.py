"""From a name to a network that is ready to use. Knows which network reads which file of the models folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from faceloom.assets.cache import open_asset
from faceloom.checkpoints.detect import build, read_checkpoint
from faceloom.checkpoints.library import CARD, NOT_STATED, generator_place
from faceloom.checkpoints.loaded_network import weights_hash
from faceloom.checkpoints.readers import native
from faceloom.errors import CorruptFile, WrongShape
from faceloom.networks.generator import Generator
from faceloom.networks.lpips import Backbone, Lpips
from faceloom.networks.mapping import mean_w
from faceloom.networks.mobilestylegan import MobileStyleGAN

DEFAULT_GENERATOR = "mobilestylegan-ffhq"


@dataclass(frozen=True)
class GeneratorModel:
    """A generator with its identity. Latents and directions belong to the hash, not to the name."""

    G: Generator
    name: str
    family: str
    hash: str
    licence: str
    folder: Path | None = None  # where it lies, with its directions; None for the default one, and for a file


@lru_cache(maxsize=2)
def load_generator(name: str = DEFAULT_GENERATOR, precision: str = "fp32") -> GeneratorModel:
    """Load a generator: the default, a shipped or an imported one by name, or a checkpoint of any family by its path.

    Convention: `precision` is 'fp32' or 'bf16'. Raises AssetError for a name that means nothing, or when the default
    was not pulled, CorruptFile or WrongShape when its file is not what it should be, and what `read_checkpoint` raises.
    """
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    return _default_generator(dtype) if name == DEFAULT_GENERATOR else _foreign_generator(name, dtype)


def _default_generator(dtype: torch.dtype) -> GeneratorModel:
    state = read_tensors(open_asset(DEFAULT_GENERATOR) / "generator.safetensors")
    G = MobileStyleGAN()
    fill(G, state | {"w_avg": torch.zeros(G.w_dim)}, DEFAULT_GENERATOR)
    G.w_avg.copy_(mean_w(G.mapping_network, _many_z(G.z_dim)))
    licence = "research and non-commercial use only"
    return GeneratorModel(G.in_precision(dtype), DEFAULT_GENERATOR, "mobilestylegan", weights_hash(state), licence)


def _foreign_generator(name: str, dtype: torch.dtype) -> GeneratorModel:
    place = generator_place(name)
    folder = place if place.is_dir() else None
    licence = native.read_card(folder / CARD).get("licence") if folder else None
    foreign = read_checkpoint(place)
    G: Any = build(foreign)
    return GeneratorModel(
        G.in_precision(dtype),
        place.stem,
        foreign.family,
        weights_hash(foreign.state_dict),
        str(licence or NOT_STATED),
        folder,
    )


@lru_cache(maxsize=4)
def load_lpips(backbone: Backbone = "vgg16", precision: str = "fp32") -> Lpips:
    """Load LPIPS with its backbone from the asset 'lpips'. Raises as `load_generator`."""
    net = Lpips(backbone)
    fill(net, read_tensors(open_asset("lpips") / f"{backbone}.safetensors"), "lpips")
    net.to({"fp32": torch.float32, "bf16": torch.bfloat16}[precision])
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises CorruptFile when it is none."""
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CorruptFile(f"cannot read {path.name}: {error}", f"faceloom models pull {path.parent.name}") from error


def fill(module: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Give a network all of its weights, ready for inference. Raises WrongShape when they do not fit."""
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        raise WrongShape(f"the file of '{name}' does not fit: {error}", f"faceloom models pull {name}") from error
    module.eval().requires_grad_(False)


def _many_z(z_dim: int) -> Tensor:
    """The latents that the field measures a mean over (Karras et al. 2020 b, projector)."""
    return torch.from_numpy(np.random.RandomState(123).randn(4096, z_dim)).float()
