"""The common result of all checkpoint readers: a network's configuration and its weights under our names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.checkpoints.check_state import check_state
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config

Config = StyleGAN1Config | StyleGAN2Config | StyleGAN3Config | MobileStyleGANConfig | DiscriminatorConfig

FAMILIES: dict[str, tuple[type[Any], type[Any]]] = {
    "stylegan1": (StyleGAN1, StyleGAN1Config),
    "stylegan2": (StyleGAN2, StyleGAN2Config),
    "stylegan3": (StyleGAN3, StyleGAN3Config),
    "mobilestylegan": (MobileStyleGAN, MobileStyleGANConfig),
    "stylegan2-discriminator": (Discriminator, DiscriminatorConfig),
}
"""Network class and configuration class of each family."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network read from a checkpoint, not built yet."""

    family: str  # a key of FAMILIES
    source: str  # the code base that wrote the file: 'nvidia-torch', 'rosinality' ...
    config: Config
    state_dict: Mapping[str, Tensor]  # float32, under our names, of the right shapes
    notes: tuple[str, ...] = ()  # sentences for the user: assumptions and measured values
    unused_keys: tuple[str, ...] = ()  # names in the file that the network does not need


def build(loaded: LoadedNetwork) -> nn.Module:
    """Build the network on the CPU, ready for inference.

    Raises WrongShape or CorruptFile when the weights do not fit the configuration.
    """
    network, _ = FAMILIES[loaded.family]
    check_state(network, loaded.config, loaded.state_dict)
    G: nn.Module = network(loaded.config)
    G.load_state_dict(dict(loaded.state_dict))
    return G.eval().requires_grad_(False)


def summarize(loaded: LoadedNetwork) -> dict[str, Any]:
    """Return the network's sizes, its number of parameters, and the hash that identifies its latents."""
    with torch.device("meta"):
        G = FAMILIES[loaded.family][0](loaded.config)
    sizes = ("img_resolution", "num_ws", "w_dim", "z_dim", "c_dim")
    facts = {name: getattr(G, name) for name in sizes if hasattr(G, name)}
    return facts | {
        "parameters": sum(parameter.numel() for parameter in G.parameters()),
        "hash": weights_hash(loaded.state_dict),
    }


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """Return the sha256 of all names, shapes and values, independent of the file format."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].contiguous()
        digest.update(f"{key} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.view(torch.uint8).numpy().tobytes() if tensor.ndim else tensor.numpy().tobytes())
    return digest.hexdigest()
