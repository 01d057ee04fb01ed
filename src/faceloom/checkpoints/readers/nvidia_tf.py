"""NVIDIA's TensorFlow pickles: StyleGAN, StyleGAN2, StyleGAN2-ADA. Knows names, not files; needs no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes
from faceloom.checkpoints.readers.rename import (
    Rule,
    first,
    flipped,
    over_sqrt2,
    plane,
    plus_one,
    rename,
    same,
    scalar,
    turned,
)
from faceloom.checkpoints.readers.rosinality import noise
from faceloom.checkpoints.sandbox.process import Content
from faceloom.errors import UnknownFormat

SOURCE = "nvidia-tf"

_FIXED = {
    "nonlinearity": "lrelu",
    "mapping_nonlinearity": "lrelu",
    "use_wscale": True,
    "use_pixel_norm": False,
    "use_instance_norm": True,
    "use_styles": True,
    "const_input_layer": True,
    "normalize_latents": True,
    "fmap_decay": 1.0,
    "num_channels": 3,
}
"""Options that a network of ours cannot follow, with the only value that it knows."""


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """`('stylegan1' | 'stylegan2' | 'discriminator', prefix)`, None when the names are not TensorFlow's."""
    keys = {
        "synthesis/4x4/Conv/StyleMod/weight": "stylegan1",
        "synthesis/4x4/Conv/mod_weight": "stylegan2",
        "4x4/Dense0/weight": "discriminator",
    }
    for key, family in keys.items():
        for name in names:
            if name.endswith(f"/{key}"):
                return family, name.removesuffix(key)
    return None


def read(content: Content, family: str, prefix: str) -> LoadedNetwork:
    """Understand the network that `find` found. Raises WrongShape, CorruptFile, or UnknownFormat for other options."""
    tensors = {name.removeprefix(prefix): tensor for name, tensor in content.tensors.items()}
    stem = f"{prefix.removesuffix('/')}.static_kwargs."
    options = {name.removeprefix(stem): value for name, value in content.values.items() if name.startswith(stem)}
    for option, value in _FIXED.items():
        if options.get(option, value) != value:
            raise UnknownFormat(
                f"the network was made with {option}={options[option]}", "faceloom reads the usual ones"
            )
    size = max((int(side) for side in re.findall(r"(\d+)x\1/", " ".join(tensors))), default=4)
    rules = {"stylegan1": _stylegan1, "stylegan2": _stylegan2, "discriminator": _discriminator}[family](size, options)
    renamed = rename(tensors, rules)
    understand: Callable[..., LoadedNetwork] = _UNDERSTAND[family]
    return understand(renamed.state, SOURCE, unused=tuple(renamed.unused), **_known(family, options))


_UNDERSTAND: dict[str, Callable[..., LoadedNetwork]] = {
    "stylegan1": shapes.stylegan1,
    "stylegan2": shapes.stylegan2,
    "discriminator": shapes.discriminator,
}

_FIELDS = {
    "stylegan1": {"mapping_lrmul": "lr_multiplier", "blur_filter": "blur_filter", "truncation_psi": "truncation_psi"},
    "stylegan2": {"mapping_lrmul": "lr_multiplier", "conv_clamp": "conv_clamp", "resample_kernel": "resample_filter"},
    "discriminator": {
        "mapping_lrmul": "lr_multiplier",
        "conv_clamp": "conv_clamp",
        "resample_kernel": "resample_filter",
        "mbstd_group_size": "mbstd_group_size",
    },
}
"""TensorFlow's options -> fields of our configurations."""


def _known(family: str, options: Mapping[str, Any]) -> dict[str, Any]:
    known = {ours: options[theirs] for theirs, ours in _FIELDS[family].items() if options.get(theirs) is not None}
    if family == "discriminator":
        known = {"lr_multiplier": 0.1, "mbstd_group_size": options.get("mbstd_group_size", 4)} | known
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}


def _turned_flipped(tensor: Tensor) -> Tensor:
    return flipped(turned(tensor))


_MAPPING: list[Rule] = [
    (r"dlatent_avg", "w_avg", same),
    (r"mapping/LabelEmbed/weight", "mapping.embed.weight", turned),
    (r"mapping/LabelEmbed/bias", "mapping.embed.bias", same),
    (r"mapping/Dense(\d+)/weight", lambda m: f"mapping.fc{m[1]}.weight", turned),
    (r"(.*/)?lod", None, same),
]


def _conv(name: str) -> str:
    return "conv0" if name.startswith("Conv0") else "conv1"


