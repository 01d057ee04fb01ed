"""Snapshots of NVIDIA's PyTorch codes: StyleGAN2-ADA and StyleGAN3, and codes that keep their networks.

Knows names, not files. The source code inside a snapshot is never looked at: modules' own attributes tell their
settings. Plain state dicts under the same names are read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes
from faceloom.checkpoints.readers.rename import Rule, check_state, rename, same
from faceloom.checkpoints.sandbox.process import Content
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config

SOURCE = "nvidia-torch"

_KEYS = {
    "stylegan2": re.compile(r"(.*?)synthesis\.b4\.const"),
    "stylegan3": re.compile(r"(.*?)synthesis\.input\.freqs"),
    "discriminator": re.compile(r"(.*?)b4\.conv\.weight"),
}

_RULES: list[Rule] = [
    (r".*\.(resample_filter|up_filter|down_filter)", None, same),
    (r"mapping\.w_avg", "w_avg", same),
    (r"((?:mapping|synthesis|b\d+)\..*)", lambda match: match[1], same),
    (r"(latent_avg)", None, same),
]


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """`(family, prefix)` of the network, None when there is none of NVIDIA's."""
    for family, pattern in _KEYS.items():
        matches = [match[1] for match in map(pattern.fullmatch, names) if match]
        if matches:
            return family, min(matches, key=len)
    return None


def read(content: Content, family: str, prefix: str) -> LoadedNetwork:
    """Understand the network that `find` found.

    Raises WrongShape, CorruptFile, or UnknownFormat for a variant whose layers differ.
    """
    tensors = {name.removeprefix(prefix): tensor for name, tensor in content.tensors.items()}
    values = {name.removeprefix(prefix): value for name, value in content.values.items()}
    renamed = rename(tensors, _RULES)
    unused = tuple(renamed.unused)
    if family == "stylegan3":
        return _stylegan3(renamed.state, tensors, values, unused)
    known: dict[str, Any] = shapes.low_pass(t for name, t in tensors.items() if name.endswith("resample_filter"))
    known["lr_multiplier"] = values.get("mapping.fc0.bias_gain", 0.01)
    if family == "discriminator":
        _check_activation(values, "b4.conv.activation")
        known["conv_clamp"] = values.get("b4.conv.conv_clamp")
        known["mbstd_group_size"] = values.get("b4.mbstd.group_size", 4)
        return shapes.discriminator(renamed.state, SOURCE, unused=unused, **known)
    _check_activation(values, "synthesis.b4.conv1.activation")
    known["conv_clamp"] = values.get("synthesis.b4.conv1.conv_clamp")
    return shapes.stylegan2(renamed.state, SOURCE, unused=unused, **known)


def _check_activation(values: Mapping[str, Any], name: str) -> None:
    if values.get(name, "lrelu") != "lrelu":
        raise UnknownFormat(f"the network's activation is {values[name]}", "faceloom reads those with leaky ReLU only")


def _stylegan3(
    state: dict[str, Tensor], tensors: Mapping[str, Tensor], values: Mapping[str, Any], unused: tuple[str, ...]
) -> LoadedNetwork:
    config = _stylegan3_config(state, tensors, values)
    state.setdefault("synthesis.input.transform", torch.eye(3))
    check_state(StyleGAN3, config, state)
    _check_filters(config, tensors)
    return LoadedNetwork("stylegan3", SOURCE, config, state, (), unused)


def _stylegan3_config(
    state: Mapping[str, Tensor], tensors: Mapping[str, Tensor], values: Mapping[str, Any]
) -> StyleGAN3Config:
    """Settings that the snapshot states count first; the rest is told from names and shapes."""
    layers = sorted(
        (tuple(map(int, match.groups())) for match in (_LAYER.fullmatch(name) for name in state) if match),
    )
    embed = state.get("mapping.embed.weight", torch.empty(0, 0))
    try:
        _, img_resolution, _ = layers[-1]
        _, _, last_channels = layers[-2]
        first = state["synthesis.L0_{1}_{2}.weight".format(*layers[0])]
        told: dict[str, Any] = {
            "img_resolution": img_resolution,
            "num_layers": len(layers) - 1,
            "channel_base": last_channels * img_resolution,
            "channel_max": layers[0][2],
            "conv_kernel": first.shape[-1],
            "z_dim": state["mapping.fc0.weight"].shape[1] - embed.shape[0],
            "c_dim": embed.shape[1],
            "w_dim": state["synthesis.input.affine.weight"].shape[1],
            "mapping_layers": sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in state),
        }
    except (KeyError, IndexError) as error:
        raise WrongShape(f"the StyleGAN3 in the file is not whole: {error}", "get the file again") from error
    told["use_radial_filters"] = any(n.endswith("down_filter") and t.ndim == 2 for n, t in tensors.items())
    told["lr_multiplier"] = values.get("mapping.fc0.bias_gain", 0.01)
    prefix = "synthesis._init_kwargs."
    fields = StyleGAN3Config.__dataclass_fields__
    stated = {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}
    return StyleGAN3Config(**told | {name: value for name, value in stated.items() if name in fields})


_LAYER = re.compile(r"synthesis\.L(\d+)_(\d+)_(\d+)\.weight")


def _check_filters(config: StyleGAN3Config, tensors: Mapping[str, Tensor]) -> None:
    """Our filters are designed afresh: where the file holds its own, they must be the same."""
    with torch.device("meta"):
        ours = dict(StyleGAN3(config).named_buffers())
    for name, theirs in tensors.items():
        if name.endswith(("up_filter", "down_filter")):
            kernel = theirs if theirs.ndim == 2 else torch.outer(theirs, theirs)
            if (
                name not in ours
                or ours[name].shape != kernel.shape
                or not torch.allclose(ours[name], kernel, atol=1e-5)
            ):
                raise UnknownFormat(f"{name} is another filter than StyleGAN3's", "faceloom reads configs T and R only")
