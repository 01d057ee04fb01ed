"""Reader for GenForce's checkpoints of StyleGAN and StyleGAN2 (SeFa, InterFaceGAN, IDInvert)."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    unchanged,
)
from faceloom.checkpoints.sandbox.process import FileContent

SOURCE = "genforce"


def find(names: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """Return `('stylegan1' | 'stylegan2', prefix)`, or None when the names are not GenForce's."""
    keys = {"early_layer.const": "stylegan2", "layer0.const": "stylegan1", "layer0.first_layer": "stylegan1"}
    for key, family in keys.items():
        for name in names:
            if name.endswith(f"synthesis.{key}"):
                return family, name.removesuffix(f"synthesis.{key}")
    return None


def read(content: FileContent, family: str, prefix: str) -> LoadedNetwork:
    """Read the network that `find` identified. Raises WrongShape or CorruptFile."""
    content = content.without_prefix(prefix)
    tensors = content.tensors
    if family == "stylegan2":
        renamed = rename(tensors, _STYLEGAN2, content.unread)
        return shapes.infer_stylegan2(renamed.state, SOURCE, unused=tuple(renamed.unused))
    last = max((int(n) for n in re.findall(r"output(\d{1,2})\.", " ".join(tensors))), default=0)
    renamed = rename(tensors, _stylegan1_rules(last), content.unread)
    return shapes.infer_stylegan1(renamed.state, SOURCE, unused=tuple(renamed.unused))


def _stylegan2_layer(number: str) -> str:
    """Return our name of a StyleGAN2 layer: layer 0 is the only one at 4 px, then two per resolution."""
    n = int(number)
    return f"synthesis.b{4 << ((n + 1) // 2)}.conv{(n + 1) % 2}"


def _stylegan1_layer(number: str) -> str:
    """Return our name of a StyleGAN layer: two per resolution, from 4 px on."""
    n = int(number)
    return f"synthesis.b{4 << (n // 2)}.conv{n % 2}"


_MAPPING: list[Rule] = [
    (r"truncation\.w_avg", "w_avg", unchanged),
    (r"truncation\.truncation", None, unchanged),
    (r"mapping\.dense(\d+)\.(?:linear\.)?weight", lambda m: f"mapping.fc{m[1]}.weight", unchanged),
]

_STYLEGAN2: list[Rule] = [
    *_MAPPING,
    (r"mapping\.dense(\d+)\.bias", lambda m: f"mapping.fc{m[1]}.bias", unchanged),
    (r"synthesis\.early_layer\.const", "synthesis.b4.const", drop_first_axis),
    (r"synthesis\.layer(\d?[13579])\.weight", lambda m: f"{_stylegan2_layer(m[1])}.weight", rotate_180),
    (
        r"synthesis\.layer(\d{1,2})\.(weight|bias|noise_strength)",
        lambda m: f"{_stylegan2_layer(m[1])}.{m[2]}",
        unchanged,
    ),
    (r"synthesis\.layer(\d{1,2})\.noise", lambda m: f"{_stylegan2_layer(m[1])}.noise_const", to_plane),
    (r"synthesis\.layer(\d{1,2})\.style\.weight", lambda m: f"{_stylegan2_layer(m[1])}.affine.weight", unchanged),
    (r"synthesis\.layer(\d{1,2})\.style\.bias", lambda m: f"{_stylegan2_layer(m[1])}.affine.bias", add_one),
    (r"synthesis\.output(\d{1,2})\.(weight|bias)", lambda m: f"synthesis.b{4 << int(m[1])}.torgb.{m[2]}", unchanged),
    (
        r"synthesis\.output(\d{1,2})\.style\.weight",
        lambda m: f"synthesis.b{4 << int(m[1])}.torgb.affine.weight",
        unchanged,
    ),
    (r"synthesis\.output(\d{1,2})\.style\.bias", lambda m: f"synthesis.b{4 << int(m[1])}.torgb.affine.bias", add_one),
    (r"synthesis\..*\.kernel", None, unchanged),
]


def _stylegan1_rules(last: int) -> list[Rule]:
    layer = r"synthesis\.layer(\d{1,2})\."
    epilogue = layer + r"(?:epilogue\.)?"
    # from 128 px on, kernels are stored for transposed convolution
    fused = r"synthesis\.layer(1[02468]|[2-9][02468])\."
    return [
        *_MAPPING,
        (r"mapping\.dense(\d+)\.(?:wscale\.)?bias", lambda m: f"mapping.fc{m[1]}.bias", divide_by_sqrt2),
        (r"synthesis\.layer0\.(const|first_layer)", "synthesis.b4.const", drop_first_axis),
        (fused + "weight", lambda m: f"{_stylegan1_layer(m[1])}.weight", _transposed_kernel),
        (r"synthesis\.layer([2468])\.(?:conv\.)?weight", lambda m: f"{_stylegan1_layer(m[1])}.weight", rotate_180),
        (layer + r"(?:conv\.)?weight", lambda m: f"{_stylegan1_layer(m[1])}.weight", unchanged),
        (epilogue + "bias", lambda m: f"{_stylegan1_layer(m[1])}.bias", unchanged),
        (epilogue + r"apply_noise\.weight", lambda m: f"{_stylegan1_layer(m[1])}.noise_strength", unchanged),
        (epilogue + r"apply_noise\.noise", lambda m: f"{_stylegan1_layer(m[1])}.noise_const", to_plane),
        (layer + r"style\.(weight|bias)", lambda m: f"{_stylegan1_layer(m[1])}.affine.{m[2]}", unchanged),
        (
            layer + r"epilogue\.style_mod\.dense\.linear\.weight",
            lambda m: f"{_stylegan1_layer(m[1])}.affine.weight",
            unchanged,
        ),
        (
            layer + r"epilogue\.style_mod\.dense\.wscale\.bias",
            lambda m: f"{_stylegan1_layer(m[1])}.affine.bias",
            unchanged,
        ),
        (rf"synthesis\.output{last}\.(?:conv\.)?weight", "synthesis.torgb.weight", unchanged),
        (rf"synthesis\.output{last}\.bias", "synthesis.torgb.bias", unchanged),
        (r"synthesis\.output\d+\..*|synthesis\.lod|synthesis\..*\.kernel", None, unchanged),
    ]


def _transposed_kernel(tensor: Tensor) -> Tensor:
    """Return a kernel in torch's order: InterFaceGAN stores TensorFlow's `[3, 3, i, o]`, SeFa has reordered it."""
    return from_tf_order(tensor) if tensor.shape[0] == tensor.shape[1] == 3 else tensor
