"""Where a training starts: first weights, and how far each of them may move in a step. Torch only.

StyleGAN stores weights of unit variance and scales them whenever they are used, so that an optimiser whose steps do
not depend on a gradient's size (Adam) moves all of them at the same relative speed (Karras et al. 2018, section 4.1).
Storing weights as they are used and scaling the optimiser's steps instead is the same walk, without the scaling:
layers that start with `start` say what their steps are, `parameter_groups` hands that to the optimiser.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

WEIGHT_STEP, BIAS_STEP = "weight_step", "bias_step"
SQRT2 = 2**0.5


def start(layer: nn.Linear | nn.Conv2d, gain: float = 1, bias: float = 0, multiplier: float = 1) -> None:
    """Fill a layer with normal weights that keep a signal's variance times gain squared, and a constant bias.

    Convention: `multiplier` slows the layer down, as 0.01 does in mapping networks (Karras et al. 2019, section C).
    """
    std = gain / layer.weight[0].numel() ** 0.5
    with torch.no_grad():
        layer.weight.normal_(std=std)
        if layer.bias is not None:
            layer.bias.fill_(bias)
    setattr(layer, WEIGHT_STEP, std * multiplier)
    setattr(layer, BIAS_STEP, multiplier)


def step_size(module: nn.Module, name: str) -> float:
    """By how much a module's parameter moves in a step of an optimiser of learning rate one."""
    return float(getattr(module, f"{name}_step", 1.0))


def parameter_groups(network: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Sort what is to be trained into an optimiser's groups, each with its learning rate; `lr` is StyleGAN's.

    Networks that scale their weights themselves come out as one group.
    """
    groups: dict[float, list[Tensor]] = {}
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                groups.setdefault(step_size(module, name), []).append(parameter)
    return [{"params": groups[step], "lr": lr * step} for step in sorted(groups)]
