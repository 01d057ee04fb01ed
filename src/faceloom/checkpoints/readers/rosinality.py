"""Reader for checkpoints of rosinality's StyleGAN2, and of code bases that use its names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes
from faceloom.checkpoints.readers.rename import Rule, drop_first_axis, flatten, rename, to_plane, to_scalar, unchanged
from faceloom.checkpoints.sandbox.process import FileContent

SOURCE = "rosinality"


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """Return `('generator' | 'discriminator', prefix)`, or None when the names are not rosinality's."""
    for part, key in (("generator", "input.input"), ("discriminator", "final_conv.0.weight")):
        prefixes = [name.removesuffix(key) for name in names if name.endswith(key)]
        if prefixes:
            return part, min(prefixes, key=len)
    return None


def read(content: FileContent, part: str, prefix: str) -> LoadedNetwork:
    """Read a generator or discriminator whose names begin with `prefix`. Raises WrongShape or CorruptFile."""
    content = content.without_prefix(prefix)
    return read_discriminator(content, SOURCE) if part == "discriminator" else read_generator(content, SOURCE)


def read_generator(content: FileContent, source: str, rules: tuple[Rule, ...] = ()) -> LoadedNetwork:
    """Read a generator; `rules` are tried before rosinality's own. Raises WrongShape, CorruptFile or UnknownFormat."""
    tensors = content.tensors
    renamed = rename(tensors, [*rules, *GENERATOR], content.unread)
    return shapes.infer_stylegan2(renamed.state, source, unused=tuple(renamed.unused), **_filter(tensors, 4))


def read_discriminator(content: FileContent, source: str) -> LoadedNetwork:
    """Read a discriminator. Raises WrongShape, CorruptFile or UnknownFormat."""
    tensors = content.tensors
    size = 4 << min(sum(re.fullmatch(r"convs\.\d\.skip\.1\.weight", name) is not None for name in tensors), 9)
    renamed = rename(tensors, _discriminator_rules(size), content.unread)
    return shapes.infer_discriminator(renamed.state, source, unused=tuple(renamed.unused), **_filter(tensors, 1))


def _filter(tensors: Mapping[str, Tensor], gain: float) -> dict[str, Any]:
    """Return the low-pass filter as a setting, inferred from the stored kernels, whose numbers sum to `gain`."""
    return shapes.infer_filter((tensor for name, tensor in tensors.items() if re.fullmatch(_KERNEL, name)), gain)


def layer_name(layer: str) -> str:
    """Return our name of a layer: 'convs.3' -> 'synthesis.b16.conv1'."""
    if layer in ("conv1", "to_rgb1"):
        return "synthesis.b4.conv1" if layer == "conv1" else "synthesis.b4.torgb"
    kind, number = layer.split(".")
    if kind == "to_rgbs":
        return f"synthesis.b{8 << int(number)}.torgb"
    return f"synthesis.b{8 << (int(number) // 2)}.conv{int(number) % 2}"


def noise_name(number: int) -> str:
    """Return our name of a constant noise, given its number counted from the input."""
    if number == 0:
        return "synthesis.b4.conv1.noise_const"
    return f"synthesis.b{4 << ((number + 1) // 2)}.conv{(number + 1) % 2}.noise_const"


def average_w(tensor: Tensor) -> Tensor:
    """Average the mean w over its rows: `[w_dim]`, `[1, w_dim]` or, one per layer, `[num_ws, w_dim]` -> `[w_dim]`."""
    return tensor.reshape(-1, tensor.shape[-1]).mean(dim=0)


_LAYER = r"(conv1|to_rgb1|convs\.\d{1,2}|to_rgbs\.\d{1,2})\."
_CONV = r"(conv1|convs\.\d{1,2})\."
_KERNEL = r"convs\.\d{1,2}\.(conv\.blur|conv2\.0|skip\.0)\.kernel|to_rgbs\.\d{1,2}\.upsample\.kernel"

GENERATOR: list[Rule] = [
    (r"style\.(\d+)\.(weight|bias)", lambda m: f"mapping.fc{int(m[1]) - 1}.{m[2]}", unchanged),
    (r"input\.input", "synthesis.b4.const", drop_first_axis),
    (_LAYER + r"conv\.weight", lambda m: f"{layer_name(m[1])}.weight", drop_first_axis),
    (_LAYER + r"conv\.modulation\.(weight|bias)", lambda m: f"{layer_name(m[1])}.affine.{m[2]}", unchanged),
    (_CONV + r"activate\.bias", lambda m: f"{layer_name(m[1])}.bias", flatten),
    (r"(to_rgb1|to_rgbs\.\d{1,2})\.bias", lambda m: f"{layer_name(m[1])}.bias", flatten),
    (_CONV + r"noise\.weight", lambda m: f"{layer_name(m[1])}.noise_strength", to_scalar),
    (r"noises\.noise_(\d{1,2})", lambda m: noise_name(int(m[1])), to_plane),
    (r"latent_avg", "w_avg", average_w),
    (_KERNEL, None, unchanged),
]
"""Rules from rosinality's names, without a prefix, to ours. Both store the up-sampling kernels in one orientation."""


def _discriminator_rules(size: int) -> list[Rule]:
    def side(match: re.Match[str]) -> int:
        return size >> (int(match[1]) - 1)

    return [
        (r"convs\.0\.0\.weight", f"b{size}.fromrgb.weight", unchanged),
        (r"convs\.0\.1\.bias", f"b{size}.fromrgb.bias", flatten),
        (r"convs\.(\d)\.conv1\.0\.weight", lambda m: f"b{side(m)}.conv0.weight", unchanged),
        (r"convs\.(\d)\.conv1\.1\.bias", lambda m: f"b{side(m)}.conv0.bias", flatten),
        (r"convs\.(\d)\.conv2\.1\.weight", lambda m: f"b{side(m)}.conv1.weight", unchanged),
        (r"convs\.(\d)\.conv2\.2\.bias", lambda m: f"b{side(m)}.conv1.bias", flatten),
        (r"convs\.(\d)\.skip\.1\.weight", lambda m: f"b{side(m)}.skip.weight", unchanged),
        (_KERNEL, None, unchanged),
        (r"final_conv\.0\.weight", "b4.conv.weight", unchanged),
        (r"final_conv\.1\.bias", "b4.conv.bias", flatten),
        (r"final_linear\.0\.(weight|bias)", lambda m: f"b4.fc.{m[1]}", unchanged),
        (r"final_linear\.1\.(weight|bias)", lambda m: f"b4.out.{m[1]}", unchanged),
    ]
