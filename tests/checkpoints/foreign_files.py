"""Writers of foreign checkpoints, made from our own tiny networks: each writer is the inverse of a reader."""

from __future__ import annotations

import argparse
import math
import pickle
import re
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config
from tests.numbered import fill

SG2 = StyleGAN2Config(channels=(8, 8, 6, 4), z_dim=8, w_dim=8, mapping_layers=2)
SG3 = StyleGAN3Config(img_resolution=16, z_dim=8, w_dim=8, channel_base=256, channel_max=16, num_layers=4)
SG1 = StyleGAN1Config(channels=(8, 8, 6, 4), z_dim=8, w_dim=8, mapping_layers=3)
DISCRIMINATOR = DiscriminatorConfig(channels=(8, 8, 4))

State = dict[str, Tensor]


def make_network(network: Callable[[Any], nn.Module], config: Any) -> Any:
    """Build a network with fixed numbers as weights, ready for inference."""
    G = network(config).eval().requires_grad_(False)
    fill(G.state_dict())
    return G


def make_stylegan2(**changes: Any) -> StyleGAN2:
    G: StyleGAN2 = make_network(StyleGAN2, StyleGAN2Config(**{**vars(SG2), **changes}))
    return G


def make_stylegan1() -> StyleGAN1:
    G: StyleGAN1 = make_network(StyleGAN1, SG1)
    return G


def make_stylegan3(**changes: Any) -> StyleGAN3:
    G: StyleGAN3 = make_network(StyleGAN3, StyleGAN3Config(**{**vars(SG3), **changes}))
    return G


def make_discriminator(**changes: Any) -> Discriminator:
    D: Discriminator = make_network(Discriminator, DiscriminatorConfig(**{**vars(DISCRIMINATOR), **changes}))
    return D


@contextmanager
def modules(**names: types.ModuleType) -> Iterator[None]:
    """Register modules that do not exist, so that pickle finds names in them."""
    before = {name.replace("_dot_", "."): module for name, module in names.items()}
    sys.modules.update(before)
    try:
        yield
    finally:
        for name in before:
            del sys.modules[name]


# NVIDIA's PyTorch codes


def _reconstruct_persistent_obj(meta: Any) -> Any:
    raise AssertionError("the reader must not call this")


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"


class Persistent:
    """A module as NVIDIA's persistence pickles it, with source code that must not run."""

    def __init__(self, class_name: str, state: dict[str, Any], source: str) -> None:
        self.meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}

    def __reduce__(self) -> tuple[Any, ...]:
        return _reconstruct_persistent_obj, (self.meta,), None


def make_persistent(tensors: Mapping[str, Tensor], class_name: str, source: str = "", **attributes: Any) -> Persistent:
    """Nest flat names into modules; `attributes` are full names with '.' written as '__'."""
    values = {name.replace("__", "."): value for name, value in attributes.items()}
    return _persistent("", {**tensors}, values, class_name, source)


def _persistent(prefix: str, tensors: State, values: dict[str, Any], class_name: str, source: str) -> Persistent:
    inside = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    children = sorted({name.split(".")[0] for name in inside if "." in name})
    direct = {name: t for name, t in inside.items() if "." not in name}
    state: dict[str, Any] = {
        "training": False,
        "_parameters": OrderedDict((n, nn.Parameter(t)) for n, t in direct.items() if not _is_buffer(n)),
        "_buffers": OrderedDict((n, t) for n, t in direct.items() if _is_buffer(n)),
        "_modules": OrderedDict(
            (child, _persistent(f"{prefix}{child}.", tensors, values, f"Class_{child}", source)) for child in children
        ),
    }
    attributes = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    state |= {name: value for name, value in attributes.items() if "." not in name or name.startswith("_init_kwargs")}
    return Persistent(class_name, state, source)


def _is_buffer(name: str) -> bool:
    return name.endswith(("noise_const", "filter", "w_avg", "ema", "freqs", "phases", "transform"))


def save_nvidia_torch(path: Path, source: str = "", **roots: Any) -> Path:
    """Write a snapshot `{G_ema: ..., ...}` as a plain pickle."""
    module = types.ModuleType("torch_utils.persistence")
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    package = types.ModuleType("torch_utils")
    with modules(torch_utils=package, torch_utils_dot_persistence=module):
        path.write_bytes(pickle.dumps({"training_set_kwargs": {"path": "x.zip"}, "augment_pipe": None, **roots}))
    return path


