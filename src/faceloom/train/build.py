"""A run's networks, from its config. Torch only, opens no file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import nn

from faceloom.errors import TrainingError
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config
from faceloom.train.config import TrainConfig

Base = tuple[int, int]


def generator_of(config: TrainConfig) -> nn.Module:
    """Make the generator, with fresh weights from torch's global seed. Raises TrainingError for an impossible size."""
    common = {"z_dim": config.z_dim, "c_dim": config.c_dim, "w_dim": config.w_dim}
    common["mapping_layers"] = config.mapping_layers
    if config.family == "stylegan3":
        if config.height != config.width:
            raise TrainingError("StyleGAN3 draws square images only", "use --family stylegan2")
        sizes = {"channel_base": config.channel_base, "channel_max": config.channel_max}
        return StyleGAN3(StyleGAN3Config(img_resolution=config.height, **sizes, **common))
    base, levels = base_of(config.height, config.width)
    widths = widths_of(config, base, levels)
    if config.family == "mobilestylegan":
        return MobileStyleGAN(_filled(MobileStyleGANConfig, channels=widths[:-1], base=base, **common))
    return StyleGAN2(_filled(StyleGAN2Config, channels=widths, base=base, **common))


def discriminator_of(config: TrainConfig) -> nn.Module:
    """Make the discriminator. Raises TrainingError for an impossible size."""
    base, levels = base_of(config.height, config.width)
    sizes: dict[str, Any] = {"channels": widths_of(config, base, levels), "c_dim": config.c_dim, "base": base}
    return Discriminator(_filled(DiscriminatorConfig, mapping_layers=config.mapping_layers, **sizes))


def base_of(height: int, width: int) -> tuple[Base, int]:
    """The size of the first features, and how often it doubles: 64 x 96 px are (4, 6), doubled 4 times.

    Raises TrainingError where the shorter side of the first features would not be 4 to 7.
    """
    levels = 0
    while min(height, width) / 2 ** (levels + 1) >= 4:
        levels += 1
    step = 2**levels
    if height % step or width % step:
        raise TrainingError(
            f"{width} x {height} px cannot be halved {levels} times",
            f"make the dataset at {_rounded(width, step)}x{_rounded(height, step)}",
        )
    return (height // step, width // step), levels


def _rounded(side: int, step: int) -> int:
    return max(4, round(side / step)) * step


def widths_of(config: TrainConfig, base: Base, levels: int) -> tuple[int, ...]:
    """Features at every resolution, from the first to the image's: `channel_base / side`, at most `channel_max`."""
    sides = (round((base[0] * base[1]) ** 0.5) << level for level in range(levels + 1))
    widths = [min(config.channel_base // side, config.channel_max) for side in sides]
    return tuple(max(4, width // 4 * 4) for width in widths)


def _filled(config_class: type[Any], base: Base, **settings: Any) -> Any:
    """Fill in a network's config. Raises TrainingError for what the family does not offer."""
    known = {field.name for field in fields(config_class)}
    if "base" in known:
        settings["base"] = base
    elif base != (4, 4):
        raise TrainingError("this family draws squares of a power of two only", "make the dataset at 64, 128 or 256 px")
    if "c_dim" not in known and not settings.pop("c_dim", 0) == 0:
        raise TrainingError("this family learns no labels", "use --family stylegan2, or leave --cond out")
    return config_class(**{name: value for name, value in settings.items() if name in known})


def in_precision(G: Any, precision: str) -> bool:
    """Let the generator compute its convolutions in `precision` with float32 weights; say whether it can do so itself.

    Where it cannot, autocast does.
    """
    if precision == "fp32":
        return True
    if hasattr(getattr(G, "synthesis", None), "dtype"):
        G.in_precision(torch.bfloat16)
        return True
    return False
