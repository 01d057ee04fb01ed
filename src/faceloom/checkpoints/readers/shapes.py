"""A network's configuration, told from the shapes of its weights under our names. What files say of it comes second."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers.rename import check_state
from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.layers import StyleMapping
from faceloom.networks.mapping import mean_w
from faceloom.networks.ops import fir_kernel
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import Architecture, StyleGAN2, StyleGAN2Config

MEAN_SAMPLES = 10_000
"""How many z make the mean w when a file holds none."""

State = dict[str, Tensor]


def stylegan2(
    state: State,
    source: str,
    *,
    notes: tuple[str, ...] = (),
    unused: tuple[str, ...] = (),
    **known: Any,
) -> LoadedNetwork:
    """Understand StyleGAN2 weights; `known` are fields of the configuration that shapes do not tell.

    Raises WrongShape or CorruptFile.
    """
    widths = _synthesis_widths(state)
    config = StyleGAN2Config(
        channels=widths,
        w_dim=_size(state, "synthesis.b4.conv1.affine.weight", 1),
        architecture=_architecture(state, "synthesis.", "torgb"),
        use_noise="synthesis.b4.conv1.noise_strength" in state,
        **_mapping(state, _size(state, "synthesis.b4.conv1.affine.weight", 1)),
        **known,
    )
    check_bounds(config)
    state, more = _completed(state, config)
    check_state(StyleGAN2, config, state)
    return LoadedNetwork("stylegan2", source, config, state, (*notes, *more), unused)


def stylegan1(state: State, source: str, *, unused: tuple[str, ...] = (), **known: Any) -> LoadedNetwork:
    """Understand StyleGAN weights. Raises WrongShape or CorruptFile."""
    w_dim = _size(state, "synthesis.b4.conv1.affine.weight", 1)
    mapping = _mapping(state, w_dim)
    if mapping.pop("c_dim") or mapping.pop("embed_features"):
        raise WrongShape("the network takes labels, which this StyleGAN does not", "use an unconditional network")
    config = StyleGAN1Config(channels=_synthesis_widths(state), w_dim=w_dim, **mapping, **known)
    check_bounds(config)
    state, notes = _completed(state, config)
    check_state(StyleGAN1, config, state)
    return LoadedNetwork("stylegan1", source, config, state, notes, unused)


def discriminator(state: State, source: str, *, unused: tuple[str, ...] = (), **known: Any) -> LoadedNetwork:
    """Understand a StyleGAN2 discriminator's weights. Raises WrongShape or CorruptFile."""
    widths = [_size(state, "b4.conv.weight", 0)]
    while f"b{8 << (len(widths) - 1)}.conv0.weight" in state:
        widths.append(_size(state, f"b{8 << (len(widths) - 1)}.conv0.weight", 0))
    labels: dict[str, Any] = {}
    if "mapping.embed.weight" in state:
        cmap_dim = _size(state, "b4.out.weight", 0)
        labels = {**_mapping(state, cmap_dim), "cmap_dim": cmap_dim}
        labels.pop("z_dim")
    config = DiscriminatorConfig(
        channels=tuple(widths),
        architecture=_architecture(state, "", "fromrgb"),
        mbstd_num_channels=_size(state, "b4.conv.weight", 1) - widths[0],
        **labels,
        **known,
    )
    check_state(Discriminator, config, state)
    return LoadedNetwork("stylegan2-discriminator", source, config, state, (), unused)


def low_pass(kernels: Iterable[Tensor]) -> dict[str, Any]:
    """The one filter that all layers share, of any sum, as the setting `resample_filter`; nothing of no kernels.

    Raises UnknownFormat for filters that differ, or that are not the square of a row of taps.
    """
    squares = [kernel.float() / kernel.sum() for kernel in kernels]
    if not squares:
        return {}
    shape, taps = squares[0].shape, squares[0].sum(dim=0)
    if len(shape) != 2 or any(k.shape != shape or not torch.allclose(k, torch.outer(taps, taps)) for k in squares):
        raise UnknownFormat("the layers have different low-pass filters", "faceloom reads networks with one for all")
    usual = fir_kernel(StyleGAN2Config.resample_filter).sum(dim=0)
    is_usual = taps.shape == usual.shape and torch.allclose(taps, usual)
    return {"resample_filter": StyleGAN2Config.resample_filter if is_usual else tuple(taps.tolist())}


