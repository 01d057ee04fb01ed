"""Checkpoints of rosinality's StyleGAN2 and of all codes that took its names over. Knows names, not files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes
from faceloom.checkpoints.readers.rename import Rule, first, flat, plane, rename, same, scalar
from faceloom.checkpoints.sandbox.process import Content

SOURCE = "rosinality"


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """`('generator' | 'discriminator', prefix)`, None when the names are not rosinality's."""
    for part, key in (("generator", "input.input"), ("discriminator", "final_conv.0.weight")):
        prefixes = [name.removesuffix(key) for name in names if name.endswith(key)]
        if prefixes:
            return part, min(prefixes, key=len)
    return None


def read(content: Content, part: str, prefix: str) -> LoadedNetwork:
    """Understand a generator or discriminator whose names begin with `prefix`. Raises WrongShape or CorruptFile."""
    tensors = {name.removeprefix(prefix): tensor for name, tensor in content.tensors.items()}
    return read_discriminator(tensors, SOURCE) if part == "discriminator" else read_generator(tensors, SOURCE)


def read_generator(tensors: Mapping[str, Tensor], source: str, rules: tuple[Rule, ...] = ()) -> LoadedNetwork:
    """Understand a generator; `rules` come before rosinality's own. Raises WrongShape or CorruptFile."""
    renamed = rename(tensors, [*rules, *GENERATOR])
    return shapes.stylegan2(renamed.state, source, unused=tuple(renamed.unused), **_filter(tensors))


def read_discriminator(tensors: Mapping[str, Tensor], source: str) -> LoadedNetwork:
    """Understand a discriminator. Raises WrongShape or CorruptFile."""
    size = 4 << min(sum(re.fullmatch(r"convs\.\d\.skip\.1\.weight", name) is not None for name in tensors), 9)
    renamed = rename(tensors, _discriminator_rules(size))
    return shapes.discriminator(renamed.state, source, unused=tuple(renamed.unused), **_filter(tensors))


def _filter(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The low-pass filter, which only its kernels tell: they are the same everywhere but for a factor."""
    return shapes.low_pass(tensor for name, tensor in tensors.items() if re.fullmatch(_KERNEL, name))


def block(layer: str) -> str:
    """Our name of a layer: 'convs.3' -> 'synthesis.b16.conv1'."""
    if layer in ("conv1", "to_rgb1"):
        return "synthesis.b4.conv1" if layer == "conv1" else "synthesis.b4.torgb"
    kind, number = layer.split(".")
    if kind == "to_rgbs":
        return f"synthesis.b{8 << int(number)}.torgb"
    return f"synthesis.b{8 << (int(number) // 2)}.conv{int(number) % 2}"


def noise(number: int) -> str:
    """Our name of a constant noise by its number from the input on."""
    if number == 0:
        return "synthesis.b4.conv1.noise_const"
    return f"synthesis.b{4 << ((number + 1) // 2)}.conv{(number + 1) % 2}.noise_const"


def w_avg(tensor: Tensor) -> Tensor:
    """The mean w, of which some files hold one a layer: `[w_dim]`, `[1, w_dim]` or `[num_ws, w_dim]` -> `[w_dim]`."""
    return tensor.reshape(-1, tensor.shape[-1]).mean(dim=0)


_LAYER = r"(conv1|to_rgb1|convs\.\d{1,2}|to_rgbs\.\d{1,2})\."
_CONV = r"(conv1|convs\.\d{1,2})\."
_KERNEL = r"convs\.\d{1,2}\.(conv\.blur|conv2\.0|skip\.0)\.kernel|to_rgbs\.\d{1,2}\.upsample\.kernel"

GENERATOR: list[Rule] = [
    (r"style\.(\d+)\.(weight|bias)", lambda m: f"mapping.fc{int(m[1]) - 1}.{m[2]}", same),
    (r"input\.input", "synthesis.b4.const", first),
    (_LAYER + r"conv\.weight", lambda m: f"{block(m[1])}.weight", first),
    (_LAYER + r"conv\.modulation\.(weight|bias)", lambda m: f"{block(m[1])}.affine.{m[2]}", same),
    (_CONV + r"activate\.bias", lambda m: f"{block(m[1])}.bias", flat),
    (r"(to_rgb1|to_rgbs\.\d{1,2})\.bias", lambda m: f"{block(m[1])}.bias", flat),
    (_CONV + r"noise\.weight", lambda m: f"{block(m[1])}.noise_strength", scalar),
    (r"noises\.noise_(\d{1,2})", lambda m: noise(int(m[1])), plane),
    (r"latent_avg", "w_avg", w_avg),
    (_KERNEL, None, same),
]
"""rosinality's names, without a prefix -> ours. The kernels of the up-sampling convolutions are stored alike."""


def _discriminator_rules(size: int) -> list[Rule]:
    def side(match: re.Match[str]) -> int:
        return size >> (int(match[1]) - 1)

    return [
        (r"convs\.0\.0\.weight", f"b{size}.fromrgb.weight", same),
        (r"convs\.0\.1\.bias", f"b{size}.fromrgb.bias", flat),
        (r"convs\.(\d)\.conv1\.0\.weight", lambda m: f"b{side(m)}.conv0.weight", same),
        (r"convs\.(\d)\.conv1\.1\.bias", lambda m: f"b{side(m)}.conv0.bias", flat),
        (r"convs\.(\d)\.conv2\.1\.weight", lambda m: f"b{side(m)}.conv1.weight", same),
        (r"convs\.(\d)\.conv2\.2\.bias", lambda m: f"b{side(m)}.conv1.bias", flat),
        (r"convs\.(\d)\.skip\.1\.weight", lambda m: f"b{side(m)}.skip.weight", same),
        (_KERNEL, None, same),
        (r"final_conv\.0\.weight", "b4.conv.weight", same),
        (r"final_conv\.1\.bias", "b4.conv.bias", flat),
        (r"final_linear\.0\.(weight|bias)", lambda m: f"b4.fc.{m[1]}", same),
        (r"final_linear\.1\.(weight|bias)", lambda m: f"b4.out.{m[1]}", same),
    ]
