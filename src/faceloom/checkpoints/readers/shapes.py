"""Inference of a network's configuration from the shapes of its weights under our names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceloom.checkpoints.check_state import check_state
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.layers import StyleMapping
from faceloom.networks.mapping import compute_mean_w
from faceloom.networks.ops import fir_kernel
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import Architecture, StyleGAN2, StyleGAN2Config

MEAN_SAMPLES = 10_000
"""Number of z samples for the mean w, measured when a file holds none."""

GRAY = "the network draws gray images: all three channels are equal"
RGBA = "the network draws RGBA: its alpha channel is left out"

LABELS_MISSING = (
    "z has twice as many numbers as w: if the network was trained with labels, the file lacks their embedding"
)
"""Note for a network that may have been trained with labels."""

State = dict[str, Tensor]


def infer_stylegan2(
    state: State,
    source: str,
    *,
    notes: tuple[str, ...] = (),
    unused: tuple[str, ...] = (),
    **settings: Any,
) -> LoadedNetwork:
    """Turn StyleGAN2 weights into a network; `settings` are configuration fields that shapes do not determine.

    Raises WrongShape or CorruptFile.
    """
    state = dict(state)
    notes = (*notes, *unify_colors(state), *average_class_means(state))
    widths = _infer_widths(state)
    config = StyleGAN2Config(
        channels=widths,
        w_dim=_axis_size(state, "synthesis.b4.conv1.affine.weight", 1),
        architecture=_infer_architecture(state, "synthesis.", "torgb"),
        use_noise="synthesis.b4.conv1.noise_strength" in state,
        **_mapping_settings(state, _axis_size(state, "synthesis.b4.conv1.affine.weight", 1)),
        **settings,
    )
    check_bounds(config)
    state, more_notes = _add_missing(state, config)
    check_state(StyleGAN2, config, state)
    notes = (*notes, *more_notes, *_note_missing_labels(config))
    return LoadedNetwork("stylegan2", source, config, state, notes, unused)


def infer_stylegan1(state: State, source: str, *, unused: tuple[str, ...] = (), **settings: Any) -> LoadedNetwork:
    """Turn StyleGAN weights into a network. Raises WrongShape or CorruptFile."""
    state = dict(state)
    color_notes = unify_colors(state)
    w_dim = _axis_size(state, "synthesis.b4.conv1.affine.weight", 1)
    mapping = _mapping_settings(state, w_dim)
    if mapping.pop("c_dim") or mapping.pop("embed_features"):
        raise WrongShape("the network takes labels, which this StyleGAN does not", "use an unconditional network")
    config = StyleGAN1Config(channels=_infer_widths(state), w_dim=w_dim, **mapping, **settings)
    check_bounds(config)
    state, notes = _add_missing(state, config)
    check_state(StyleGAN1, config, state)
    return LoadedNetwork("stylegan1", source, config, state, (*color_notes, *notes), unused)


def infer_discriminator(state: State, source: str, *, unused: tuple[str, ...] = (), **settings: Any) -> LoadedNetwork:
    """Turn a StyleGAN2 discriminator's weights into a network. Raises WrongShape or CorruptFile."""
    state = dict(state)
    _unify_input(state)
    widths = [_axis_size(state, "b4.conv.weight", 0)]
    while f"b{8 << (len(widths) - 1)}.conv0.weight" in state:
        widths.append(_axis_size(state, f"b{8 << (len(widths) - 1)}.conv0.weight", 0))
    labels: dict[str, Any] = {}
    if "mapping.embed.weight" in state:
        cmap_dim = _axis_size(state, "b4.out.weight", 0)
        labels = {**_mapping_settings(state, cmap_dim), "cmap_dim": cmap_dim}
        labels.pop("z_dim")
    config = DiscriminatorConfig(
        channels=tuple(widths),
        architecture=_infer_architecture(state, "", "fromrgb"),
        mbstd_num_channels=_axis_size(state, "b4.conv.weight", 1) - widths[0],
        **labels,
        **settings,
    )
    check_state(Discriminator, config, state)
    return LoadedNetwork("stylegan2-discriminator", source, config, state, (), unused)


