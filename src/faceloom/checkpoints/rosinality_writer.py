"""Writer of StyleGAN2 generators under rosinality's names: the inverse of the reader `rosinality`."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from faceloom.errors import WrongShape
from faceloom.networks.ops import fir_kernel
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config


def write(G: StyleGAN2, path: Path) -> None:
    """Write `{'g_ema': ..., 'latent_avg': ...}` with `torch.save`.

    Raises WrongShape for a network that rosinality's code does not support: with labels, of gray or transparent images,
    without noise, with a clamp, of another architecture than 'skip', or with z of another size than w.
    """
    check_supported(G.config)
    torch.save({"g_ema": rename_state(G), "latent_avg": G.w_avg.clone()}, path)


def check_supported(config: StyleGAN2Config) -> None:
    """Raise WrongShape unless rosinality's code supports such a network."""
    features = {
        "labels": config.c_dim > 0,
        f"images of {config.img_channels} channels": config.img_channels != 3,
        f"the architecture '{config.architecture}'": config.architecture != "skip",
        "no noise": not config.use_noise,
        f"activations clamped at {config.conv_clamp}": config.conv_clamp is not None,
        f"z of {config.z_dim} and w of {config.w_dim} numbers": config.z_dim != config.w_dim,
        "a narrower mapping network": config.layer_features not in (None, config.w_dim),
    }
    unsupported = [feature for feature, is_used in features.items() if is_used]
    if unsupported:
        raise WrongShape(f"rosinality's code does not support {', '.join(unsupported)}", "export to another format")


def rename_state(G: StyleGAN2) -> dict[str, Tensor]:
    """Return all tensors of a generator under rosinality's names, and the kernels that its modules store."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in G.state_dict().items():
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
            renamed[f"style.{int(match[1]) + 1}.{match[2]}"] = tensor
        elif name == "synthesis.b4.const":
            renamed["input.input"] = tensor[None]
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.+)", name):
            new_name, shape = _rename_layer(int(match[1]), match[2], match[3], tensor)
            renamed[new_name] = tensor.reshape(shape)
    kernel = 4 * fir_kernel(G.config.resample_filter)
    for k in range(len(G.config.channels) - 1):
        renamed[f"convs.{2 * k}.conv.blur.kernel"] = renamed[f"to_rgbs.{k}.upsample.kernel"] = kernel
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in renamed.items()}


def _rename_layer(side: int, kind: str, tail: str, tensor: Tensor) -> tuple[str, list[int]]:
    """Return rosinality's name and shape of a layer's tensor: 16, 'conv1', 'bias' -> 'convs.3.activate.bias'."""
    k = side.bit_length() - 4  # 0 at 8 px
    layers = {"conv0": f"convs.{2 * k}", "conv1": f"convs.{2 * k + 1}", "torgb": f"to_rgbs.{k}"}
    layer = {"conv1": "conv1", "torgb": "to_rgb1"}[kind] if side == 4 else layers[kind]
    if tail == "noise_const":
        return f"noises.noise_{2 * k + 1 + (kind == 'conv1') if side > 4 else 0}", [1, 1, side, side]
    if tail == "noise_strength":
        return f"{layer}.noise.weight", [1]
    if tail == "weight":
        return f"{layer}.conv.weight", [1, *tensor.shape]
    if tail == "bias":
        return (f"{layer}.bias", [1, 3, 1, 1]) if kind == "torgb" else (f"{layer}.activate.bias", [-1])
    return f"{layer}.conv.modulation.{tail.removeprefix('affine.')}", list(tensor.shape)
