"""Reader for the encoder beside the generator in a checkpoint of pSp, e4e or ReStyle."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.checkpoints.check_state import check_state
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.psp_encoder import PspEncoder, PspEncoderConfig

_PREFIX = "state_dict.encoder."

_ADDS_FIRST_STYLE = {
    "GradualStyleEncoder": False,
    "BackboneEncoder": False,
    "Encoder4Editing": True,
    "ProgressiveBackboneEncoder": True,
}
"""Supported encoder classes, as `opts` names them -> whether the first style is added to all others."""


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder read from a checkpoint, not built yet."""

    config: PspEncoderConfig
    state_dict: Mapping[str, Tensor]  # float32, without the counters of training steps
    mean: Tensor | None  # `[num_ws, w_dim]`, added to the styles; None: use the generator's mean w


def find(names: Mapping[str, Tensor]) -> bool:
    """Return whether a checkpoint holds an encoder."""
    return any(name.startswith(f"{_PREFIX}input_layer.") for name in names)


def read(content: FileContent) -> LoadedEncoder:
    """Read the encoder's configuration, weights and mean.

    Raises UnknownFormat for an unsupported encoder class, WrongShape or CorruptFile when the weights do not fit.
    """
    for option in ("opts", "opts.encoder_type", "opts.start_from_latent_avg"):
        if option in content.dropped:
            raise UnknownFormat(
                f"'{option}', which the encoder needs, could not be read", content.dropped[option][:120]
            )
    state = {name.removeprefix(_PREFIX): t for name, t in content.tensors.items() if name.startswith(_PREFIX)}
    state = {name: tensor.float() for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    config = _infer_config(state, content.values.get("opts.encoder_type", "GradualStyleEncoder"))
    check_state(make_network, config, state)
    return LoadedEncoder(config, state, _read_mean(content, config))


def _infer_config(state: Mapping[str, Tensor], encoder_type: object) -> PspEncoderConfig:
    if encoder_type not in _ADDS_FIRST_STYLE:
        raise UnknownFormat(
            f"the encoder is a {str(encoder_type)[:40]}", f"faceloom reads {', '.join(_ADDS_FIRST_STYLE)}"
        )
    try:
        width, in_channels = state["input_layer.0.weight"].shape[:2]
        w_dim = state["styles.0.linear.weight"].shape[0]
    except (KeyError, ValueError, IndexError) as error:
        raise WrongShape(f"the encoder lacks {error}", "it is of another kind") from error
    convs = [re.fullmatch(r"styles\.(\d{1,3})\.convs\.\d{1,3}\.weight", name) for name in state]
    heads = [int(match[1]) for match in convs if match]
    depths = tuple(heads.count(i) for i in range(max(heads, default=0) + 1))
    if not set(depths) <= {4, 5, 6}:
        raise WrongShape(f"the encoder's heads are {depths} layers deep, expected 4 to 6", "it is of another kind")
    return PspEncoderConfig(depths, in_channels, width, w_dim, _ADDS_FIRST_STYLE[str(encoder_type)])


def _read_mean(content: FileContent, config: PspEncoderConfig) -> Tensor | None:
    """Return the mean that is added to the styles; None when the file holds none and the generator's mean applies."""
    shape = len(config.head_depths), config.w_dim
    if not content.values.get("opts.start_from_latent_avg", True):
        return torch.zeros(shape)
    mean = content.tensors.get("latent_avg")
    if mean is None:
        return None
    rows = mean.float().reshape(-1, mean.shape[-1])
    if rows.shape[1] != shape[1] or len(rows) not in (1, shape[0]):
        raise WrongShape(f"latent_avg: expected {list(shape)}, got {list(mean.shape)}", "it is of another generator")
    return rows.expand(shape).contiguous()


def make_network(config: PspEncoderConfig) -> PspEncoder:
    """Build the encoder without the step counters of its batch normalization, which only training needs."""
    network = PspEncoder(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.num_batches_tracked = None
    return network
