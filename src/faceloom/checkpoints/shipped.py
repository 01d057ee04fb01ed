"""Networks of our own, whose weights lie in the package. How each was made: recipes/."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TypeVar

import torch
from torch import nn

from faceloom.checkpoints.load import fill, read_tensors
from faceloom.networks.aligner import Aligner
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature
from faceloom.networks.encoder import Encoder

Network = TypeVar("Network", bound=nn.Module)


@lru_cache(maxsize=1)
def load_analyzer() -> Analyzer:
    """Load the network that reads a face. Raises CorruptFile or WrongShape when the installation is damaged."""
    return _filled(Analyzer(), "analyzer")


@lru_cache(maxsize=1)
def load_aligner() -> Aligner:
    """Load the network that refines an alignment. Raises as `load_analyzer`."""
    return _filled(Aligner(), "aligner")


@lru_cache(maxsize=1)
def load_encoder() -> Encoder:
    """Load the network that guesses the default generator's `w_plus` from a face. Raises as `load_analyzer`."""
    return _filled(Encoder(), "encoder")


@lru_cache(maxsize=1)
def load_curvature() -> Curvature:
    """Load what is known of the loss around the encoder's guesses. Raises as `load_analyzer`."""
    return _filled(Curvature(), "curvature")


def _filled(net: Network, name: str) -> Network:
    with resources.as_file(resources.files("faceloom") / "data" / f"{name}.safetensors") as path:
        state = {key: tensor.float() for key, tensor in read_tensors(path).items()}
    counters = {key: torch.zeros((), dtype=torch.long) for key in net.state_dict() if "num_batches" in key}
    fill(net, state | counters, name)
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