def _size(state: Mapping[str, Tensor], name: str, axis: int) -> int:
    if name not in state or state[name].ndim <= axis:
        raise WrongShape(f"the file lacks {name}, or it has too few axes", "it is of another family")
    return state[name].shape[axis]


def _synthesis_widths(state: State) -> tuple[int, ...]:
    widths = [_size(state, "synthesis.b4.conv1.weight", 0)]
    while f"synthesis.b{4 << len(widths)}.conv1.weight" in state:
        widths.append(_size(state, f"synthesis.b{4 << len(widths)}.conv1.weight", 0))
    return tuple(widths)


def _mapping(state: State, w_dim: int) -> dict[str, Any]:
    """z_dim, c_dim, depth and widths of a mapping network. Raises WrongShape when there is none."""
    layers = sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in state)
    if not layers:
        raise WrongShape("the file holds no mapping network, from z to w", "give the file of the whole generator")
    embedded, c_dim = state["mapping.embed.weight"].shape if "mapping.embed.weight" in state else (0, 0)
    width = _size(state, "mapping.fc0.weight", 0) if layers > 1 else w_dim
    return {
        "z_dim": _size(state, "mapping.fc0.weight", 1) - embedded,
        "c_dim": c_dim,
        "mapping_layers": layers,
        "embed_features": None if embedded in (0, w_dim) else embedded,
        "layer_features": None if width == w_dim else width,
    }


def _architecture(state: State, prefix: str, colours: str) -> Architecture:
    if any(re.fullmatch(rf"{prefix}b\d+\.skip\.weight", name) for name in state):
        return "resnet"
    return "skip" if sum(f".{colours}.weight" in name for name in state) > 1 else "orig"


def _completed(state: State, config: Any) -> tuple[State, tuple[str, ...]]:
    """Add what some files leave out: the mean w, and the constant noise."""
    state, notes = dict(state), []
    if "w_avg" not in state and (mean := _measured_mean(state, config)) is not None:
        state["w_avg"] = mean
        notes.append(f"the file holds no mean w: it was measured over {MEAN_SAMPLES} samples")
    drawn = 0
    for name in [name for name in state if name.endswith(".noise_strength")]:
        noise, side = name.replace("noise_strength", "noise_const"), re.search(r"\.b(\d{1,4})\.", name)
        if noise not in state and side and int(side[1]) <= config.img_resolution:
            generator = torch.Generator().manual_seed(drawn)
            state[noise] = torch.randn(int(side[1]), int(side[1]), generator=generator)
            drawn += 1
    if drawn:
        notes.append("the file holds no constant noise: it was drawn")
    return state, tuple(notes)


def _measured_mean(state: State, config: Any) -> Tensor | None:
    """The mean of w over many z; None where labels would be needed, or the mapping network is not whole."""

    def mapping() -> StyleMapping:
        return StyleMapping(
            config.z_dim,
            0,
            config.w_dim,
            num_layers=config.mapping_layers,
            layer_features=config.layer_features,
            lr_multiplier=config.lr_multiplier,
        )

    with torch.device("meta"):  # shapes first: a damaged file may describe a giant
        expected = {f"mapping.{name}": tensor.shape for name, tensor in mapping().state_dict().items()}
    weights = {name: tensor for name, tensor in state.items() if name.startswith("mapping.")}
    if {name: tensor.shape for name, tensor in weights.items()} != expected:
        return None
    network = mapping()
    network.load_state_dict({name.removeprefix("mapping."): tensor for name, tensor in weights.items()})
    z = np.random.RandomState(123).randn(MEAN_SAMPLES, config.z_dim)  # as the field measures it
    return mean_w(network, torch.from_numpy(z).float())
