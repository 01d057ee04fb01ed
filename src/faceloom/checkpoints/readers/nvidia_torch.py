"""Reader for snapshots of NVIDIA's PyTorch code bases, StyleGAN2-ADA and StyleGAN3, and of their derivatives.

Settings come from the attributes of the pickled modules; the source code in a snapshot is ignored. Plain state dicts
under the same names are read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from faceloom.checkpoints.check_state import check_state
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes, stylegan_xl
from faceloom.checkpoints.readers.layer_settings import (
    check_layer_settings,
    check_stated_sizes,
    stated_architecture,
    used_filters,
)
from faceloom.checkpoints.readers.rename import Rule, rename, unchanged
from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config

SOURCE = "nvidia-torch"

_KEYS = {
    "stylegan2": re.compile(r"(.*?)synthesis\.b4\.const"),
    "stylegan3": re.compile(r"(.*?)synthesis\.input\.freqs"),
    "discriminator": re.compile(r"(.*?)b4\.conv\.weight"),
}

_RULES: list[Rule] = [
    (r".*\.(resample_filter|up_filter|down_filter)", None, unchanged),
    (r"mapping\.w_avg", "w_avg", unchanged),
    (r"((?:mapping|synthesis|b\d+)\..*)", lambda match: match[1], unchanged),
    (r"(latent_avg)", None, unchanged),
]


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """Return `(family, prefix)` of the network, or None when the names are not NVIDIA's."""
    for family, pattern in _KEYS.items():
        matches = [match[1] for match in map(pattern.fullmatch, names) if match]
        if matches:
            return family, min(matches, key=len)
    return None


def read(content: FileContent, family: str, prefix: str) -> LoadedNetwork:
    """Read the network that `find` identified.

    Raises WrongShape, CorruptFile, or UnknownFormat for a variant with different layers.
    """
    content = content.without_prefix(prefix)
    tensors, values = content.tensors, content.values
    check_layer_settings(content, family)
    renamed = rename(tensors, _RULES, content.unread)
    unused = tuple(renamed.unused)
    if family == "stylegan3":
        return _read_stylegan3(renamed.state, tensors, values, unused)
    architecture = stated_architecture(values)
    fields: dict[str, Any] = shapes.infer_filter(used_filters(tensors, family, architecture))
    fields["lr_multiplier"] = values.get("mapping.fc0.bias_gain", 0.01)
    if family == "discriminator":
        fields["conv_clamp"] = values.get("b4.conv.conv_clamp")
        fields["mbstd_group_size"] = values.get("b4.mbstd.group_size", 4)
        loaded = shapes.infer_discriminator(renamed.state, SOURCE, unused=unused, **fields)
    else:
        fields["conv_clamp"] = values.get("synthesis.b4.conv1.conv_clamp")
        loaded = shapes.infer_stylegan2(renamed.state, SOURCE, unused=unused, **fields)
    check_stated_sizes(loaded.config, values)
    is_stated = "c_dim" in values or "mapping.c_dim" in values
    return replace(loaded, notes=tuple(n for n in loaded.notes if not is_stated or n != shapes.LABELS_MISSING))


def _read_stylegan3(
    state: dict[str, Tensor], tensors: Mapping[str, Tensor], values: Mapping[str, Any], unused: tuple[str, ...]
) -> LoadedNetwork:
    values = stylegan_xl.number_layers(values, state)
    tensors, state = stylegan_xl.number_layers(tensors, state), stylegan_xl.number_layers(state, state)
    state, tensors, notes = stylegan_xl.simplify(state, tensors)
    notes = (*notes, *shapes.average_class_means(state))
    config = _infer_stylegan3_config(state, tensors, values)
    state.setdefault("synthesis.input.transform", torch.eye(3))
    check_state(StyleGAN3, config, state)
    _check_filters(config, tensors)
    check_stated_sizes(config, values)
    return LoadedNetwork("stylegan3", SOURCE, config, state, notes, unused)


def _infer_stylegan3_config(
    state: Mapping[str, Tensor], tensors: Mapping[str, Tensor], values: Mapping[str, Any]
) -> StyleGAN3Config:
    """Return the configuration inferred from names and shapes; settings stated in the snapshot take precedence."""
    layers = sorted(
        (tuple(map(int, match.groups())) for match in (_LAYER.fullmatch(name) for name in state) if match),
    )
    embed = state.get("mapping.embed.weight", torch.empty(0, 0))
    if embed.ndim != 2:
        raise WrongShape(f"mapping.embed.weight has {embed.ndim} axes, expected 2", "the file is of another family")
    try:
        _, img_resolution, _ = layers[-1]
        _, _, last_channels = layers[-2]
        first_weight = state["synthesis.L0_{1}_{2}.weight".format(*layers[0])]
        shape: dict[str, Any] = {"img_resolution": img_resolution, "num_layers": len(layers) - 1}
        inferred: dict[str, Any] = {
            "channel_base": last_channels * img_resolution,
            "channel_max": layers[0][2],
            "conv_kernel": first_weight.shape[-1],
            "z_dim": state["mapping.fc0.weight"].shape[1] - embed.shape[0],
            "c_dim": embed.shape[1],
            "w_dim": state["synthesis.input.affine.weight"].shape[1],
            "mapping_layers": sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in state),
        }
    except (KeyError, IndexError) as error:
        raise WrongShape(f"the StyleGAN3 in the file is incomplete: {error}", "get the file again") from error
    inferred["embed_features"] = None if embed.shape[0] in (0, inferred["w_dim"]) else embed.shape[0]
    inferred["use_radial_filters"] = any(n.endswith("down_filter") and t.ndim == 2 for n, t in tensors.items())
    inferred["lr_multiplier"] = values.get("mapping.fc0.bias_gain", 0.01)
    prefix = "synthesis._init_kwargs."
    fields = StyleGAN3Config.__dataclass_fields__
    stated = {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}
    config = StyleGAN3Config(
        **shape | inferred | {name: value for name, value in stated.items() if name in fields and name not in shape}
    )
    check_bounds(config)
    return stylegan_xl.with_stated_bands(config, layers, values)


_LAYER = re.compile(r"synthesis\.L(\d+)_(\d+)_(\d+)\.weight")


def _check_filters(config: StyleGAN3Config, tensors: Mapping[str, Tensor]) -> None:
    """Raise UnknownFormat unless the filters stored in the file equal ours, which are computed from `config`."""
    with torch.device("meta"):
        own_filters = dict(StyleGAN3(config).named_buffers())
    for name, stored in tensors.items():
        if name.endswith(("up_filter", "down_filter")):
            kernel = stored if stored.ndim == 2 else torch.outer(stored, stored)
            if (
                name not in own_filters
                or own_filters[name].shape != kernel.shape
                or not torch.allclose(own_filters[name], kernel, atol=1e-5)
            ):
                raise UnknownFormat(f"{name} is another filter than StyleGAN3's", "faceloom reads configs T and R only")