def ada_names(G: nn.Module) -> State:
    """Return a state dict under ADA's names, with its low-pass filters."""
    kernel = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
    state = {name if name != "w_avg" else "mapping.w_avg": t for name, t in G.state_dict().items()}
    blocks = {match[1] for match in (re.match(r"((?:synthesis\.)?b\d+\.)", name) for name in state) if match}
    return state | {f"{block}resample_filter": kernel for block in blocks}


# rosinality's code, and code bases that use its names


def rosinality_names(G: StyleGAN2) -> State:
    out: State = {}
    for name, tensor in G.state_dict().items():
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
            out[f"style.{int(match[1]) + 1}.{match[2]}"] = tensor
        elif name == "synthesis.b4.const":
            out["input.input"] = tensor[None]
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.*)", name):
            out |= _rosinality_layer(int(match[1]), match[2], match[3], tensor)
    for k in range(len(G.config.channels) - 1):
        row = torch.tensor(G.config.resample_filter)
        kernel = 4 * torch.outer(row, row) / row.sum() ** 2
        out |= {f"convs.{2 * k}.conv.blur.kernel": kernel, f"to_rgbs.{k}.upsample.kernel": kernel.clone()}
    return out


def _rosinality_layer(side: int, kind: str, tail: str, tensor: Tensor) -> State:
    k = int(math.log2(side)) - 3
    at4 = {"conv1": "conv1", "torgb": "to_rgb1"}
    layer = (
        at4[kind] if side == 4 else {"conv0": f"convs.{2 * k}", "conv1": f"convs.{2 * k + 1}"}.get(kind, f"to_rgbs.{k}")
    )
    if tail == "noise_const":
        number = 0 if side == 4 else 2 * k + 1 + int(kind == "conv1")
        return {f"noises.noise_{number}": tensor[None, None]}
    if tail == "noise_strength":
        return {f"{layer}.noise.weight": tensor[None]}
    if tail == "bias":
        return {f"{layer}.bias": tensor[None, :, None, None]} if kind == "torgb" else {f"{layer}.activate.bias": tensor}
    if tail == "weight":
        return {f"{layer}.conv.weight": tensor[None]}
    return {f"{layer}.conv.modulation.{tail.removeprefix('affine.')}": tensor}


def rosinality_discriminator_names(D: Discriminator) -> State:
    out: State = {}
    fixed = {
        f"b{D.img_resolution}.fromrgb.weight": "convs.0.0.weight",
        f"b{D.img_resolution}.fromrgb.bias": "convs.0.1.bias",
        "b4.conv.weight": "final_conv.0.weight",
        "b4.conv.bias": "final_conv.1.bias",
        "b4.fc.weight": "final_linear.0.weight",
        "b4.fc.bias": "final_linear.0.bias",
        "b4.out.weight": "final_linear.1.weight",
        "b4.out.bias": "final_linear.1.bias",
    }
    tails = {"conv0.weight": "conv1.0.weight", "conv0.bias": "conv1.1.bias", "conv1.weight": "conv2.1.weight"}
    tails |= {"conv1.bias": "conv2.2.bias", "skip.weight": "skip.1.weight"}
    for name, tensor in D.state_dict().items():
        if name in fixed:
            out[fixed[name]] = tensor
        else:
            side, tail = name.split(".", 1)
            number = int(math.log2(D.img_resolution / int(side[1:]))) + 1
            out[f"convs.{number}.{tails[tail]}"] = tensor
    return out


def mmgeneration_names(G: StyleGAN2) -> State:
    renamed: State = {}
    for name, tensor in rosinality_names(G).items():
        for pattern, theirs in (
            (r"style\.(\d+)\.weight", r"style_mapping.\1.linear.weight_orig"),
            (r"style\.(\d+)\.bias", r"style_mapping.\1.bias"),
            (r"input\.input", "constant_input.input"),
            (r"noises\.noise_(\d+)", r"injected_noise_\1"),
            (r"(.*)\.noise\.weight", r"\1.noise_injector.weight"),
            (r"(.*)\.modulation\.weight", r"\1.style_modulation.linear.weight_orig"),
            (r"(.*)\.modulation\.bias", r"\1.style_modulation.bias"),
            (r"(.*)\.conv\.weight", r"\1.conv.weight_orig"),
        ):
            name, count = re.subn(rf"^{pattern}$", theirs, name)
            if count:
                break
        renamed[name] = tensor
    return renamed


# GenForce


