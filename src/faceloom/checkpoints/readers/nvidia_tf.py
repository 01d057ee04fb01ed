"""Reader for NVIDIA's TensorFlow pickles: StyleGAN, StyleGAN2, StyleGAN2-ADA. Needs no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes
from faceloom.checkpoints.readers.rename import (
    Rule,
    add_one,
    divide_by_sqrt2,
    drop_first_axis,
    from_tf_order,
    rename,
    rotate_180,
    to_plane,
    to_scalar,
    unchanged,
)
from faceloom.checkpoints.readers.rosinality import noise_name
from faceloom.checkpoints.sandbox.process import FileContent
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
}
"""Options that our networks do not support, with the only accepted value of each."""


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """Return `('stylegan1' | 'stylegan2' | 'discriminator', prefix)`, or None when the names are not TensorFlow's."""
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


def read(content: FileContent, family: str, prefix: str) -> LoadedNetwork:
    """Read the network that `find` identified.

    Raises WrongShape, CorruptFile, or UnknownFormat for unsupported options.
    """
    tensors = {name.removeprefix(prefix): tensor for name, tensor in content.tensors.items()}
    stem = f"{prefix.removesuffix('/')}.static_kwargs."
    options = {name.removeprefix(stem): value for name, value in content.values.items() if name.startswith(stem)}
    for option in (*_FIXED, *_FIELDS[family]):
        if f"{stem}{option}" in content.unread:
            raise UnknownFormat(
                f"the network's option {option} could not be read: {content.unread[f'{stem}{option}']}",
                "nothing in the file was run",
            )
    for option, value in _FIXED.items():
        if options.get(option, value) != value:
            raise UnknownFormat(
                f"the network was made with {option}={options[option]}", f"faceloom reads {option}={value} only"
            )
    size = max((int(side) for side in re.findall(r"(\d+)x\1/", " ".join(tensors))), default=4)
    make_rules = {"stylegan1": _stylegan1_rules, "stylegan2": _stylegan2_rules, "discriminator": _discriminator_rules}
    unread = {name.removeprefix(prefix): reason for name, reason in content.unread.items()}
    renamed = rename(tensors, make_rules[family](size, options), unread)
    infer: Callable[..., LoadedNetwork] = _INFER[family]
    return infer(renamed.state, SOURCE, unused=tuple(renamed.unused), **_config_fields(family, options))