def infer_filter(kernels: Iterable[Tensor], gain: float | None = None) -> dict[str, Any]:
    """Return the filter of all layers as the setting `resample_filter`; an empty dict without kernels.

    Convention: kernels `[k, k]`, or `[k]` for a separable filter, equal up to a factor; `gain` is the expected sum of
    each, None: any.
    Raises UnknownFormat for kernels that differ, that have another sum, or that are not the outer product of a row of
    taps with itself.
    """
    stored = [torch.outer(kernel, kernel) if kernel.ndim == 1 else kernel for kernel in kernels]
    if not stored:
        return {}
    for kernel in stored:
        if kernel.ndim != 2 or not kernel.numel() or kernel.shape != stored[0].shape or not kernel.isfinite().all():
            raise UnknownFormat(
                "the layers have different low-pass filters, or damaged ones",
                "faceloom reads networks with one separable filter for all layers",
            )
        if gain is not None and not abs(float(kernel.sum()) - gain) < 0.01 * gain:
            raise UnknownFormat(
                f"a low-pass filter's numbers sum to {float(kernel.sum()):.4g}, expected {gain:g}",
                "faceloom reads networks whose filters keep the brightness",
            )
    squares = [kernel.float() / kernel.sum() for kernel in stored]
    taps = squares[0].sum(dim=0)
    if len(taps) != len(squares[0]) or not all(_is_close(k, torch.outer(taps, taps)) for k in squares):
        raise UnknownFormat(
            "the layers have different low-pass filters, or ones that differ by direction",
            "faceloom reads networks with one separable filter for all layers",
        )
    default_taps = fir_kernel(StyleGAN2Config.resample_filter).sum(dim=0)
    is_default = taps.shape == default_taps.shape and _is_close(taps, default_taps)
    return {"resample_filter": StyleGAN2Config.resample_filter if is_default else tuple(taps.tolist())}


def _is_close(a: Tensor, b: Tensor) -> bool:
    """Return whether two filters agree within the rounding of half precision, in which some files store them."""
    if not (a.isfinite().all() and b.isfinite().all()):
        return False
    return torch.allclose(a, b, rtol=2e-3, atol=2e-4 * float(b.abs().max()))


def unify_colors(state: State) -> tuple[str, ...]:
    """Turn a generator's gray or RGBA output, in place, into the three color channels that faceloom's networks draw.

    A gray network draws the same numbers in all three channels. The alpha channel of RGBA is left out. The color
    layers are linear, so the colors do not change. Returns notes for the user.
    """
    names = [name for name in state if re.search(r"\.torgb\.(weight|bias)$", name) and state[name].ndim]
    channels = {state[name].shape[0] for name in names}
    for name in names:
        if state[name].shape[0] == 1:
            state[name] = state[name].expand(3, *state[name].shape[1:]).contiguous()
        elif state[name].shape[0] == 4:
            state[name] = state[name][:3].contiguous()
    if channels == {1}:
        return (GRAY,)
    return (RGBA,) if channels == {4} else ()


def _unify_input(state: State) -> None:
    """Turn a gray discriminator's input, in place, into three channels that are expected to be equal.

    Raises UnknownFormat for RGBA, because no RGB image has an alpha channel.
    """
    for name in [name for name in state if name.endswith("fromrgb.weight") and state[name].ndim == 4]:
        if state[name].shape[1] == 1:
            state[name] = (state[name] / 3**0.5).expand(-1, 3, -1, -1).contiguous()  # scaled by 1 / sqrt(inputs)
        elif state[name].shape[1] == 4:
            raise UnknownFormat("the discriminator takes RGBA images", "faceloom reads those of RGB and gray images")


def _axis_size(state: Mapping[str, Tensor], name: str, axis: int) -> int:
    if name not in state or state[name].ndim <= axis:
        raise WrongShape(f"the file lacks {name}, or it has too few axes", "the file is of another family")
    return state[name].shape[axis]


def _infer_widths(state: State) -> tuple[int, ...]:
    widths = [_axis_size(state, "synthesis.b4.conv1.weight", 0)]
    while f"synthesis.b{4 << len(widths)}.conv1.weight" in state:
        widths.append(_axis_size(state, f"synthesis.b{4 << len(widths)}.conv1.weight", 0))
    return tuple(widths)


