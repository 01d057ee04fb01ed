"""A run's networks, from its config. Torch only, opens no file."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from faceloom.errors import TrainingError
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config
from faceloom.networks.wavelet_discriminator import WaveletDiscriminator, WaveletDiscriminatorConfig
from faceloom.train.config import TrainConfig

Base = tuple[int, int]


def generator_of(config: TrainConfig) -> nn.Module:
    """Make the generator, with fresh weights from torch's global seed. Raises TrainingError for an impossible size."""
    common: dict[str, Any] = {"z_dim": config.z_dim, "c_dim": config.c_dim, "w_dim": config.w_dim}
    common["mapping_layers"] = config.mapping_layers
    if config.family == "stylegan3":
        if config.height != config.width:
            raise TrainingError("StyleGAN3 draws square images only", "use --family stylegan2")
        sizes: dict[str, Any] = {"channel_base": config.channel_base, "channel_max": config.channel_max}
        return StyleGAN3(StyleGAN3Config(img_resolution=config.height, **sizes, **common))
    base, channels = shape_of(config, config.channels)
    if config.family == "mobilestylegan":
        return MobileStyleGAN(MobileStyleGANConfig.from_scratch(channels, base=base, **common))
    return StyleGAN2(StyleGAN2Config(channels, base=base, **common))


def discriminator_of(config: TrainConfig) -> nn.Module:
    """Make the discriminator; it sees wavelets where the generator draws them. Raises TrainingError likewise."""
    base, channels = shape_of(config, config.d_channels)
    if config.family == "mobilestylegan":
        return WaveletDiscriminator(WaveletDiscriminatorConfig(channels, config.c_dim, base))
    layers = config.mapping_layers
    return Discriminator(DiscriminatorConfig(channels, config.c_dim, base=base, mapping_layers=layers))


def shape_of(config: TrainConfig, channels: tuple[int, ...]) -> tuple[Base, tuple[int, ...]]:
    """The first features' size, and how many there are at every resolution, unless they were said outright.

    What draws or sees wavelets has no features at the image's own resolution.
    """
    base, levels = base_of(config.height, config.width)
    levels -= config.family == "mobilestylegan"
    if channels and len(channels) != levels + 1:
        raise TrainingError(
            f"{len(channels)} widths are given for {levels + 1} resolutions",
            f"the first is that of {base[1]} x {base[0]} px",
        )
    return base, channels or widths_of(config, base, levels)


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


def in_precision(network: Any, precision: str) -> bool:
    """Let a network compute its convolutions in `precision` while its weights stay float32; say whether it can itself.

    Where it cannot, autocast does.
    """
    if precision == "fp32":
        return True
    place = network if hasattr(network, "dtype") else getattr(network, "synthesis", None)
    if not hasattr(place, "dtype"):
        return False
    place.dtype = torch.bfloat16  # type: ignore[union-attr]
    return True
