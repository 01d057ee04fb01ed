"""The affine maps of every family's layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from faceloom.networks.generator import Generator
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config

SMALL = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2}
FAMILIES = [
    MobileStyleGAN(MobileStyleGANConfig(channels=(16, 16, 8), **SMALL)),  # type: ignore[arg-type]
    StyleGAN1(StyleGAN1Config(channels=(8, 8, 4), **SMALL)),  # type: ignore[arg-type]
    StyleGAN2(StyleGAN2Config(channels=(8, 8, 4), **SMALL)),  # type: ignore[arg-type]
    StyleGAN2(StyleGAN2Config(channels=(8, 8, 4), architecture="orig", **SMALL)),  # type: ignore[arg-type]
    StyleGAN3(StyleGAN3Config(img_resolution=16, channel_base=128, channel_max=8, num_layers=4, **SMALL)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("G", FAMILIES)
def test_each_layers_affines_get_that_layers_style_and_all_affines_are_covered(G: Generator) -> None:
    assert isinstance(G, nn.Module)
    styles: dict[nn.Module, torch.Tensor] = {}
    for name, module in G.named_modules():
        if name.endswith("affine"):
            module.register_forward_hook(lambda module, inputs, _: styles.update({module: inputs[0]}))
    w_plus = torch.randn(1, G.num_ws, G.w_dim)
    with torch.no_grad():
        G.synthesis(w_plus)
    named = [(layer, affine) for layer in range(G.num_ws) for affine in G.affines(layer)]
    assert {affine for _, affine in named} == set(styles)
    assert len(named) == len(styles)
    for layer, affine in named:
        assert torch.equal(styles[affine], w_plus[:, layer]), layer