def _mapping_settings(state: State, w_dim: int) -> dict[str, Any]:
    """Return z_dim, c_dim, depth and widths of the mapping network. Raises WrongShape when the file holds none."""
    layers = sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in state)
    if not layers:
        raise WrongShape("the file holds no mapping network, from z to w", "give the file of the whole generator")
    embedded = c_dim = 0
    if "mapping.embed.weight" in state:
        embedded, c_dim = (_axis_size(state, "mapping.embed.weight", axis) for axis in (0, 1))
    width = _axis_size(state, "mapping.fc0.weight", 0) if layers > 1 else w_dim
    return {
        "z_dim": _axis_size(state, "mapping.fc0.weight", 1) - embedded,
        "c_dim": c_dim,
        "mapping_layers": layers,
        "embed_features": None if embedded in (0, w_dim) else embedded,
        "layer_features": None if width == w_dim else width,
    }


def average_class_means(state: State) -> tuple[str, ...]:
    """Replace, in place, a mean w for each class, `[c_dim, w_dim]`, by the mean of all; return notes about it."""
    mean = state.get("w_avg")
    if mean is None or mean.ndim != 2:
        return ()
    state["w_avg"] = mean.mean(dim=0)
    return (f"the file holds a mean w for each of {len(mean)} classes: truncation uses the mean of all",)


def _note_missing_labels(config: StyleGAN2Config) -> tuple[str, ...]:
    """Return a note for a z twice as long as w without labels: the embedding of labels may be missing."""
    if config.c_dim or config.z_dim != 2 * config.w_dim:
        return ()
    return (LABELS_MISSING,)


def _infer_architecture(state: State, prefix: str, to_colors: str) -> Architecture:
    if any(re.fullmatch(rf"{prefix}b\d+\.skip\.weight", name) for name in state):
        return "resnet"
    return "skip" if sum(f".{to_colors}.weight" in name for name in state) > 1 else "orig"


def _add_missing(state: State, config: Any) -> tuple[State, tuple[str, ...]]:
    """Add the mean w and the constant noise that some files lack; return the state and notes about it."""
    state, notes = dict(state), []
    if "w_avg" not in state and (mean := _measure_mean(state, config)) is not None:
        state["w_avg"] = mean
        notes.append(f"the file holds no mean w: it was measured over {MEAN_SAMPLES} samples")
    noise_count = 0
    for name in [name for name in state if name.endswith(".noise_strength")]:
        noise, side = name.replace("noise_strength", "noise_const"), re.search(r"\.b(\d{1,4})\.", name)
        if noise not in state and side and int(side[1]) <= config.img_resolution:
            generator = torch.Generator().manual_seed(noise_count)
            state[noise] = torch.randn(int(side[1]), int(side[1]), generator=generator)
            noise_count += 1
    if noise_count:
        notes.append("the file holds no constant noise: it was generated")
    return state, tuple(notes)


def _measure_mean(state: State, config: Any) -> Tensor | None:
    """Return the mean of w over MEAN_SAMPLES z; None when the mapping network is incomplete or takes labels."""

    def mapping() -> StyleMapping:
        return StyleMapping(
            config.z_dim,
            0,
            config.w_dim,
            num_layers=config.mapping_layers,
            layer_features=config.layer_features,
            lr_multiplier=config.lr_multiplier,
        )

    with torch.device("meta"):  # compare shapes before allocating: a damaged file may describe a huge network
        expected = {f"mapping.{name}": tensor.shape for name, tensor in mapping().state_dict().items()}
    weights = {name: tensor for name, tensor in state.items() if name.startswith("mapping.")}
    if {name: tensor.shape for name, tensor in weights.items()} != expected:
        return None
    network = mapping()
    network.load_state_dict({name.removeprefix("mapping."): tensor for name, tensor in weights.items()})
    z = np.random.RandomState(123).randn(MEAN_SAMPLES, config.z_dim)  # same seed as in NVIDIA's projector
    return compute_mean_w(network, torch.from_numpy(z).float())
