"""Fixtures of the inversion tests: a tiny generator, LPIPS with random weights, a target that can be reached."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.lpips import Lpips
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig


class EnlargedGenerator(MobileStyleGAN):
    """A generator whose images are enlarged to the resolution that an inversion compares."""

    def synthesis_at(self, w_plus, resolution, noise_mode="const"):
        return torch.nn.functional.interpolate(super().synthesis(w_plus, noise_mode), size=resolution)


@pytest.fixture(scope="module")
def tools():
    torch.manual_seed(0)
    config = MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2)
    G = EnlargedGenerator(config).requires_grad_(False)
    vgg, alexnet = Lpips("vgg16").requires_grad_(False), Lpips("alexnet").requires_grad_(False)
    for net in (vgg, alexnet):
        for _, module in net.named_modules():
            if isinstance(module, torch.nn.Conv2d) and module.out_channels == 1:
                module.weight.abs_()
    target = G.synthesis_at(torch.randn(1, G.num_ws, G.w_dim), 256)
    return {"G": G, "img": target, "vgg": vgg, "alexnet": alexnet}


@pytest.fixture(scope="module")
def interrupt_at():
    """A factory of callbacks that raise an error at a step."""

    def make(number, error):
        def callback(step):
            if step["step"] == number:
                raise error

        return callback

    return make