def _stylegan2(size: int, _: Mapping[str, Any]) -> list[Rule]:
    layer = r"synthesis/(\d+)x\d+/(Conv0_up|Conv1|Conv)/"

    def at(tail: str) -> Any:
        return lambda m: f"synthesis.b{m[1]}.{_conv(m[2])}.{tail}"

    def rgb(tail: str) -> Any:
        return lambda m: f"synthesis.b{m[1] or size >> int(m[2])}.torgb.{tail}"

    colours = r"synthesis/(?:(\d+)x\d+/ToRGB|ToRGB_lod(\d+))/"
    return [
        *_MAPPING,
        (r"mapping/Dense(\d+)/bias", lambda m: f"mapping.fc{m[1]}.bias", same),
        (r"synthesis/4x4/Const/const", "synthesis.b4.const", first),
        (layer.replace("|Conv1|Conv", "") + "weight", at("weight"), _turned_flipped),
        (layer + "weight", at("weight"), turned),
        (layer + "bias", at("bias"), same),
        (layer + "noise_strength", at("noise_strength"), scalar),
        (layer + "mod_weight", at("affine.weight"), turned),
        (layer + "mod_bias", at("affine.bias"), plus_one),
        (r"synthesis/noise(\d{1,2})", lambda m: noise(int(m[1])), plane),
        (colours + "weight", rgb("weight"), turned),
        (colours + "bias", rgb("bias"), same),
        (colours + "mod_weight", rgb("affine.weight"), turned),
        (colours + "mod_bias", rgb("affine.bias"), plus_one),
        (r"synthesis/(\d+)x\d+/Skip/weight", lambda m: f"synthesis.b{m[1]}.skip.weight", _turned_flipped),
    ]


def _stylegan1(size: int, options: Mapping[str, Any]) -> list[Rule]:
    """StyleGAN: kernels of doubling convolutions are scattered where they are fused, else gathered; we scatter."""
    fused = options.get("fused_scale", "auto")
    layer = r"synthesis/(\d+)x\d+/(Const|Conv0_up|Conv1|Conv)/"

    def at(tail: str) -> Any:
        return lambda m: f"synthesis.b{m[1]}.{'conv0' if m[2] in ('Const', 'Conv0_up') else 'conv1'}.{tail}"

    sides = [4 << i for i in range(size.bit_length() - 2)]
    scattered = [side for side in sides if (side >= 128 if fused == "auto" else fused)]
    up = [
        (rf"synthesis/({side})x\d+/(Conv0_up)/weight", at("weight"), turned if side in scattered else _turned_flipped)
        for side in sides
    ]
    return [
        *_MAPPING,
        (r"mapping/Dense(\d+)/bias", lambda m: f"mapping.fc{m[1]}.bias", over_sqrt2),
        (r"synthesis/4x4/Const/const", "synthesis.b4.const", first),
        *up,
        (layer + "weight", at("weight"), turned),
        (layer + "bias", at("bias"), same),
        (layer + "Noise/weight", at("noise_strength"), same),
        (layer + "StyleMod/weight", at("affine.weight"), turned),
        (layer + "StyleMod/bias", at("affine.bias"), same),
        (
            r"synthesis/noise(\d{1,2})",
            lambda m: f"synthesis.b{4 << int(m[1]) // 2}.conv{int(m[1]) % 2}.noise_const",
            plane,
        ),
        (r"synthesis/ToRGB_lod0/weight", "synthesis.torgb.weight", turned),
        (r"synthesis/ToRGB_lod0/bias", "synthesis.torgb.bias", same),
        (r"synthesis/ToRGB_lod\d+/.*", None, same),
    ]


def _discriminator(size: int, _: Mapping[str, Any]) -> list[Rule]:
    colours = r"(?:(\d+)x\d+/FromRGB|FromRGB_lod(\d+))/"

    def rgb(tail: str) -> Any:
        return lambda m: f"b{m[1] or size >> int(m[2])}.fromrgb.{tail}"

    return [
        (colours + "weight", rgb("weight"), turned),
        (colours + "bias", rgb("bias"), same),
        (r"(\d+)x\d+/Conv(\d)(?:_down)?/weight", lambda m: f"b{m[1]}.conv{m[2]}.weight", turned),
        (r"(\d+)x\d+/Conv(\d)(?:_down)?/bias", lambda m: f"b{m[1]}.conv{m[2]}.bias", same),
        (r"(\d+)x\d+/Skip/weight", lambda m: f"b{m[1]}.skip.weight", turned),
        (r"4x4/Conv/weight", "b4.conv.weight", turned),
        (r"4x4/Conv/bias", "b4.conv.bias", same),
        (r"4x4/Dense0/weight", "b4.fc.weight", turned),
        (r"4x4/Dense0/bias", "b4.fc.bias", same),
        (r"Output/weight", "b4.out.weight", turned),
        (r"Output/bias", "b4.out.bias", same),
        (r"LabelEmbed/weight", "mapping.embed.weight", turned),
        (r"LabelEmbed/bias", "mapping.embed.bias", same),
        (r"Mapping(\d+)/weight", lambda m: f"mapping.fc{m[1]}.weight", turned),
        (r"Mapping(\d+)/bias", lambda m: f"mapping.fc{m[1]}.bias", same),
        (r"(.*/)?lod", None, same),
    ]
