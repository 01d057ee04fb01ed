"""Loading of faceloom's own networks, whose weights are part of the package. recipes/ holds how each was trained."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TypeVar

import torch
from torch import nn

from faceloom.checkpoints.load import load_weights, read_tensors
from faceloom.networks.aligner import Aligner
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature
from faceloom.networks.early_exit import EXITS, ExitHead
from faceloom.networks.encoder import Encoder
from faceloom.networks.latent_reader import LatentReader
from faceloom.networks.regions import RegionHead
from faceloom.networks.second_analyzer import SecondAnalyzer

Network = TypeVar("Network", bound=nn.Module)

_HINT = "install faceloom again"


@lru_cache(maxsize=1)
def load_analyzer() -> Analyzer:
    """Load the network that measures a face's attributes and identity.

    Raises CorruptFile or WrongShape when the installation is damaged.
    """
    return _load_network(Analyzer(), "analyzer")


@lru_cache(maxsize=1)
def load_second_analyzer() -> SecondAnalyzer:
    """Load the network that gives a second opinion on a face's attributes. Raises as `load_analyzer`."""
    return _load_network(SecondAnalyzer(), "second_analyzer")


@lru_cache(maxsize=1)
def load_latent_reader() -> LatentReader:
    """Load the network that predicts attributes from the default generator's w. Raises as `load_analyzer`."""
    return _load_network(LatentReader(), "latent_reader")


@lru_cache(maxsize=1)
def load_aligner() -> Aligner:
    """Load the network that refines an alignment. Raises as `load_analyzer`."""
    return _load_network(Aligner(), "aligner")


@lru_cache(maxsize=1)
def load_encoder() -> Encoder:
    """Load the network that predicts the default generator's `w_plus` from a face. Raises as `load_analyzer`."""
    return _load_network(Encoder(), "encoder")


@lru_cache(maxsize=1)
def load_curvature() -> Curvature:
    """Load the preconditioner of the inversion loss, measured over portraits. Raises as `load_analyzer`."""
    return _load_network(Curvature(), "curvature")


@lru_cache(maxsize=1)
def load_region_head() -> RegionHead:
    """Load the network that reads regions from the default generator's features. Raises as `load_analyzer`."""
    return _load_network(RegionHead(), "regions")


@lru_cache(maxsize=1)
def load_exit_heads() -> dict[int, ExitHead]:
    """Load the heads by which the default generator ends early, by the side in pixels of what they draw.

    Raises as `load_analyzer`.
    """
    return {side: _load_network(ExitHead(block), f"exit_{side}") for side, block in EXITS.items()}


def _load_network(net: Network, name: str) -> Network:
    with resources.as_file(resources.files("faceloom") / "data" / f"{name}.safetensors") as path:
        state = {key: tensor.float() for key, tensor in read_tensors(path, _HINT).items()}
    counters = {key: torch.zeros((), dtype=torch.long) for key in net.state_dict() if "num_batches" in key}
    load_weights(net, state | counters, name, _HINT)
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
