"""Construction of a run's generator and discriminators from its config."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from faceloom.checkpoints.load import load_lpips
from faceloom.errors import TrainingError
from faceloom.networks.critic import FeatureCritic
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config
from faceloom.networks.wavelet_discriminator import WaveletDiscriminator, WaveletDiscriminatorConfig
from faceloom.train.config import TrainConfig

BaseSize = tuple[int, int]


def make_generator(config: TrainConfig) -> nn.Module:
    """Make the generator with random weights from torch's global seed. Raises TrainingError for an impossible size."""
    common: dict[str, Any] = {"z_dim": config.z_dim, "c_dim": config.c_dim, "w_dim": config.w_dim}
    common |= {"mapping_layers": config.mapping_layers, "img_channels": config.img_channels}
    if config.family == "stylegan3":
        if config.height != config.width:
            raise TrainingError("StyleGAN3 generates square images only", "use --family stylegan2")
        sizes: dict[str, Any] = {"channel_base": config.channel_base, "channel_max": config.channel_max}
        return StyleGAN3(StyleGAN3Config(img_resolution=config.height, **sizes, **common))
    base, channels = network_shape(config, config.channels)
    if config.family == "mobilestylegan":
        return MobileStyleGAN(MobileStyleGANConfig.from_scratch(channels, base=base, **common))
    return StyleGAN2(StyleGAN2Config(channels, base=base, **common))


def make_discriminator(config: TrainConfig) -> nn.Module:
    """Make the discriminator, one on wavelets for a wavelet generator. Raises TrainingError for an impossible size."""
    base, channels = network_shape(config, config.d_channels)
    if config.family == "mobilestylegan":
        return WaveletDiscriminator(
            WaveletDiscriminatorConfig(channels, config.c_dim, base, img_channels=config.img_channels)
        )
    more: dict[str, Any] = {"mapping_layers": config.mapping_layers, "img_channels": config.img_channels}
    return Discriminator(DiscriminatorConfig(channels, config.c_dim, base=base, **more))


def make_critic(config: TrainConfig, device: str) -> FeatureCritic | None:
    """Make the second discriminator that the config asks for, or None. Raises AssetError without the asset 'lpips'."""
    if config.critic == "none":
        return None
    backbone = copy.deepcopy(load_lpips("alexnet")).requires_grad_(False)
    return FeatureCritic(backbone.to(device)).to(device)


def spread_number_labels(*networks: nn.Module) -> None:
    """Give the embeddings of labels random biases, for labels that hold numbers.

    An embedded label is scaled to a fixed length. Without a bias, all positive values of a single number would be the
    same label, and so would all negative ones.
    """
    for network in networks:
        for name, module in network.named_modules():
            if name.endswith(("mapping.embed", "mapping_network.embed")):
                nn.init.normal_(module.bias)


def network_shape(config: TrainConfig, channels: tuple[int, ...]) -> tuple[BaseSize, tuple[int, ...]]:
    """Return the size of the first feature maps, and the channels at every resolution.

    `channels`, where given, is returned unchanged. Wavelet networks have no features at the image's own resolution.
    Raises TrainingError when `channels` has the wrong length.
    """
    base, levels = base_size(config.height, config.width)
    levels -= config.family == "mobilestylegan"
    if channels and len(channels) != levels + 1:
        raise TrainingError(
            f"channels: expected {levels + 1} numbers, one for each resolution, got {len(channels)}",
            f"the first is for {base[1]} x {base[0]} px",
        )
    return base, channels or layer_widths(config, base, levels)


def base_size(height: int, width: int) -> tuple[BaseSize, int]:
    """Return the size of the first feature maps, and how often it is doubled: 64 x 96 px gives (4, 6), 4 times.

    Raises TrainingError when the image's size is not divisible into first feature maps whose shorter side is 4 to 7.
    """
    levels = 0
    while min(height, width) / 2 ** (levels + 1) >= 4:
        levels += 1
    step = 2**levels
    if height % step or width % step:
        raise TrainingError(
            f"{width} x {height} px cannot be halved {levels} times",
            f"make the dataset at {_round_to_multiple(width, step)}x{_round_to_multiple(height, step)}",
        )
    return (height // step, width // step), levels


def _round_to_multiple(side: int, step: int) -> int:
    return max(4, round(side / step)) * step


def layer_widths(config: TrainConfig, base: BaseSize, levels: int) -> tuple[int, ...]:
    """Return the channels at every resolution, the lowest first: `channel_base / side`, at most `channel_max`."""
    sides = (round((base[0] * base[1]) ** 0.5) << level for level in range(levels + 1))
    widths = [min(config.channel_base // side, config.channel_max) for side in sides]
    return tuple(max(4, width // 4 * 4) for width in widths)


def set_precision(network: Any, precision: str) -> bool:
    """Set the precision of a network's convolutions and return whether the network supports it.

    The weights stay float32. For a network without support, use autocast.
    """
    if precision == "fp32":
        return True
    module = network if hasattr(network, "dtype") else getattr(network, "synthesis", None)
    if not hasattr(module, "dtype"):
        return False
    module.dtype = torch.bfloat16  # type: ignore[union-attr]
    return True
