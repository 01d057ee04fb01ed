"""Blending of two generators of one family, layer by layer: the shapes of one, the textures of the other.

Source: Pinkney and Adler 2020, "Resolution Dependent GAN Interpolation for Controllable Image Synthesis Between
Domains". Does not open files.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from faceloom.errors import LatentError
from faceloom.networks.generator import Generator
from faceloom.networks.tuned import network_of


def blend_layers(A: Generator, B: Generator, switch: int, ramp: float = 0.0) -> dict[str, Tensor]:
    """Return the weights of a generator whose layers below `switch` pixels are A's, and from there on B's.

    The mapping network and the mean latent are A's, so that a latent of A draws the same person.

    Convention: `ramp` is the number of doublings of the resolution over which the weights go from A's to B's, around
    `switch`; 0 switches at once. The result is a state dict, float32.
    Raises LatentError for generators of other families or sizes, and for numbers out of range.
    """
    a, b = network_of(A), network_of(B)
    _check_family(a, b)
    if switch < 1 or not 0 <= ramp <= 10:
        raise LatentError(
            f"a switch at {switch} px over {ramp:g} doublings", "give a resolution as 32, a ramp of 0 to 10"
        )
    sides = weight_resolutions(A)
    return {
        name: weight.float().lerp(_tensor(b, name).float(), share_of_second(sides[name], switch, ramp))
        if name in sides
        else weight.float()
        for name, weight in a.state_dict().items()
    }


def share_of_second(side: int, switch: int, ramp: float) -> float:
    """Return the share of generator B in a layer of `side` pixels: 0 below the switch, 1 above, smooth between."""
    distance = math.log2(side / switch)
    if ramp == 0:
        return float(distance >= 0)
    t = min(1.0, max(0.0, distance / ramp + 0.5))
    return t * t * (3 - 2 * t)


@torch.no_grad()
def weight_resolutions(G: Generator) -> dict[str, int]:
    """Return the resolution in pixels of the layer that each weight or noise of the synthesis network belongs to."""
    network = network_of(G)
    modules = dict(network.named_modules())
    sides: dict[str, int] = {}

    def note_side(prefix: str, out: object) -> None:
        first = out[0] if isinstance(out, tuple) else out
        if isinstance(first, Tensor) and first.ndim == 4:
            sides[prefix] = max(first.shape[-2:])

    hooks = [
        module.register_forward_hook(lambda module, _, out, prefix=prefix: note_side(prefix, out))
        for prefix, module in modules.items()
        if prefix
    ]
    try:
        network.synthesis(network.w_avg.expand(1, network.num_ws, -1))
    finally:
        for hook in hooks:
            hook.remove()
    affines = {id(affine): side for layer, side in enumerate(G.layer_resolutions) for affine in G.affines(layer)}
    sides |= {prefix: affines[id(module)] for prefix, module in modules.items() if id(module) in affines}
    found = {}
    for name in network.state_dict():
        owner = name.rpartition(".")[0]
        if owner in sides:
            found[name] = sides[owner]
    return found


def _tensor(network: nn.Module, name: str) -> Tensor:
    """Return a weight or a buffer by its name, also one that a `Tuned` replaced, which no state dict holds."""
    path, _, leaf = name.rpartition(".")
    tensor: Tensor = getattr(network.get_submodule(path), leaf)
    return tensor


def _check_family(a: nn.Module, b: nn.Module) -> None:
    if type(a) is not type(b) or a.config != b.config:
        raise LatentError(
            f"the generators differ: {_describe(a)} and {_describe(b)}",
            "blend a generator with one that was trained from it, of the same family and size",
        )


def _describe(network: nn.Module) -> str:
    return f"{type(network).__name__} of {getattr(network, 'img_resolution', '?')} px"
