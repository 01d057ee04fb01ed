"""Reading of the regions of a generated face: background, clothes, skin, hair, ... Does not open files."""

from __future__ import annotations

import torch
from torch import Tensor

from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.early_exit import EarlyExit
from faceloom.networks.generator import Generator
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.regions import RegionHead, block_features
from faceloom.networks.tuned import network_of


@torch.no_grad()
def read_regions(G: Generator, head: RegionHead, w_plus: WPlus) -> Tensor:
    """Return the probability of every region in every pixel of generated faces.

    The generator runs only up to the last block that the head reads, a third of the time of a picture.

    Convention: w_plus `[n, num_ws, w_dim]`; the result is float32 `[n, 10, 64, 64]`, regions in the order of REGIONS,
    and sums to 1 over them. `G` may be the default generator, one tuned for a person, or an engine.
    Raises LatentError for a generator of another family or of fewer blocks, ShapeError for one of other channels.
    """
    _, logits = read_region_features(G, head, w_plus)
    return logits.softmax(1).to(w_plus.device)


def read_region_features(G: Generator, head: RegionHead, w_plus: WPlus) -> tuple[list[Tensor], Tensor]:
    """Return the features that the head reads, and the logits of the regions, with gradients of the latent.

    Convention: w_plus `[n, num_ws, w_dim]`; the features are `[n, c, r, r]`, the logits `[n, 10, 64, 64]`.
    Raises as `read_regions`.
    """
    network = network_of(G)
    network = network.network if isinstance(network, EarlyExit) else network
    if not isinstance(network, MobileStyleGAN) or len(network.blocks) <= max(head.blocks):
        raise LatentError("regions are read from the default generator only", "use the default generator")
    features = block_features(network, w_plus.to(network.w_avg.device), head.blocks)
    return features, head.logits(features)
