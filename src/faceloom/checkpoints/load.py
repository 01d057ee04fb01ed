"""From a name to a network that is ready to use. Knows which network reads which file of the models folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from faceloom.assets.cache import open_asset
from faceloom.errors import CorruptFile, UnknownFormat, WrongShape
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


@lru_cache(maxsize=2)
def load_generator(name: str = DEFAULT_GENERATOR, precision: str = "fp32") -> GeneratorModel:
    """Load a generator of the models folder by name; `precision` is 'fp32' or 'bf16'.

    Raises UnknownFormat for a name that means no generator, AssetError when it was not pulled, CorruptFile or
    WrongShape when its file is not what it should be.
    """
    if name != DEFAULT_GENERATOR:
        raise UnknownFormat(f"there is no generator '{name}'", f"the one there is: {DEFAULT_GENERATOR}")
    state = read_tensors(open_asset(name) / "generator.safetensors")
    G = MobileStyleGAN()
    fill(G, state | {"w_avg": torch.zeros(G.w_dim)}, name)
    G.w_avg.copy_(mean_w(G.mapping_network, _many_z(G.z_dim)))
    G.in_precision({"fp32": torch.float32, "bf16": torch.bfloat16}[precision])
    return GeneratorModel(G, name, "mobilestylegan", weights_hash(state), "research and non-commercial use only")


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


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """The sha256 of names, shapes and numbers: the same whatever the container."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].contiguous()
        digest.update(f"{key} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.view(torch.uint8).numpy().tobytes() if tensor.ndim else tensor.numpy().tobytes())
    return digest.hexdigest()


def _many_z(z_dim: int) -> Tensor:
    """The latents that the field measures a mean over (Karras et al. 2020 b, projector)."""
    return torch.from_numpy(np.random.RandomState(123).randn(4096, z_dim)).float()