def genforce_stylegan2_names(G: StyleGAN2) -> State:
    out: State = {"truncation.w_avg": G.w_avg}
    for name, tensor in G.state_dict().items():
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
            out[f"mapping.dense{match[1]}.{match[2]}"] = tensor
        elif name == "synthesis.b4.const":
            out["synthesis.early_layer.const"] = tensor[None]
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.*)", name):
            k = int(math.log2(int(match[1]))) - 2
            layer = f"output{k}" if match[2] == "torgb" else f"layer{2 * k - int(match[2] == 'conv0')}"
            tail = {"affine.weight": "style.weight", "affine.bias": "style.bias", "noise_const": "noise"}.get(
                match[3], match[3]
            )
            tensor = tensor - 1 if tail == "style.bias" else tensor
            tensor = tensor.flip(2, 3) if match[2] == "conv0" and tail == "weight" else tensor
            out[f"synthesis.{layer}.{tail}"] = tensor[None, None] if tail == "noise" else tensor
    return out


def genforce_stylegan1_names(G: StyleGAN1, interfacegan: bool) -> State:
    out: State = {"truncation.w_avg": G.w_avg, "synthesis.lod": torch.zeros(())}
    last = len(G.config.channels) - 1
    linear, wscale = ("linear.", "wscale.") if interfacegan else ("", "")
    epilogue, conv = ("epilogue.", "conv.") if interfacegan else ("", "")
    style = "epilogue.style_mod.dense." if interfacegan else "style."
    tails = {
        "weight": f"{conv}weight",
        "bias": f"{epilogue}bias",
        "noise_strength": f"{epilogue}apply_noise.weight",
        "noise_const": f"{epilogue}apply_noise.noise",
        "affine.weight": f"{style}{linear}weight",
        "affine.bias": f"{style}{wscale}bias",
    }
    for name, tensor in G.state_dict().items():
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(weight|bias)", name):
            part = linear if match[2] == "weight" else wscale
            out[f"mapping.dense{match[1]}.{part}{match[2]}"] = tensor * (2**0.5 if match[2] == "bias" else 1)
        elif name == "synthesis.b4.const":
            out[f"synthesis.layer0.{'first_layer' if interfacegan else 'const'}"] = tensor[None]
        elif match := re.fullmatch(r"synthesis\.torgb\.(.*)", name):
            out[f"synthesis.output{last}.{conv if match[1] == 'weight' else ''}{match[1]}"] = tensor
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.conv(\d)\.(.*)", name):
            number = 2 * int(math.log2(int(match[1]))) - 4 + int(match[2])
            if match[3] == "weight" and match[2] == "0":
                tensor = tensor.flip(2, 3)
            out[f"synthesis.layer{number}.{tails[match[3]]}"] = (
                tensor[None, None] if match[3] == "noise_const" else tensor
            )
    return out


# NVIDIA's TensorFlow codes


class Network:
    """A network as dnnlib pickles it, with source code that must not run."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __getstate__(self) -> dict[str, Any]:
        return self.state


Network.__module__ = "dnnlib.tflib.network"


def make_tf_network(variables: Mapping[str, Tensor], source: str = "", **options: Any) -> Network:
    """Nest variables `mapping/...`, `synthesis/...` into components; scalars become NumPy's, as TensorFlow gives."""

    def network(prefix: str, components: dict[str, Any]) -> Network:
        direct = [(n.removeprefix(prefix), t) for n, t in variables.items() if n.startswith(prefix)]
        direct = [(n, t) for n, t in direct if n.split("/")[0] not in components]
        state = {"version": 4, "name": "G", "static_kwargs": options, "components": components, "build_func_name": "f"}
        values = [(n, t.numpy() if t.ndim else t.numpy()[()]) for n, t in direct]
        return Network({**state, "build_module_src": source, "variables": values})

    parts = {part: network(f"{part}/", {}) for part in ("mapping", "synthesis") if any(part in n for n in variables)}
    return network("", parts)


