"""A generator whose weights are changed for one person, by little: the sum of its own and a low-rank delta.

Hu et al. 2021 (LoRA), on the weights of the synthesis network. The generator itself is never touched, not even for the
time of a pass, since another thread may draw with it just then: taking the delta off is dropping the `Tuned`.
Torch only, never opens a file.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator, NoiseMode

Delta = Mapping[str, Tensor]
"""Changes by a weight's name: whole under NAME, or a product under NAME.left `[o, r]` and NAME.right `[r, i]`."""

LEFT, RIGHT = ".left", ".right"


class Tuned:
    """A generator with a delta, behind the same protocol. Making one takes milliseconds.

    Raises LatentError for a delta that does not fit the generator's weights.
    """

    def __init__(self, G: Generator, delta: Delta) -> None:
        self.G = G
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = G.z_dim, G.c_dim, G.w_dim, G.num_ws
        self.img_resolution, self.layer_resolutions = G.img_resolution, G.layer_resolutions
        self.w_avg, self.mapping, self.affines = G.w_avg, G.mapping, G.affines
        network = network_of(G)
        self.device = network.w_avg.device
        self.network = with_weights(network, dict(changed(network, delta)))

    def synthesis(self, w_plus: WPlus, noise_mode: NoiseMode = "const") -> Tensor:
        """As the generator's."""
        return self.synthesis_at(w_plus, self.img_resolution, noise_mode)

    def synthesis_at(self, w_plus: WPlus, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """As the generator's."""
        img: Tensor = self.network.synthesis_at(w_plus.to(self.device), resolution, noise_mode)
        return img.to(w_plus.device)


def with_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> Any:
    """The same network with some weights in the place of its own; all others are shared, none is copied."""
    shared: list[Tensor] = [*network.parameters(), *network.buffers()]
    other = copy.deepcopy(network, {id(tensor): tensor for tensor in shared})
    for name, weight in weights.items():
        path, _, leaf = name.rpartition(".")
        module = other.get_submodule(path)
        delattr(module, leaf)  # a parameter would have to be a leaf of the graph
        setattr(module, leaf, weight)
    return other


def network_of(G: Generator) -> Any:
    """The torch network: the generator itself, as tuned, or what is behind an engine."""
    if isinstance(G, Tuned):
        return G.network
    return G if isinstance(G, nn.Module) else G.G  # type: ignore[attr-defined]


def changed(G: nn.Module, delta: Delta) -> Iterator[tuple[str, Tensor]]:
    """The weights that a delta changes, in their own precision, by name."""
    weights: dict[str, Tensor] = dict(G.named_parameters())
    for name in sorted({name.removesuffix(LEFT).removesuffix(RIGHT) for name in delta}):
        weight, change = weights.get(name), whole(delta, name)
        if weight is None or change.numel() != weight.numel():
            raise LatentError("the likeness's tuning does not fit this generator", "encode the photo again")
        yield name, (weight.float() + change.view(weight.shape).to(weight.device)).to(weight.dtype)


def whole(delta: Delta, name: str) -> Tensor:
    """The change of one weight: float32, of as many numbers as the weight."""
    if name in delta:
        return delta[name].float()
    try:
        left, right = delta[name + LEFT].float(), delta[name + RIGHT].float()
        return left @ right
    except (KeyError, RuntimeError) as error:
        raise LatentError("the likeness's tuning is damaged", "encode the photo again") from error


def blend(a: Delta, b: Delta, t: float) -> Delta:
    """Change weights by `1 - t` of one delta and `t` of another: factors are laid side by side."""
    if t in (0.0, 1.0):
        return b if t else a
    parts: dict[str, list[Tensor]] = {}
    for delta, share in ((a, 1 - t), (b, t)):
        for name, part in delta.items():
            parts.setdefault(name, []).append(part.float() * (1.0 if name.endswith(RIGHT) else share))
    return {name: _joined(name, found) for name, found in parts.items()}


def _joined(name: str, parts: list[Tensor]) -> Tensor:
    if name.endswith((LEFT, RIGHT)):
        return torch.cat(parts, dim=1 if name.endswith(LEFT) else 0)
    return torch.stack(parts).sum(0)


@torch.no_grad()
def tunable(G: Generator, side: int = 256) -> dict[str, Tensor]:
    """The weights that tuning changes: convolutions and biases up to features of `side` pixels.

    No affine map, no noise, and nothing finer: a picture that is compared at 256 px says nothing of those layers, and
    they would be free to grow patterns.
    """
    kept: dict[str, Tensor] = {}
    network = network_of(G)

    def note(prefix: str, module: nn.Module, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[-1] <= side:
            own = module.named_parameters(prefix, recurse=False)
            kept.update((name, weight) for name, weight in own if "affine" not in name and "noise" not in name)

    hooks = [
        module.register_forward_hook(lambda module, _, out, prefix=prefix: note(prefix, module, out))
        for prefix, module in network.named_modules()
    ]
    try:
        network.synthesis_at(network.w_avg.expand(1, network.num_ws, -1), side)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: weight for name, weight in network.named_parameters() if name in kept}
