"""The base classes of the engines, which run a generator. Latents and images stay on the caller's device."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from faceloom.errors import EngineError
from faceloom.latents import check_w_plus
from faceloom.networks.generator import Generator, NoiseMode, area_reduce, count_channels

ENGINES = ("torch", "compile", "onnx", "openvino")
PRECISIONS = ("fp32", "bf16", "fp16")
DEVICES = ("cpu", "cuda", "mps")

ENGINE_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

SUPPORTED_PRECISIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "torch": dict.fromkeys(DEVICES, PRECISIONS),
    "compile": dict.fromkeys(DEVICES, PRECISIONS),
    "onnx": {"cpu": ("fp32",), "cuda": ("fp32", "fp16"), "mps": ("fp32",)},
    "openvino": {"cpu": PRECISIONS},
}
"""Precisions that an engine supports, by engine and device."""


@dataclass(frozen=True)
class Choice:
    """An engine, the precision of its convolutions, and its device."""

    engine: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"

    def check(self) -> None:
        """Raise EngineError for an unknown name or an unsupported combination."""
        for name, known in ((self.engine, ENGINES), (self.precision, PRECISIONS), (self.device, DEVICES)):
            if name not in known:
                raise EngineError(f"there is no '{name}'", f"choose one of {', '.join(known)}")
        precisions = SUPPORTED_PRECISIONS[self.engine].get(self.device)
        if precisions is None:
            raise EngineError(f"{self.engine} does not run on {self.device}", "use --engine torch or --device cpu")
        if self.precision not in precisions:
            raise EngineError(
                f"{self.engine} does not compute in {self.precision} on {self.device}", f"use {' or '.join(precisions)}"
            )
        present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not present[self.device]:
            raise EngineError(f"torch finds no {self.device} device here", "use --device cpu")


def supported_precision(engine: str, device: str, precision: str) -> str:
    """Return `precision` if the engine supports it on the device, else 'fp32'; 'auto' supports them all."""
    return (
        precision if engine == "auto" or precision in SUPPORTED_PRECISIONS.get(engine, {}).get(device, ()) else "fp32"
    )


@runtime_checkable
class Network(Generator, Protocol):
    """A generator that is a torch module and can change its precision."""

    def set_precision(self, dtype: torch.dtype) -> Network:
        """Set the precision of the convolutions. Returns itself."""
        ...


class Engine:
    """The engine that runs a network in torch; the base class of the other engines.

    Convention: as `Generator`; latents may be on any device, images and `w` are returned on the same one, in float32.
    The network is copied: later changes of the original have no effect. `w_avg` is on the CPU.
    """

    def __init__(self, G: Generator, choice: Choice) -> None:
        choice.check()
        self.choice, self.device = choice, torch.device(choice.device)
        self.G = copy_network(G, choice)
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = G.z_dim, G.c_dim, G.w_dim, G.num_ws
        self.img_resolution, self.layer_resolutions = G.img_resolution, G.layer_resolutions
        self.img_channels = count_channels(G)
        self.w_avg = G.w_avg.cpu()

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Map `z [n, z_dim]` and a label `c [n, c_dim]` to `w [n, w_dim]`, not truncated."""
        c = None if c is None else c.to(self.device)
        return self.G.mapping(z.to(self.device), c).to(z.device)

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, 3, img_resolution, img_resolution]` from `w_plus [n, num_ws, w_dim]`. Raises ShapeError."""
        return self.G.synthesis(w_plus.to(self.device), noise_mode).to(w_plus.device)

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`."""
        return self.G.synthesis_at(w_plus.to(self.device), resolution, noise_mode).to(w_plus.device)

    def affines(self, layer: int) -> Sequence[nn.Module]:
        """Return the affine maps that take layer `layer`'s style."""
        return self.G.affines(layer)


class GraphEngine(Engine):
    """An engine that runs a graph in another runtime: without gradients, one image at a time, with constant noise.

    Mapping, and synthesis with other noise, run in torch.
    """

    def __init__(self, G: Generator, choice: Choice, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__(G, Choice(device="cpu"))
        self.choice, self.run = choice, run

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis`. Raises EngineError when gradients are needed; ShapeError."""
        if torch.is_grad_enabled() and w_plus.requires_grad:
            raise EngineError(f"{self.choice.engine} gives no gradients", "use --engine torch to optimize")
        if noise_mode != "const":
            return super().synthesis(w_plus, noise_mode)
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        rows = [self.run(row.detach().float().cpu().contiguous()) for row in w_plus.split(1)]
        img = torch.cat(rows) if rows else torch.empty(0, self.img_channels, self.img_resolution, self.img_resolution)
        return img.to(w_plus.device)

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the full image and area-reduce it to `resolution`."""
        return area_reduce(self.synthesis(w_plus, noise_mode), resolution)


def copy_network(G: Generator, choice: Choice) -> Network:
    """Return a copy of a float32 network in the precision and on the device of a choice."""
    network: Any = copy.deepcopy(G)
    return cast(Network, network.set_precision(ENGINE_DTYPES[choice.precision]).to(choice.device))
