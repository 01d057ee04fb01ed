"""A generator with slightly changed weights for one person: the sum of its own weights and a low-rank delta.

Source: Hu et al. 2021 (LoRA), applied to the weights of the synthesis network. The generator itself is never modified,
not even during a pass, because another thread may use it at the same time. Dropping the `Tuned` removes the delta.
Does not open files.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator, NoiseMode, count_channels

Delta = Mapping[str, Tensor]
"""Changes of weights by name: the full change under NAME, or factors NAME.left `[o, r]` and NAME.right `[r, i]`."""

LEFT_FACTOR, RIGHT_FACTOR = ".left", ".right"


class Tuned:
    """A generator with a delta (`Generator` protocol). Creating one takes milliseconds.

    Raises LatentError for a delta that does not fit the generator's weights.
    """

    def __init__(self, G: Generator, delta: Delta) -> None:
        self.G = G
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = G.z_dim, G.c_dim, G.w_dim, G.num_ws
        self.img_resolution, self.layer_resolutions = G.img_resolution, G.layer_resolutions
        self.img_channels = count_channels(G)
        self.w_avg, self.mapping, self.affines = G.w_avg, G.mapping, G.affines
        network = network_of(G)
        self.device = network.w_avg.device
        self.network = replace_weights(network, dict(changed_weights(network, delta)))

    def synthesis(self, w_plus: WPlus, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis`."""
        return self.synthesis_at(w_plus, self.img_resolution, noise_mode)

    def synthesis_at(self, w_plus: WPlus, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image at `resolution`, as `Generator.synthesis_at`."""
        img: Tensor = self.network.synthesis_at(w_plus.to(self.device), resolution, noise_mode)
        return img.to(w_plus.device)


def replace_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> Any:
    """Return the network with some of its weights replaced; all others are shared, not copied."""
    replaced = (value for module in network.modules() for value in vars(module).values() if isinstance(value, Tensor))
    shared: list[Tensor] = [*network.parameters(), *network.buffers(), *replaced]
    other = copy.deepcopy(network, {id(tensor): tensor for tensor in shared})
    for name, weight in weights.items():
        path, _, leaf = name.rpartition(".")
        module = other.get_submodule(path)
        delattr(module, leaf)  # a parameter would have to be a leaf of the graph
        setattr(module, leaf, weight)
    return other


def network_of(G: Generator) -> Any:
    """Return the torch network of a generator, of a `Tuned`, or of an engine."""
    if isinstance(G, Tuned):
        return G.network
    return G if isinstance(G, nn.Module) else G.G  # type: ignore[attr-defined]


def changed_weights(G: nn.Module, delta: Delta) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the new value, in the weight's own precision, of every weight that a delta changes."""
    weights: dict[str, Tensor] = dict(G.named_parameters())
    for name in sorted({_weight_of(name) for name in delta}):
        weight, change = weights.get(name), full_change(delta, name)
        if weight is None or change.numel() != weight.numel():
            raise LatentError("the likeness's tuning does not fit this generator", "encode the photo again")
        yield name, (weight.float() + change.view(weight.shape).to(weight.device)).to(weight.dtype)


def full_change(delta: Delta, name: str) -> Tensor:
    """Return the full change of one weight: float32, with as many numbers as the weight."""
    if name in delta:
        return delta[name].float()
    try:
        left, right = delta[name + LEFT_FACTOR].float(), delta[name + RIGHT_FACTOR].float()
        return left @ right
    except (KeyError, RuntimeError) as error:
        raise LatentError("the likeness's tuning is damaged", "encode the photo again") from error


def blend_deltas(a: Delta, b: Delta, t: float) -> Delta:
    """Return the delta `(1 - t) a + t b`; factors are concatenated. Equal deltas give `a` itself."""
    if is_same_delta(a, b):
        return a
    if t in (0.0, 1.0):
        return b if t else a
    parts: dict[str, list[Tensor]] = {}
    for delta, share in ((a, 1 - t), (b, t)):
        for name, part in delta.items():
            parts.setdefault(name, []).append(part.float() * (1.0 if name.endswith(RIGHT_FACTOR) else share))
    return {name: _join_parts(name, changes) for name, changes in parts.items()}


def add_deltas(a: Delta, b: Delta, strength: float = 1.0) -> Delta:
    """Return the delta `a + strength b`. Factors are concatenated; without a change in `b` the result is `a` itself."""
    if not b or not strength:
        return a
    scaled = {name: part if name.endswith(RIGHT_FACTOR) else part.float() * strength for name, part in b.items()}
    total = dict(a)
    for name in {_weight_of(name) for name in scaled}:
        parts = [{key: delta[key] for key in _keys_of(delta, name)} for delta in (total, scaled)]
        for key in parts[0]:
            del total[key]
        total |= _add_changes(name, *parts)
    return total


def _add_changes(name: str, a: Delta, b: Delta) -> Delta:
    """Return the sum of two changes of one weight: as factors if neither is a full change."""
    if not a or not b:
        return a or b
    if name in a or name in b:
        return {name: full_change(a, name).flatten() + full_change(b, name).flatten()}
    return {key: _join_parts(key, [a[key].float(), b[key].float()]) for key in b}


def _weight_of(name: str) -> str:
    return name.removesuffix(LEFT_FACTOR).removesuffix(RIGHT_FACTOR)


def _keys_of(delta: Delta, name: str) -> list[str]:
    return [key for key in (name, name + LEFT_FACTOR, name + RIGHT_FACTOR) if key in delta]


def is_same_delta(a: Delta, b: Delta) -> bool:
    """Return whether two deltas hold the same numbers."""
    return a is b or (a.keys() == b.keys() and all(torch.equal(part, b[name]) for name, part in a.items()))


def _join_parts(name: str, parts: list[Tensor]) -> Tensor:
    if name.endswith((LEFT_FACTOR, RIGHT_FACTOR)):
        return torch.cat(parts, dim=1 if name.endswith(LEFT_FACTOR) else 0)
    return torch.stack(parts).sum(0)


@torch.no_grad()
def tunable_weights(G: Generator, side: int = 256) -> dict[str, Tensor]:
    """Return the weights that tuning changes: convolutions and biases of layers up to `side` pixels.

    Affine maps, noise and finer layers are excluded. A picture that is compared at 256 px does not constrain the finer
    layers, which could develop artifacts.
    """
    selected: dict[str, Tensor] = {}
    network = network_of(G)

    def select_weights(prefix: str, module: nn.Module, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[-1] <= side:
            weights = module.named_parameters(prefix, recurse=False)
            selected.update((name, weight) for name, weight in weights if "affine" not in name and "noise" not in name)

    hooks = [
        module.register_forward_hook(lambda module, _, out, prefix=prefix: select_weights(prefix, module, out))
        for prefix, module in network.named_modules()
    ]
    try:
        network.synthesis_at(network.w_avg.expand(1, network.num_ws, -1), side)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: weight for name, weight in network.named_parameters() if name in selected}