_INFER: dict[str, Callable[..., LoadedNetwork]] = {
    "stylegan1": shapes.infer_stylegan1,
    "stylegan2": shapes.infer_stylegan2,
    "discriminator": shapes.infer_discriminator,
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
"""Names of TensorFlow options -> fields of our configurations, by family."""


def _config_fields(family: str, options: Mapping[str, Any]) -> dict[str, Any]:
    fields = {ours: options[theirs] for theirs, ours in _FIELDS[family].items() if options.get(theirs) is not None}
    if family == "discriminator":
        fields = {"lr_multiplier": 0.1, "mbstd_group_size": options.get("mbstd_group_size", 4)} | fields
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _from_tf_order_rotated(tensor: Tensor) -> Tensor:
    return rotate_180(from_tf_order(tensor))


_MAPPING: list[Rule] = [
    (r"dlatent_avg", "w_avg", unchanged),
    (r"mapping/LabelEmbed/weight", "mapping.embed.weight", from_tf_order),
    (r"mapping/LabelEmbed/bias", "mapping.embed.bias", unchanged),
    (r"mapping/Dense(\d+)/weight", lambda m: f"mapping.fc{m[1]}.weight", from_tf_order),
    (r"(.*/)?lod", None, unchanged),
]


def _conv(name: str) -> str:
    return "conv0" if name.startswith("Conv0") else "conv1"


def _stylegan2_rules(size: int, _: Mapping[str, Any]) -> list[Rule]:
    layer = r"synthesis/(\d+)x\d+/(Conv0_up|Conv1|Conv)/"

    def layer_name(tail: str) -> Any:
        return lambda m: f"synthesis.b{m[1]}.{_conv(m[2])}.{tail}"

    def rgb_name(tail: str) -> Any:
        return lambda m: f"synthesis.b{m[1] or size >> int(m[2])}.torgb.{tail}"

    colors = r"synthesis/(?:(\d+)x\d+/ToRGB|ToRGB_lod(\d+))/"
    return [
        *_MAPPING,
        (r"mapping/Dense(\d+)/bias", lambda m: f"mapping.fc{m[1]}.bias", unchanged),
        (r"synthesis/4x4/Const/const", "synthesis.b4.const", drop_first_axis),
        (layer.replace("|Conv1|Conv", "") + "weight", layer_name("weight"), _from_tf_order_rotated),
        (layer + "weight", layer_name("weight"), from_tf_order),
        (layer + "bias", layer_name("bias"), unchanged),
        (layer + "noise_strength", layer_name("noise_strength"), to_scalar),
        (layer + "mod_weight", layer_name("affine.weight"), from_tf_order),
        (layer + "mod_bias", layer_name("affine.bias"), add_one),
        (r"synthesis/noise(\d{1,2})", lambda m: noise_name(int(m[1])), to_plane),
        (colors + "weight", rgb_name("weight"), from_tf_order),
        (colors + "bias", rgb_name("bias"), unchanged),
        (colors + "mod_weight", rgb_name("affine.weight"), from_tf_order),
        (colors + "mod_bias", rgb_name("affine.bias"), add_one),
        (r"synthesis/(\d+)x\d+/Skip/weight", lambda m: f"synthesis.b{m[1]}.skip.weight", _from_tf_order_rotated),
    ]


def _stylegan1_rules(size: int, options: Mapping[str, Any]) -> list[Rule]:
    """Return StyleGAN's rules.

    Kernels of up-sampling layers are stored for transposed convolution, as ours, where the layer is fused; elsewhere
    for ordinary convolution, rotated by 180 degrees.
    """
    fused = options.get("fused_scale", "auto")
    layer = r"synthesis/(\d+)x\d+/(Const|Conv0_up|Conv1|Conv)/"

    def layer_name(tail: str) -> Any:
        return lambda m: f"synthesis.b{m[1]}.{'conv0' if m[2] in ('Const', 'Conv0_up') else 'conv1'}.{tail}"

    sides = [4 << i for i in range(size.bit_length() - 2)]
    fused_sides = [side for side in sides if (side >= 128 if fused == "auto" else fused)]
    up = [
        (
            rf"synthesis/({side})x\d+/(Conv0_up)/weight",
            layer_name("weight"),
            from_tf_order if side in fused_sides else _from_tf_order_rotated,
        )
        for side in sides
    ]
    return [
        *_MAPPING,
        (r"mapping/Dense(\d+)/bias", lambda m: f"mapping.fc{m[1]}.bias", divide_by_sqrt2),
        (r"synthesis/4x4/Const/const", "synthesis.b4.const", drop_first_axis),
        *up,
        (layer + "weight", layer_name("weight"), from_tf_order),
        (layer + "bias", layer_name("bias"), unchanged),
        (layer + "Noise/weight", layer_name("noise_strength"), unchanged),
        (layer + "StyleMod/weight", layer_name("affine.weight"), from_tf_order),
        (layer + "StyleMod/bias", layer_name("affine.bias"), unchanged),
        (
            r"synthesis/noise(\d{1,2})",
            lambda m: f"synthesis.b{4 << int(m[1]) // 2}.conv{int(m[1]) % 2}.noise_const",
            to_plane,
        ),
        (r"synthesis/ToRGB_lod0/weight", "synthesis.torgb.weight", from_tf_order),
        (r"synthesis/ToRGB_lod0/bias", "synthesis.torgb.bias", unchanged),
        (r"synthesis/ToRGB_lod\d+/.*", None, unchanged),
    ]


def _discriminator_rules(size: int, _: Mapping[str, Any]) -> list[Rule]:
    colors = r"(?:(\d+)x\d+/FromRGB|FromRGB_lod(\d+))/"

    def rgb_name(tail: str) -> Any:
        return lambda m: f"b{m[1] or size >> int(m[2])}.fromrgb.{tail}"

    return [
        (colors + "weight", rgb_name("weight"), from_tf_order),
        (colors + "bias", rgb_name("bias"), unchanged),
        (r"(\d+)x\d+/Conv(\d)(?:_down)?/weight", lambda m: f"b{m[1]}.conv{m[2]}.weight", from_tf_order),
        (r"(\d+)x\d+/Conv(\d)(?:_down)?/bias", lambda m: f"b{m[1]}.conv{m[2]}.bias", unchanged),
        (r"(\d+)x\d+/Skip/weight", lambda m: f"b{m[1]}.skip.weight", from_tf_order),
        (r"4x4/Conv/weight", "b4.conv.weight", from_tf_order),
        (r"4x4/Conv/bias", "b4.conv.bias", unchanged),
        (r"4x4/Dense0/weight", "b4.fc.weight", from_tf_order),
        (r"4x4/Dense0/bias", "b4.fc.bias", unchanged),
        (r"Output/weight", "b4.out.weight", from_tf_order),
        (r"Output/bias", "b4.out.bias", unchanged),
        (r"LabelEmbed/weight", "mapping.embed.weight", from_tf_order),
        (r"LabelEmbed/bias", "mapping.embed.bias", unchanged),
        (r"Mapping(\d+)/weight", lambda m: f"mapping.fc{m[1]}.weight", from_tf_order),
        (r"Mapping(\d+)/bias", lambda m: f"mapping.fc{m[1]}.bias", unchanged),
        (r"(.*/)?lod", None, unchanged),
    ]
