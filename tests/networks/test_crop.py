"""Crops: a part of the picture equals the same part of the whole, for generators that can be cut and others."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.crop import synthesize_crop
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.tuned import Tuned

CHANNELS = (4, 4, 4, 4, 4, 4, 4)  # 512 px


def make_generator(family: str):
    torch.manual_seed(0)
    if family == "mobilestylegan":
        G = MobileStyleGAN(MobileStyleGANConfig(channels=CHANNELS, z_dim=8, w_dim=8, mapping_layers=2))
        for name, buffer in G.named_buffers():
            if name.endswith("noise"):
                buffer.normal_(std=0.1)
        return G.requires_grad_(False)
    return StyleGAN2(StyleGAN2Config(channels=CHANNELS[:6], w_dim=8)).eval().requires_grad_(False)


@pytest.mark.parametrize("family", ["mobilestylegan", "stylegan2"])
@pytest.mark.parametrize("corner", [(0, 0), (20, 33), (48, 48)])
def test_a_crop_equals_the_part_of_the_whole(family: str, corner: tuple[int, int]):
    G = make_generator(family)
    w_plus, cell = torch.randn(1, G.num_ws, G.w_dim), G.img_resolution // 64
    y, x = corner[0] * cell, corner[1] * cell
    whole = G.synthesis(w_plus)[:, :, y : y + 16 * cell, x : x + 16 * cell]
    torch.testing.assert_close(synthesize_crop(G, w_plus, corner, 16), whole, atol=1e-5, rtol=1e-5)


def test_gradients_reach_a_tuned_weight():
    G = make_generator("mobilestylegan")
    change = torch.zeros(4, requires_grad=True)
    img = synthesize_crop(Tuned(G, {"blocks.5.conv2.conv.1.bias": change}), torch.randn(1, G.num_ws, 8), (8, 8), 4)
    (gradient,) = torch.autograd.grad(img.sum(), [change])
    assert gradient.abs().sum() > 0
