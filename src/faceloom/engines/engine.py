"""What all engines are: a generator that draws by other means. Latents and images stay where the caller has them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from faceloom.errors import EngineError
from faceloom.latents import check_w_plus
from faceloom.networks.generator import Generator, NoiseMode, area_reduce

ENGINES = ("torch", "compile", "onnx", "openvino")
PRECISIONS = ("fp32", "bf16", "fp16")
DEVICES = ("cpu", "cuda", "mps")

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

ABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "torch": dict.fromkeys(DEVICES, PRECISIONS),
    "compile": dict.fromkeys(DEVICES, PRECISIONS),
    "onnx": {"cpu": ("fp32",), "cuda": ("fp32", "fp16"), "mps": ("fp32",)},
    "openvino": {"cpu": PRECISIONS},
}
"""Engine -> device -> the precisions that it computes in there."""


@dataclass(frozen=True)
class Choice:
    """An engine, the precision of its convolutions, and where it runs."""

    engine: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"

    def check(self) -> None:
        """Raise EngineError for a word that means nothing, or a combination that there is not."""
        for word, known in ((self.engine, ENGINES), (self.precision, PRECISIONS), (self.device, DEVICES)):
            if word not in known:
                raise EngineError(f"there is no '{word}'", f"choose one of {', '.join(known)}")
        able = ABLE[self.engine].get(self.device)
        if able is None:
            raise EngineError(f"{self.engine} does not run on {self.device}", "use --engine torch or --device cpu")
        if self.precision not in able:
            raise EngineError(
                f"{self.engine} does not compute in {self.precision} on {self.device}", f"use {' or '.join(able)}"
            )
        there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not there[self.device]:
            raise EngineError(f"torch finds no {self.device} device here", "use --device cpu")


def usual_precision(engine: str, device: str, wanted: str) -> str:
    """The wanted precision where an engine has it on a device, else 'fp32'; 'auto' has them all."""
    return wanted if engine == "auto" or wanted in ABLE.get(engine, {}).get(device, ()) else "fp32"


class Network(Generator, Protocol):
    """A generator of ours: a module, in any precision, anywhere."""

    def in_precision(self, dtype: torch.dtype) -> Network:
        """Compute the convolutions in `dtype` from now on. Returns itself."""
        ...


class Engine:
    """A network that is run by torch, and what the other engines build on.

    Convention: as `Generator`; latents may lie anywhere, images and `w` come back to where they are, in float32.
    The network is copied: what happens to the original afterwards is not seen. `w_avg` is on the CPU.
    """

    def __init__(self, G: Generator, choice: Choice) -> None:
        choice.check()
        self.choice, self.device = choice, torch.device(choice.device)
        self.G = adapted(G, choice)
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = G.z_dim, G.c_dim, G.w_dim, G.num_ws
        self.img_resolution, self.layer_resolutions = G.img_resolution, G.layer_resolutions
        self.w_avg = G.w_avg.cpu()

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """`z [n, z_dim]`, `c [n, c_dim]` -> `w [n, w_dim]`, not truncated."""
        c = None if c is None else c.to(self.device)
        return self.G.mapping(z.to(self.device), c).to(z.device)

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """`w_plus [n, num_ws, w_dim]` -> `img [n, 3, img_resolution, img_resolution]`. Raises ShapeError."""
        return self.G.synthesis(w_plus.to(self.device), noise_mode).to(w_plus.device)

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """The image area-reduced to `resolution`."""
        return self.G.synthesis_at(w_plus.to(self.device), resolution, noise_mode).to(w_plus.device)

    def affines(self, layer: int) -> Sequence[nn.Module]:
        """The affine maps that take layer `layer`'s style."""
        return self.G.affines(layer)


class GraphEngine(Engine):
    """A graph drawn by a runtime without gradients, one image at a time, with constant noise.

    Mapping, and synthesis with other noise, are the network's own, in torch.
    """

    def __init__(self, G: Generator, choice: Choice, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__(G, Choice(device="cpu"))
        self.choice, self.run = choice, run

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """As `Generator`. Raises EngineError when gradients are asked for, ShapeError."""
        if torch.is_grad_enabled() and w_plus.requires_grad:
            raise EngineError(f"{self.choice.engine} gives no gradients", "use --engine torch for searches")
        if noise_mode != "const":
            return super().synthesis(w_plus, noise_mode)
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        rows = [self.run(one.detach().float().cpu().contiguous()) for one in w_plus.split(1)]
        img = torch.cat(rows) if rows else torch.empty(0, 3, self.img_resolution, self.img_resolution)
        return img.to(w_plus.device)

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """The whole image, area-reduced to `resolution`."""
        return area_reduce(self.synthesis(w_plus, noise_mode), resolution)


def adapted(G: Generator, choice: Choice) -> Network:
    """A copy of a float32 network, in the precision and on the device of a choice."""
    network: Any = copy.deepcopy(G)
    return cast(Network, network.in_precision(DTYPES[choice.precision]).to(choice.device))
