"""The encoder's inversion: of several attempts the best is kept, of every image."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.invert.encode import invert_encode
from faceloom.networks.encoder import Encoder
from faceloom.networks.generator import image_at


class Worse(torch.nn.Module):
    """An encoder whose second attempt spoils the first."""

    mean_img = torch.zeros(3, 256, 256)

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, img, attempt):
        self.calls += 1
        return torch.full((len(img), 8, 16), 0.01 if self.calls == 1 else 50.0)


def test_the_best_attempt_is_kept(tools):
    img = image_at(tools["G"], tools["G"].w_avg.expand(2, 8, 16) + 0.01, 256).clamp(-1, 1)
    found = invert_encode(tools["G"], Worse(), img, alexnet=tools["alexnet"], attempts=2)
    assert torch.allclose(found.w_plus, tools["G"].w_avg + torch.tensor(0.01))
    assert max(found.lpips) < 1e-4
    assert len(found.mse) == 2


def test_the_network_gives_a_style_a_layer():
    net = Encoder(num_ws=4, w_dim=256).eval()
    out = net(torch.zeros(2, 3, 256, 256), torch.zeros(2, 3, 64, 64))
    assert out.shape == (2, 4, 256)
    with pytest.raises(ShapeError, match="align"):
        net(torch.zeros(2, 3, 100, 90), torch.zeros(2, 3, 64, 64))


def test_the_mean_face_is_looked_at_once():
    net = Encoder(num_ws=4, w_dim=256).eval()
    img = torch.rand(2, 3, 256, 256)
    torch.testing.assert_close(net.first(img), net(img, net.mean_img.expand_as(img)))


def test_axes_and_back():
    net = Encoder(num_ws=4, w_dim=256)
    net.axes.copy_(torch.linalg.qr(torch.randn(256, 256)).Q)
    net.scales.uniform_(0.5, 2)
    away = torch.randn(2, 4, 256)
    torch.testing.assert_close(net.to_w(net.along_axes(away)), away, atol=1e-4, rtol=1e-4)


@pytest.mark.models
def test_the_shipped_encoder_knows_a_person_of_the_generator(default_model, lpips_alexnet):
    from faceloom import Studio
    from faceloom.invert.inversion import measure

    studio = Studio()
    people = torch.cat([studio.generate(seed).w_plus for seed in (7001, 7002, 7003)])  # trained on seeds to 5999
    img = image_at(default_model.G, people, 256).clamp(-1, 1)
    mean = studio.generator.G.w_avg.expand(3, 23, -1)
    before, *_ = measure(default_model.G, mean, img, lpips_alexnet)
    after, *_ = measure(default_model.G, studio.first(img), img, lpips_alexnet)
    assert all(near < far for near, far in zip(after, before, strict=True))
    assert sum(after) < 0.85 * sum(before)
