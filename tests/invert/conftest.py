"""What the searches are tried on: a tiny generator, distances of random weights, a picture that can be found."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.lpips import Lpips
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig


class Doll(MobileStyleGAN):
    """A generator whose images are enlarged to what a search compares."""

    def synthesis_at(self, w_plus, resolution, noise_mode="const"):
        return torch.nn.functional.interpolate(super().synthesis(w_plus, noise_mode), size=resolution)


@pytest.fixture(scope="module")
def tools():
    torch.manual_seed(0)
    G = Doll(MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2)).requires_grad_(False)
    vgg, alexnet = Lpips("vgg16").requires_grad_(False), Lpips("alexnet").requires_grad_(False)
    for net in (vgg, alexnet):
        for _, module in net.named_modules():
            if isinstance(module, torch.nn.Conv2d) and module.out_channels == 1:
                module.weight.abs_()
    target = G.synthesis_at(torch.randn(1, G.num_ws, G.w_dim), 256)
    return {"G": G, "img": target, "vgg": vgg, "alexnet": alexnet}
