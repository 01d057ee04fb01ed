"""GenForce's checkpoints of StyleGAN and StyleGAN2 (SeFa, InterFaceGAN, IDInvert). Knows names, not files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import shapes
from faceloom.checkpoints.readers.rename import Rule, first, flipped, over_sqrt2, plane, plus_one, rename, same, turned
from faceloom.checkpoints.sandbox.process import Content

SOURCE = "genforce"


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """`('stylegan1' | 'stylegan2', prefix)`, None when the names are not GenForce's."""
    keys = {"early_layer.const": "stylegan2", "layer0.const": "stylegan1", "layer0.first_layer": "stylegan1"}
    for key, family in keys.items():
        for name in names:
            if name.endswith(f"synthesis.{key}"):
                return family, name.removesuffix(f"synthesis.{key}")
    return None


def read(content: Content, family: str, prefix: str) -> LoadedNetwork:
    """Understand the network that `find` found. Raises WrongShape or CorruptFile."""
    tensors = {name.removeprefix(prefix): tensor for name, tensor in content.tensors.items()}
    if family == "stylegan2":
        renamed = rename(tensors, _STYLEGAN2)
        return shapes.stylegan2(renamed.state, SOURCE, unused=tuple(renamed.unused))
    last = max((int(n) for n in re.findall(r"output(\d{1,2})\.", " ".join(tensors))), default=0)
    renamed = rename(tensors, _stylegan1_rules(last))
    return shapes.stylegan1(renamed.state, SOURCE, unused=tuple(renamed.unused))


def _layer2(number: str) -> str:
    """StyleGAN2: layer 0 is the only one at 4 px, then two a side."""
    n = int(number)
    return f"synthesis.b{4 << ((n + 1) // 2)}.conv{(n + 1) % 2}"


def _layer1(number: str) -> str:
    """StyleGAN: two layers a side from 4 px on."""
    n = int(number)
    return f"synthesis.b{4 << (n // 2)}.conv{n % 2}"


_MAPPING: list[Rule] = [
    (r"truncation\.w_avg", "w_avg", same),
    (r"truncation\.truncation", None, same),
    (r"mapping\.dense(\d+)\.(?:linear\.)?weight", lambda m: f"mapping.fc{m[1]}.weight", same),
]

_STYLEGAN2: list[Rule] = [
    *_MAPPING,
    (r"mapping\.dense(\d+)\.bias", lambda m: f"mapping.fc{m[1]}.bias", same),
    (r"synthesis\.early_layer\.const", "synthesis.b4.const", first),
    (r"synthesis\.layer(\d?[13579])\.weight", lambda m: f"{_layer2(m[1])}.weight", flipped),
    (r"synthesis\.layer(\d{1,2})\.(weight|bias|noise_strength)", lambda m: f"{_layer2(m[1])}.{m[2]}", same),
    (r"synthesis\.layer(\d{1,2})\.noise", lambda m: f"{_layer2(m[1])}.noise_const", plane),
    (r"synthesis\.layer(\d{1,2})\.style\.weight", lambda m: f"{_layer2(m[1])}.affine.weight", same),
    (r"synthesis\.layer(\d{1,2})\.style\.bias", lambda m: f"{_layer2(m[1])}.affine.bias", plus_one),
    (r"synthesis\.output(\d{1,2})\.(weight|bias)", lambda m: f"synthesis.b{4 << int(m[1])}.torgb.{m[2]}", same),
    (r"synthesis\.output(\d{1,2})\.style\.weight", lambda m: f"synthesis.b{4 << int(m[1])}.torgb.affine.weight", same),
    (r"synthesis\.output(\d{1,2})\.style\.bias", lambda m: f"synthesis.b{4 << int(m[1])}.torgb.affine.bias", plus_one),
    (r"synthesis\..*\.kernel", None, same),
]


def _stylegan1_rules(last: int) -> list[Rule]:
    layer = r"synthesis\.layer(\d{1,2})\."
    epilogue = layer + r"(?:epilogue\.)?"
    fused = r"synthesis\.layer(1[02468]|[2-9][02468])\."  # from 128 px on, kernels are stored as they scatter
    return [
        *_MAPPING,
        (r"mapping\.dense(\d+)\.(?:wscale\.)?bias", lambda m: f"mapping.fc{m[1]}.bias", over_sqrt2),
        (r"synthesis\.layer0\.(const|first_layer)", "synthesis.b4.const", first),
        (fused + "weight", lambda m: f"{_layer1(m[1])}.weight", _as_scattered),
        (r"synthesis\.layer([2468])\.(?:conv\.)?weight", lambda m: f"{_layer1(m[1])}.weight", flipped),
        (layer + r"(?:conv\.)?weight", lambda m: f"{_layer1(m[1])}.weight", same),
        (epilogue + "bias", lambda m: f"{_layer1(m[1])}.bias", same),
        (epilogue + r"apply_noise\.weight", lambda m: f"{_layer1(m[1])}.noise_strength", same),
        (epilogue + r"apply_noise\.noise", lambda m: f"{_layer1(m[1])}.noise_const", plane),
        (layer + r"style\.(weight|bias)", lambda m: f"{_layer1(m[1])}.affine.{m[2]}", same),
        (layer + r"epilogue\.style_mod\.dense\.linear\.weight", lambda m: f"{_layer1(m[1])}.affine.weight", same),
        (layer + r"epilogue\.style_mod\.dense\.wscale\.bias", lambda m: f"{_layer1(m[1])}.affine.bias", same),
        (rf"synthesis\.output{last}\.(?:conv\.)?weight", "synthesis.torgb.weight", same),
        (rf"synthesis\.output{last}\.bias", "synthesis.torgb.bias", same),
        (r"synthesis\.output\d+\..*|synthesis\.lod|synthesis\..*\.kernel", None, same),
    ]


def _as_scattered(tensor: Tensor) -> Tensor:
    """InterFaceGAN leaves these kernels in TensorFlow's order `[3, 3, i, o]`; SeFa turns them."""
    return turned(tensor) if tensor.shape[0] == tensor.shape[1] == 3 else tensor
