"""All methods by name, ready to run."""

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
    """The studio's inversion within a time budget."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def __call__(self, target: Tensor, seconds: float) -> Result:
        inversion = self.studio.invert(target, EncodeConfig(seconds))
        return Result(inversion.img, inversion.steps)


def load_methods(names: Sequence[str]) -> dict[str, Method]:
    """Load the networks and make the named methods."""
    studio = Studio()
    networks = load_networks(studio)
    return {name: Ours(studio) if name == "ours" else OTHERS[name](networks) for name in names}


def warm_up(method: Method, target: Tensor) -> None:
    """Run the method's minimum of steps three times: the first are slow, and schedules need the time of a step."""
    for _ in range(3):
        method(target, 0.0)
