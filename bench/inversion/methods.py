"""The methods by name, ready to run."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bench.inversion.ada import Ada
from bench.inversion.networks import Method, Result, load_networks
from bench.inversion.pti import Pti
from bench.inversion.puzer import Puzer
from faceloom.invert.budget import EncodeConfig
from faceloom.workflows.studio import Studio

OTHERS = {"ada": Ada, "puzer": Puzer, "pti": Pti}
NAMES = ("ours", *OTHERS)


class Ours:
    """What the studio does in so many seconds."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def __call__(self, target: Tensor, seconds: float) -> Result:
        found = self.studio.invert(target, EncodeConfig(seconds))
        return Result(found.img, found.steps)


def load_methods(names: Sequence[str]) -> dict[str, Method]:
    """Load the networks and make the methods that were named."""
    studio = Studio()
    networks = load_networks(studio)
    return {name: Ours(studio) if name == "ours" else OTHERS[name](networks) for name in names}


def warm_up(method: Method, target: Tensor) -> None:
    """Take as few steps as the method does, three times: the first are slow, and schedules ask how long one is."""
    for _ in range(3):
        method(target, 0.0)
