"""The engine of torch.compile, which compiles the network to one program. Needs a C++ compiler (on a GPU: Triton)."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable

import torch
from torch import Tensor

from faceloom.engines.engine import Choice, Engine
from faceloom.errors import EngineError
from faceloom.networks.generator import Generator, NoiseMode


class CompiledEngine(Engine):
    """An engine that runs `torch.compile`, one image at a time, so that one program serves every batch size.

    The first image takes almost a minute, or some seconds when torch has cached the program. Without gradients the
    weights become constants of the program. Gradients are supported and need a second program.
    """

    def __init__(self, G: Generator, choice: Choice) -> None:
        super().__init__(G, choice)
        if not has_compiler(choice.device):
            raise EngineError(
                "torch.compile finds no compiler on this machine", "install g++ and setuptools, or --engine torch"
            )
        self.programs: dict[tuple[int, bool], Callable[..., Tensor]] = {}

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis`."""
        return self._run_each(w_plus, self.img_resolution, noise_mode)

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis_at`; every resolution needs its own program."""
        return self._run_each(w_plus, resolution, noise_mode)

    def _run_each(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode) -> Tensor:
        program = self._program(resolution, torch.is_grad_enabled() and w_plus.requires_grad)
        if noise_mode != "const" or not len(w_plus):
            return super().synthesis_at(w_plus, resolution, noise_mode)
        return torch.cat([program(row) for row in w_plus.to(self.device).split(1)]).to(w_plus.device)

    def _program(self, resolution: int, gradients: bool) -> Callable[..., Tensor]:
        key = (resolution, gradients)
        if key not in self.programs:
            self.programs[key] = _compile(self.G, resolution, gradients)
        return self.programs[key]


def _compile(G: Generator, resolution: int, gradients: bool) -> Callable[[Tensor], Tensor]:
    def generate(w_plus: Tensor) -> Tensor:
        return G.synthesis(w_plus) if resolution == G.img_resolution else G.synthesis_at(w_plus, resolution)

    if gradients:
        return torch.compile(generate, dynamic=False)
    program = torch.compile(generate, dynamic=False, options={"freezing": True})

    def frozen(w_plus: Tensor) -> Tensor:
        with torch.no_grad():  # freezing requires it
            return program(w_plus)

    return frozen


def has_compiler(device: str = "cpu") -> bool:
    """Return whether torch can compile here: it needs setuptools and a C++ compiler, or Triton for a GPU."""
    if importlib.util.find_spec("setuptools") is None:
        return False
    if device == "cuda":
        return importlib.util.find_spec("triton") is not None
    names = (os.environ.get("CXX"), "g++", "clang++", "c++", "cl")
    return any(name and shutil.which(name) for name in names)
