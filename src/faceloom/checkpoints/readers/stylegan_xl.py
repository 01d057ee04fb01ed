"""The parts in which StyleGAN-XL differs from StyleGAN3: its label embedding, and the layers of its super-resolution.

Source: Sauer et al. 2022, "StyleGAN-XL: Scaling StyleGAN to Large Diverse Datasets", sections 3.2 and 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.checkpoints.readers.shapes import GRAY, RGBA
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.stylegan3 import StyleGAN3Config, layer_bands

State = dict[str, Tensor]

_EMBED, _PROJECTION = "mapping.embed.weight", "mapping.embed_proj.weight"


def simplify(state: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> tuple[State, State, tuple[str, ...]]:
    """Return weights and filters as StyleGAN3 has them: a linear label embedding, and three color channels.

    Returns the notes for the user as well. Raises WrongShape for an incomplete embedding.
    """
    numbers = [int(match[1]) for match in (re.match(r"synthesis\.L(\d{1,3})_", name) for name in state) if match]
    colors = re.compile(rf"(synthesis\.L{max(numbers, default=0)}_\d+_)([14])(\..*)")  # names of the color layer
    renamed_state, notes = _unify_colors(state, colors)
    renamed_tensors = {colors.sub(r"\g<1>3\3", name): tensor for name, tensor in tensors.items()}
    if _PROJECTION in renamed_state:
        _fold_projection(renamed_state)
        notes = (*notes, "the embedding of labels was computed for each class: labels select one class")
    elif _EMBED in renamed_state and "mapping.embed.bias" not in renamed_state:
        del renamed_state[_EMBED]  # stored by an unconditional network too, which does not use it
    return renamed_state, renamed_tensors, notes


def number_layers(names: Mapping[str, Any], layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries with the layers numbered from 0 without gaps; super-resolution leaves one where it begins.

    Convention: `layers` are the names by which the layers are counted.
    """
    matches = (re.match(r"synthesis\.L(\d{1,3})_", name) for name in layers)
    numbers = {number: i for i, number in enumerate(sorted({int(match[1]) for match in matches if match}))}

    def renumber(match: re.Match[str]) -> str:
        return f"synthesis.L{numbers.get(int(match[1]), match[1])}_"

    return {re.sub(r"^synthesis\.L(\d{1,3})_", renumber, name): entry for name, entry in names.items()}


def _fold_projection(state: State) -> None:
    """Replace, in place, the table of embedded classes and its projection by one linear layer with the same result.

    A class's row of the table passes a linear layer and a leaky ReLU; both depend on the class only. The linear layer
    scales its input by 1 / sqrt(number of classes).
    """
    table, weight = state.pop(_EMBED, None), state.pop(_PROJECTION)
    bias, means = state.pop("mapping.embed_proj.bias", None), state.get("w_avg")
    if table is None or bias is None or table.ndim != 2 or weight.shape != (bias.numel(), table.shape[1]):
        raise WrongShape("the embedding of labels is incomplete", "get the file again")
    classes = len(means) if means is not None and means.ndim == 2 else len(table)
    rows = F.leaky_relu(F.linear(table[:classes], weight / weight.shape[1] ** 0.5, bias.flatten()), 0.2) * 2**0.5
    state[_EMBED] = (rows.T * len(rows) ** 0.5).contiguous()  # [z_dim, classes]
    state["mapping.embed.bias"] = torch.zeros(len(state[_EMBED]))


def _unify_colors(state: Mapping[str, Tensor], colors: re.Pattern[str]) -> tuple[State, tuple[str, ...]]:
    """Turn a gray or RGBA color layer, whose name states its channels, into one of three channels."""
    renamed, notes = {}, set()
    for name, tensor in state.items():
        match = colors.fullmatch(name)
        if match and match[3] in (".weight", ".bias") and tensor.shape[:1] == (int(match[2]),):
            is_gray = match[2] == "1"
            tensor = (tensor.expand(3, *tensor.shape[1:]) if is_gray else tensor[:3]).contiguous()
            notes.add(GRAY if is_gray else RGBA)
        renamed[colors.sub(r"\g<1>3\3", name)] = tensor
    return renamed, tuple(notes)


def with_stated_bands(
    config: StyleGAN3Config, layers: Sequence[tuple[int, ...]], values: Mapping[str, Any]
) -> StyleGAN3Config:
    """Return the configuration with the bands that a snapshot's layers state, where they are not the computed ones.

    Convention: `layers` holds (number, size, channels) of every layer, from the names. Raises UnknownFormat when a
    layer states something that is not a number.
    """
    stated: list[float] = []
    for i, size, channels in layers:
        prefix = f"synthesis.L{i}_{size}_{channels}."
        names = [
            next((n for n in (f"{prefix}{key}", f"{prefix[:-2]}1.{key}", f"{prefix[:-2]}4.{key}") if n in values), None)
            for key in ("out_cutoff", "out_half_width", "out_sampling_rate")
        ]
        row = [values[name] for name in names if name is not None]
        if len(row) < 3:
            return config
        if not all(isinstance(number, int | float) for number in row):
            raise UnknownFormat(f"the band of layer L{i} is not stated in numbers", "get the file again")
        stated += [*map(float, row), size, channels]
    computed = [n for b in layer_bands(config) for n in (b.cutoff, b.half_width, b.rate, b.size, b.channels)]
    is_computed = len(computed) == len(stated) and all(
        abs(a - b) <= 1e-6 * max(abs(a), 1) for a, b in zip(computed, stated, strict=True)
    )
    return config if is_computed else replace(config, bands=tuple(stated))
