"""What every reader gives: a network's description and its weights under our names, checked against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.checkpoints.readers.rename import check_state
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
"""Name of a network family -> its class and its configuration's."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A checkpoint as it was understood."""

    family: str  # a key of FAMILIES
    source: str  # which code wrote the file: 'nvidia-torch', 'rosinality' ...
    config: Config
    state_dict: Mapping[str, Tensor]  # float32, under our names, of the right shapes
    notes: tuple[str, ...] = ()  # what a user should know: what was assumed or measured
    unused_keys: tuple[str, ...] = ()  # what the file holds and the network does not need


def build(foreign: LoadedNetwork) -> nn.Module:
    """Make the network, on the CPU, ready for inference.

    Raises WrongShape or CorruptFile when the weights do not fit the description.
    """
    network, _ = FAMILIES[foreign.family]
    check_state(network, foreign.config, foreign.state_dict)
    G: nn.Module = network(foreign.config)
    G.load_state_dict(dict(foreign.state_dict))
    return G.eval().requires_grad_(False)


def summary(foreign: LoadedNetwork) -> dict[str, Any]:
    """What people ask of a network first: its sizes, its number of weights, and the hash that latents belong to."""
    with torch.device("meta"):
        G = FAMILIES[foreign.family][0](foreign.config)
    sizes = ("img_resolution", "num_ws", "w_dim", "z_dim", "c_dim")
    facts = {name: getattr(G, name) for name in sizes if hasattr(G, name)}
    return facts | {
        "parameters": sum(parameter.numel() for parameter in G.parameters()),
        "hash": weights_hash(foreign.state_dict),
    }


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """The sha256 of names, shapes and numbers: the same whatever the container."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].contiguous()
        digest.update(f"{key} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.view(torch.uint8).numpy().tobytes() if tensor.ndim else tensor.numpy().tobytes())
    return digest.hexdigest()
