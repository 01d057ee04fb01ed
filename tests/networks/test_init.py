"""Initial weights and learning rates, which are equivalent to the equalized learning rate."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from faceloom.networks.init import init_weights, parameter_groups
from faceloom.networks.layers import FullyConnected
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config


def test_an_initialized_layer_keeps_variance():
    layer = nn.Conv2d(64, 128, 3, padding=1)
    init_weights(layer, gain=2, bias=1)
    assert layer(torch.randn(4, 64, 16, 16))[..., 1:-1, 1:-1].std().item() == pytest.approx(2, rel=0.1)
    assert (layer.bias == 1).all()


def test_scaled_steps_equal_the_equalized_learning_rate():
    ours, theirs = nn.Linear(16, 4), FullyConnected(16, 4, lr_multiplier=0.5)
    init_weights(ours, multiplier=0.5)
    with torch.no_grad():
        theirs.weight.copy_(ours.weight / theirs.weight_gain)
    walks = [
        torch.optim.Adam(parameter_groups(ours, 0.01), betas=(0.0, 0.99)),
        torch.optim.Adam(parameter_groups(theirs, 0.01), betas=(0.0, 0.99)),
    ]
    for _ in range(5):
        x = torch.randn(8, 16)
        for layer, walk in zip((ours, theirs), walks, strict=True):
            walk.zero_grad()
            layer(x).sin().sum().backward()
            walk.step()
    torch.testing.assert_close(ours.weight, theirs.weight * theirs.weight_gain, atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(ours.bias, theirs.bias * theirs.bias_gain, atol=1e-5, rtol=1e-3)


def test_groups_hold_every_weight_once_and_self_scaling_networks_have_one_group():
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(16, 4), nn.PReLU())
    for layer in network[:2]:
        init_weights(layer)
    network[1].weight.requires_grad_(False)
    groups = parameter_groups(network, 0.1)
    assert [group["lr"] for group in groups] == pytest.approx([0.05, 0.1])
    assert sum(len(group["params"]) for group in groups) == 4
    G = StyleGAN2(StyleGAN2Config(channels=(8, 8), z_dim=8, w_dim=8, mapping_layers=1))
    assert [group["lr"] for group in parameter_groups(G, 0.1)] == [0.1]
