"""Checks of the settings that NVIDIA's PyTorch snapshots state for each layer, against those that our networks have.

A setting that differs would change the image silently. Settings that do not change it are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.stylegan3 import StyleGAN3Config

_SQRT2 = 2**0.5

_ANY = object()  # any value that all layers share

_MAPPING: dict[str, Any] = {
    r"mapping\.fc\d+\.activation": "lrelu",
    r"mapping\.fc\d+\.bias_gain": _ANY,
    r"mapping\.embed\.activation": "linear",
    r"mapping\.embed\.bias_gain": 1,
    r"mapping\.embed_proj\.activation": "lrelu",
    r"mapping\.embed_proj\.bias_gain": 1,
}

_SETTINGS: dict[str, dict[str, Any]] = {
    "stylegan2": _MAPPING
    | {
        r"synthesis\.b\d+\.conv[01]\.activation": "lrelu",
        r"synthesis\.b\d+\.conv[01]\.act_gain": _SQRT2,
        r"synthesis\.b\d+\.conv[01]\.padding": 1,
        r"synthesis\.b\d+\.conv[01]\.use_noise": _ANY,
        r"synthesis\.b\d+\.conv0\.up": 2,
        r"synthesis\.b\d+\.conv1\.up": 1,
        r"synthesis\.b\d+\.(?:conv[01]|torgb)\.conv_clamp": _ANY,
        r"synthesis\.b\d+\.skip\.activation": "linear",
        r"synthesis\.b\d+\.skip\.conv_clamp": None,
        r"synthesis\.b\d+\.skip\.up": 2,
        r"synthesis\.b\d+\.architecture": _ANY,
        r"synthesis\..*\.affine\.activation": "linear",
        r"synthesis\..*\.affine\.bias_gain": 1,
    },
    "stylegan3": _MAPPING
    | {
        r"synthesis\..*\baffine\.activation": "linear",
        r"synthesis\..*\baffine\.bias_gain": 1,
        r"synthesis\.L\d+_\d+_\d+\.conv_clamp": _ANY,
        r"synthesis\.L\d+_\d+_\d+\.out_(?:cutoff|half_width|sampling_rate)": ...,
        rf"synthesis\._init_kwargs(?:\.(?:{'|'.join(StyleGAN3Config.__dataclass_fields__)}))?": ...,
    },
    "discriminator": _MAPPING
    | {
        r"b\d+\.(?:fromrgb|conv[01]?|fc)\.activation": "lrelu",
        r"b\d+\.(?:fromrgb|conv[01]?)\.act_gain": _SQRT2,
        r"b(?!4\.fromrgb)\d+\.(?:fromrgb|conv[01]?)\.conv_clamp": _ANY,
        r"b\d+\.skip\.activation": "linear",
        r"b\d+\.skip\.conv_clamp": None,
        r"b\d+\.(?:conv1|skip)\.down": 2,
        r"b\d+\.(?:conv0|conv|fromrgb)\.down": 1,
        r"b4\.out\.activation": "linear",
        r"b4\.(?:fc|out)\.bias_gain": 1,
        r"b\d+\.architecture": _ANY,
        r"b4\.mbstd\.group_size": ...,
    },
}
"""Pattern of a setting's full name -> the only value that our networks have; `...`: any value of each layer."""

_FILTERS = {
    ("stylegan2", "skip"): r"synthesis\.b(?!4\.)\d+\.(?:conv0\.)?resample_filter",
    ("stylegan2", "orig"): r"synthesis\.b(?!4\.)\d+\.conv0\.resample_filter",
    ("stylegan2", "resnet"): r"synthesis\.b(?!4\.)\d+\.(?:conv0|skip)\.resample_filter",
    ("discriminator", "skip"): r"b(?!4\.)\d+\.(?:conv1\.)?resample_filter",
    ("discriminator", "orig"): r"b(?!4\.)\d+\.conv1\.resample_filter",
    ("discriminator", "resnet"): r"b(?!4\.)\d+\.(?:conv1|skip)\.resample_filter",
}
"""Pattern of the low-pass filters that a network of each architecture uses."""


def check_layer_settings(content: FileContent, family: str) -> None:
    """Raise UnknownFormat, naming the setting, unless every layer of a snapshot has settings that our networks have.

    Convention: the names of `content` have no prefix.
    """
    for pattern, expected in _SETTINGS[family].items():
        compiled = re.compile(pattern)
        for name, reason in content.dropped.items():
            if compiled.fullmatch(name):
                raise UnknownFormat(f"the setting {name} could not be read: {reason}", _HINT)
        stated = {name: value for name, value in content.values.items() if compiled.fullmatch(name)}
        if expected is not ...:
            _compare(stated, expected)


_HINT = "faceloom reads networks whose layers are those of NVIDIA's code"


def _compare(stated: Mapping[str, Any], expected: Any) -> None:
    """Raise UnknownFormat for a value that is not the expected one or, with _ANY, not that of the first layer."""
    origin = ""
    for name, value in stated.items():
        if expected is _ANY:
            expected, origin = value, f", as {name} is"
        if not _is_equal(value, expected):
            raise UnknownFormat(f"the network's {name} is {value}, expected {expected}{origin}", _HINT)


def _is_equal(value: Any, expected: Any) -> bool:
    if isinstance(value, int | float) and isinstance(expected, int | float):
        return abs(value - expected) <= 1e-6 * max(abs(expected), 1e-3)
    return bool(value == expected)


def stated_architecture(values: Mapping[str, Any]) -> str | None:
    """Return the architecture that the blocks of a snapshot state, None when they state none."""
    stated = (value for name, value in values.items() if re.fullmatch(r"(?:synthesis\.)?b\d+\.architecture", name))
    return next((value for value in stated if isinstance(value, str)), None)


def used_filters(tensors: Mapping[str, Tensor], family: str, architecture: str | None) -> Iterator[Tensor]:
    """Return the low-pass filters that the network uses; every layer stores one, also where it does not resample."""
    if any(re.fullmatch(r"(?:synthesis\.)?b\d+\.skip\.weight", name) for name in tensors):
        architecture = "resnet"
    elif architecture not in ("orig", "skip"):
        colors = "torgb" if family == "stylegan2" else "fromrgb"
        architecture = "skip" if sum(name.endswith(f".{colors}.weight") for name in tensors) > 1 else "orig"
    pattern = re.compile(_FILTERS[family, architecture])
    return (tensor for name, tensor in tensors.items() if pattern.fullmatch(name))


def check_stated_sizes(config: Any, values: Mapping[str, Any]) -> None:
    """Raise WrongShape unless the sizes that a snapshot states are those of its weights."""
    for field in ("z_dim", "c_dim", "w_dim", "architecture"):
        actual = getattr(config, field, None)
        stated = (
            stated_architecture(values)
            if field == "architecture"
            else values.get(field, values.get(f"mapping.{field}"))
        )
        is_tiny = field == "architecture" and len(config.channels) < 3 if hasattr(config, "channels") else False
        if isinstance(stated, int | str) and actual is not None and stated != actual and not is_tiny:
            hint = "the embedding of labels is missing" if field == "c_dim" else "the file is of another variant"
            raise WrongShape(f"the network states {field}={stated}, but its weights are of {field}={actual}", hint)
