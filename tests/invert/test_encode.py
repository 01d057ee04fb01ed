"""Inversion by the encoder: the best pass of every image is kept."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.invert.encode import invert_encode
from faceloom.networks.encoder import Encoder
from faceloom.networks.generator import image_at


class WorseningEncoder(Encoder):
    """An encoder whose second pass is worse than the first."""

    def __init__(self):
        super().__init__(num_ws=8, w_dim=128)
        self.calls = 0

    def forward(self, img, generated):
        self.calls += 1
        return torch.full((len(img), 8, 16), 0.01 if self.calls == 1 else 50.0)


def test_the_best_pass_is_kept(tools):
    img = image_at(tools["G"], tools["G"].w_avg.expand(2, 8, 16) + 0.01, 256).clamp(-1, 1)
    result = invert_encode(tools["G"], WorseningEncoder(), img, alexnet=tools["alexnet"], passes=2)
    assert torch.allclose(result.w_plus, tools["G"].w_avg + torch.tensor(0.01))
    assert max(result.lpips) < 1e-4
    assert len(result.mse) == 2


def test_the_network_returns_one_style_per_layer():
    net = Encoder(num_ws=4, w_dim=256).eval()
    out = net(torch.zeros(2, 3, 256, 256), torch.zeros(2, 3, 64, 64))
    assert out.shape == (2, 4, 256)
    with pytest.raises(ShapeError, match="align"):
        net(torch.zeros(2, 3, 100, 90), torch.zeros(2, 3, 64, 64))


def test_the_first_pass_compares_with_the_mean_face():
    net = Encoder(num_ws=4, w_dim=256).eval()
    img = torch.rand(2, 3, 256, 256)
    torch.testing.assert_close(net.first_pass(img), net(img, net.mean_img.expand_as(img)))


def test_the_change_to_axes_is_inverted():
    net = Encoder(num_ws=4, w_dim=256)
    net.axes.copy_(torch.linalg.qr(torch.randn(256, 256)).Q)
    net.scales.uniform_(0.5, 2)
    offset = torch.randn(2, 4, 256)
    torch.testing.assert_close(net.to_w(net.to_axes(offset)), offset, atol=1e-4, rtol=1e-4)


@pytest.mark.models
def test_the_shipped_encoder_inverts_generated_faces(default_model, lpips_alexnet):
    from faceloom import Studio
    from faceloom.invert.inversion import measure

    studio = Studio()
    people = torch.cat([studio.generate(seed).w_plus for seed in (7001, 7002, 7003)])  # trained on seeds to 5999
    img = image_at(default_model.G, people, 256).clamp(-1, 1)
    mean = studio.generator.G.w_avg.expand(3, 23, -1)
    before, *_ = measure(default_model.G, mean, img, lpips_alexnet)
    after, *_ = measure(default_model.G, studio.encoder(img), img, lpips_alexnet)
    assert all(near < far for near, far in zip(after, before, strict=True))
    assert sum(after) < 0.85 * sum(before)