def save_nvidia_tf(path: Path, *networks: Network, protocol: int = 4) -> Path:
    """Write `(G, D, Gs)` as a pickle."""
    tf = {name: types.ModuleType(name) for name in ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network")}
    tf["dnnlib.tflib.network"].Network = Network  # type: ignore[attr-defined]
    with modules(**{name.replace(".", "_dot_"): module for name, module in tf.items()}):
        path.write_bytes(pickle.dumps(networks, protocol=protocol))
    return path


def _hwio(tensor: Tensor) -> Tensor:
    return tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T


def tf_stylegan2_names(G: StyleGAN2) -> State:
    out: State = {"dlatent_avg": G.w_avg}
    last = int(math.log2(G.img_resolution))
    for name, tensor in G.state_dict().items():
        if match := re.fullmatch(r"mapping\.(embed|fc(\d+))\.(weight|bias)", name):
            layer = "LabelEmbed" if match[1] == "embed" else f"Dense{match[2]}"
            out[f"mapping/{layer}/{match[3]}"] = _hwio(tensor) if match[3] == "weight" else tensor
        elif name == "synthesis.b4.const":
            out["synthesis/4x4/Const/const"] = tensor[None]
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb|skip)\.(.*)", name):
            side, kind, tail = int(match[1]), match[2], match[3]
            layer = {"conv0": "Conv0_up", "torgb": "ToRGB", "skip": "Skip"}.get(kind, "Conv" if side == 4 else "Conv1")
            place = f"synthesis/{side}x{side}/{layer}/"
            if kind == "torgb" and G.config.architecture == "orig":
                place = f"synthesis/ToRGB_lod{last - int(math.log2(side))}/"
            if tail == "noise_const":
                number = 0 if side == 4 else 2 * int(math.log2(side)) - (5 if kind == "conv0" else 4)
                out[f"synthesis/noise{number}"] = tensor[None, None]
            elif tail == "weight":
                out[f"{place}weight"] = _hwio(tensor.flip(2, 3) if kind in ("conv0", "skip") else tensor)
            elif tail == "affine.weight":
                out[f"{place}mod_weight"] = tensor.T
            else:
                out[place + tail.replace("affine.bias", "mod_bias")] = tensor - 1 if "affine" in tail else tensor
    return out


def tf_stylegan1_names(G: StyleGAN1, fused: bool) -> State:
    out: State = {"dlatent_avg": G.w_avg, "synthesis/lod": torch.zeros(())}
    tails = {"bias": "bias", "noise_strength": "Noise/weight", "affine.weight": "StyleMod/weight"}
    tails |= {"affine.bias": "StyleMod/bias", "weight": "weight"}
    for name, tensor in G.state_dict().items():
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(weight|bias)", name):
            value = tensor.T if match[2] == "weight" else tensor * 2**0.5
            out[f"mapping/Dense{match[1]}/{match[2]}"] = value
        elif name == "synthesis.b4.const":
            out["synthesis/4x4/Const/const"] = tensor[None]
        elif match := re.fullmatch(r"synthesis\.torgb\.(.*)", name):
            out[f"synthesis/ToRGB_lod0/{match[1]}"] = _hwio(tensor) if match[1] == "weight" else tensor
            out[f"synthesis/ToRGB_lod1/{match[1]}"] = torch.zeros(3)
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.conv(\d)\.(.*)", name):
            side, number, tail = int(match[1]), int(match[2]), match[3]
            layer = (("Const", "Conv") if side == 4 else ("Conv0_up", "Conv1"))[number]
            if tail == "noise_const":
                out[f"synthesis/noise{2 * int(math.log2(side)) - 4 + number}"] = tensor[None, None]
                continue
            if tail == "weight" and number == 0 and not fused:
                tensor = tensor.flip(2, 3)
            out[f"synthesis/{side}x{side}/{layer}/{tails[tail]}"] = _hwio(tensor) if tail.endswith("weight") else tensor
    return out


def tf_discriminator_names(D: Discriminator) -> State:
    out: State = {}
    for name, tensor in D.state_dict().items():
        side, layer, tail = re.fullmatch(r"(b\d+|mapping)\.(\w+)\.(\w+)", name).groups()  # type: ignore[union-attr]
        layers = {"fromrgb": "FromRGB", "conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip"}
        layers |= {"conv": "Conv", "fc": "Dense0"}
        value = _hwio(tensor) if tail == "weight" else tensor
        if side == "mapping":
            out[f"{'LabelEmbed' if layer == 'embed' else f'Mapping{layer[2:]}'}/{tail}"] = value
        elif layer == "out":
            out[f"Output/{tail}"] = value
        else:
            out[f"{side[1:]}x{side[1:]}/{layers[layer]}/{tail}"] = value
    return out


def save_torch(path: Path, content: Any, legacy: bool = False) -> Path:
    """Write with `torch.save`, in the current format or, with `legacy`, in that of torch before 1.6."""
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def make_namespace(**values: Any) -> argparse.Namespace:
    return argparse.Namespace(**values)
