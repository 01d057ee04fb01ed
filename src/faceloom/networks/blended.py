"""A generator that changes a part of the picture only: features of two latents, blended with a soft mask.

Inside the mask the picture is generated from the latent that is given, outside it from a fixed one. Both are blended in
the features of every resolution, so that the parts join without a seam. Zhu et al. 2021 (Barbershop) and Alaluf et al.
2022 (StyleFusion) blend the features of several pictures by their regions. Does not open files.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import WPlus
from faceloom.networks.fused import Fused, fuse
from faceloom.networks.generator import Generator, NoiseMode, count_channels
from faceloom.networks.tuned import network_of, replace_weights

FIRST_SIDE = 16  # side in pixels of the smallest features that are blended; smaller ones decide pose and shape

Features = Sequence[Tensor | tuple[Tensor | None, ...]]
"""The outputs of a network's feature layers for one latent, from coarse to fine."""


class Blended:
    """A generator with a fixed picture outside a mask (`Generator` protocol). Creating one takes milliseconds.

    Convention: `fixed` are the features of the fixed picture, from `compute_features`; mask `[1, 1, 64, 64]`, 0...1:
    where it is 1, the picture is generated from the given latent.
    """

    def __init__(self, G: Generator, fixed: Features, mask: Tensor) -> None:
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = G.z_dim, G.c_dim, G.w_dim, G.num_ws
        self.img_resolution, self.layer_resolutions = G.img_resolution, G.layer_resolutions
        self.img_channels = count_channels(G)
        self.w_avg, self.mapping, self.affines = G.w_avg, G.mapping, G.affines
        self.plain, self.fixed, self.mask = network_of(G), fixed, mask
        self.device = self.plain.w_avg.device
        self.fused = fuse(self.plain, partial(_blend_layer, fixed, mask))

    def synthesis(self, w_plus: WPlus, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis`."""
        return self.synthesis_at(w_plus, self.img_resolution, noise_mode)

    def synthesis_at(self, w_plus: WPlus, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image at `resolution`, as `Generator.synthesis_at`."""
        if isinstance(self.fused, Fused) and noise_mode == "const" and not needs_gradients(w_plus):
            return self.fused.synthesis_at(w_plus, resolution)
        img: Tensor = self.network.synthesis_at(w_plus.to(self.device), resolution, noise_mode)
        return img.to(w_plus.device)

    @cached_property
    def network(self) -> Any:
        """The network whose feature layers blend their outputs."""
        network = replace_weights(self.plain, {})
        for features, layer in zip(self.fixed, network.feature_layers(), strict=True):
            layer.register_forward_hook(partial(_blend_output, features, self.mask))
        return network


def needs_gradients(w_plus: WPlus) -> bool:
    """Return whether gradients of a latent are recorded."""
    return torch.is_grad_enabled() and w_plus.requires_grad


def compute_features(G: Generator, w_plus: WPlus) -> Features:
    """Return the outputs of all feature layers for one latent `[1, num_ws, w_dim]`; this costs one picture."""
    return generate_with_features(G, w_plus)[1]


@torch.no_grad()
def generate_with_features(G: Generator, w_plus: WPlus) -> tuple[Tensor, Features]:
    """Generate the image of one latent `[1, num_ws, w_dim]`; return it with the outputs of all feature layers."""
    outputs: list[Any] = []
    fused = fuse(network_of(G), partial(_record_layer, outputs))
    if isinstance(fused, Fused):
        return fused.synthesis(w_plus), outputs
    network = replace_weights(network_of(G), {})
    for layer in network.feature_layers():
        layer.register_forward_hook(lambda layer, inputs, output: outputs.append(output))
    img: Tensor = network.synthesis(w_plus.to(network.w_avg.device))
    return img.to(w_plus.device), outputs


def blend(fixed: Tensor, changed: Tensor, mask: Tensor) -> Tensor:
    """Blend features `[1, c, h, w]` and `[n, c, h, w]`: the changed ones where the mask `[1, 1, 64, 64]` is 1."""
    if max(changed.shape[-2:]) < FIRST_SIDE:
        return changed
    return fixed.lerp(changed, resize_mask(mask, changed.shape[-2:]).to(changed))


def resize_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """Resize a mask `[1, 1, 64, 64]`. A smaller one covers every pixel that the mask touches."""
    if max(size) < max(mask.shape[-2:]):
        return F.adaptive_max_pool2d(mask, list(size))
    return F.interpolate(mask, list(size), mode="bilinear", align_corners=False)


def _record_layer(outputs: list[Any], layer: int, output: Tensor) -> Tensor:
    """Append the output of a feature layer to a list, and return it."""
    outputs.append(output)
    return output


def _blend_layer(fixed: Features, mask: Tensor, layer: int, output: Tensor) -> Tensor:
    """Blend the output of a feature layer of a fused generator, which draws a part of the wavelet bands only."""
    other = fixed[layer]
    assert isinstance(other, Tensor)
    return blend(other[:, : output.shape[1]], output, mask)


def _blend_output(fixed: Any, mask: Tensor, layer: nn.Module, inputs: object, output: Any) -> Any:
    """Blend the output of a layer, a tensor or a tuple of tensors, with that of the fixed picture."""
    if isinstance(output, Tensor):
        return blend(fixed, output, mask)
    return tuple(None if new is None else blend(old, new, mask) for old, new in zip(fixed, output, strict=True))
