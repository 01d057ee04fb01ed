"""Initial weights for training, and the learning rate of each of them.

StyleGAN stores weights of unit variance and scales them whenever they are used, so that an optimizer whose steps do
not depend on a gradient's size (Adam) moves all of them at the same relative speed (Karras et al. 2018, section 4.1).
Storing the scaled weights, and scaling the optimizer's steps instead, gives the same training without that cost:
`init_weights` stores a layer's step sizes in the layer, and `parameter_groups` passes them to the optimizer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

WEIGHT_STEP, BIAS_STEP = "weight_step", "bias_step"


def init_weights(layer: nn.Linear | nn.Conv2d, gain: float = 1, bias: float = 0, multiplier: float = 1) -> None:
    """Fill a layer with normal weights that scale a signal's variance by `gain` squared, and a constant bias.

    Convention: `multiplier` scales the layer's learning rate: 0.01 in mapping networks (Karras et al. 2019, section C).
    """
    std = gain / layer.weight[0].numel() ** 0.5
    with torch.no_grad():
        layer.weight.normal_(std=std)
        if layer.bias is not None:
            layer.bias.fill_(bias)
    setattr(layer, WEIGHT_STEP, std * multiplier)
    setattr(layer, BIAS_STEP, multiplier)


def step_size(module: nn.Module, name: str) -> float:
    """Return the learning rate of a module's parameter, as a factor of the network's."""
    return float(getattr(module, f"{name}_step", 1.0))


def parameter_groups(network: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Group the trainable parameters for an optimizer, each group with its learning rate; `lr` is StyleGAN's.

    A network that scales its weights in the forward pass has a single group.
    """
    groups: dict[float, list[Tensor]] = {}
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                groups.setdefault(step_size(module, name), []).append(parameter)
    return [{"params": groups[step], "lr": lr * step} for step in sorted(groups)]
