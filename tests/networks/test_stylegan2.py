"""StyleGAN2: shapes, layers, precision, gradients; parity with numbers printed by the official code."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.latents import broadcast
from faceloom.networks.generator import Generator
from faceloom.networks.precision import set_compute_dtype
from faceloom.networks.stylegan2 import Architecture, StyleGAN2, StyleGAN2Config, channel_widths
from tests.numbered import fill, sample, some_w


def seeded(**changes: object) -> StyleGAN2:
    """Return a tiny generator with weights from `fill`, which other implementations can reproduce."""
    config = StyleGAN2Config(**{"channels": (8, 8, 4, 4), "z_dim": 8, "w_dim": 8, "mapping_layers": 2} | changes)  # type: ignore[arg-type]
    G = StyleGAN2(config).eval().requires_grad_(False)
    fill(G.state_dict())
    return G


W_PLUS = some_w(2, 8, 8)


def test_it_is_a_generator():
    G: Generator = seeded()
    assert isinstance(G, Generator)
    assert (G.num_ws, G.img_resolution, G.layer_resolutions) == (8, 32, (4, 8, 8, 16, 16, 32, 32, 32))
    img = G.synthesis(broadcast(G.mapping(torch.randn(2, 8)), 8))
    assert img.shape == (2, 3, 32, 32)
    assert img.dtype == torch.float32
    assert G.synthesis_at(W_PLUS, 8).shape == (2, 3, 8, 8)


def test_channel_widths_are_the_papers():
    assert channel_widths(1024) == (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert channel_widths(256, 16384) == (512, 512, 512, 512, 256, 128, 64)
    assert StyleGAN2Config().img_resolution == 1024


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_a_batch_equals_its_images_one_by_one(architecture: str):
    G = seeded(architecture=architecture)
    together = G.synthesis(W_PLUS)
    apart = torch.cat([G.synthesis(w_plus[None]) for w_plus in W_PLUS])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_gradients_are_those_of_finite_differences(architecture: str):
    G = seeded(architecture=architecture, conv_clamp=20.0).double()
    G.synthesis.dtype = torch.float64
    w_plus = W_PLUS[:1].double().requires_grad_()
    step = torch.sin(torch.arange(64)).view(1, 8, 8).double() * 1e-5
    (gradient,) = torch.autograd.grad(G.synthesis(w_plus).double().square().sum(), w_plus)
    ends = [G.synthesis((w_plus + sign * step).detach()).double().square().sum() for sign in (1, -1)]
    assert (gradient * step).sum().item() == pytest.approx((ends[0] - ends[1]).item() / 2, rel=1e-2)


@pytest.mark.parametrize("architecture", ["skip", "orig", "resnet"])
def test_one_image_is_the_same_with_and_without_gradients(architecture: str):
    """Compare both implementations of modulation: scaled weights (without gradients), and scaled features."""
    G = seeded(architecture=architecture, conv_clamp=2.0)
    w_plus = W_PLUS[:1].clone().requires_grad_()
    torch.testing.assert_close(G.synthesis(w_plus).detach(), G.synthesis(W_PLUS[:1]), atol=1e-5, rtol=1e-5)


def test_noise_modes():
    G = seeded()
    const, none, random = (G.synthesis(W_PLUS, mode) for mode in ("const", "none", "random"))
    assert not torch.allclose(const, none)
    assert not torch.allclose(random, G.synthesis(W_PLUS, "random"))
    assert not torch.allclose(random, none)
    silent = seeded(use_noise=False)
    assert torch.equal(silent.synthesis(W_PLUS, "const"), silent.synthesis(W_PLUS, "none"))


def test_bf16_is_close_and_float32_outside():
    G = seeded()
    full = G.synthesis(W_PLUS)
    half = G.set_precision(torch.bfloat16).synthesis(W_PLUS)
    assert half.dtype == torch.float32
    assert (half - full).abs().mean() < 0.02 * full.abs().mean()


def test_the_clamp_bounds_every_image():
    assert seeded(conv_clamp=0.5, architecture="orig").synthesis(W_PLUS).abs().max() <= 0.5


def test_latents_and_labels_of_another_shape_are_refused():
    G = seeded(c_dim=3)
    with pytest.raises(ShapeError, match=r"expected \[n, 8, 8\]"):
        G.synthesis(torch.zeros(1, 7, 8))
    with pytest.raises(ShapeError, match=r"c: expected \[n, 3\], got None"):
        G.mapping(torch.zeros(1, 8))
    with pytest.raises(ShapeError, match=r"z: expected \[n, 8\]"):
        G.mapping(torch.zeros(1, 9), torch.zeros(1, 3))


OFFICIAL: dict[Architecture, tuple[float | None, list[float], list[float]]] = {
    "skip": (
        None,
        [-0.2001, 5.6375, -6.0688, -0.4671, 4.2359, 4.173],
        [-0.2645, 5.326, -3.0089, -0.9962, 3.0377, 5.6381],
    ),
    "resnet": (
        None,
        [0.4052, 2.6897, 3.0201, -0.5283, -1.9135, 1.6553],
        [0.4137, 2.6571, 2.9334, -0.702, -1.7983, 1.7301],
    ),
    "orig": (3.0, [0.3279, 1.7725, 1.4173, -2.71, 3.0, -0.7026], [0.6217, 1.498, -0.3164, -1.1399, 2.7822, 2.4353]),
}
"""Output of stylegan2-ada-pytorch (d72cc7d, reference path, CPU): `sample(G.synthesis(some_w(2, 8, 8)))` with noise
'const' and 'none', for `Generator(8, 0, 8, 32, 3)` with channel_base 128, channel_max 8, and weights from `fill`."""


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_parity_with_the_official_code(architecture: Architecture):
    conv_clamp, const, none = OFFICIAL[architecture]
    G = seeded(channels=(8, 8, 8, 4), architecture=architecture, conv_clamp=conv_clamp)
    assert sample(G.synthesis(some_w(2, 8, 8), "const")) == pytest.approx(const, abs=2e-4)
    assert sample(G.synthesis(some_w(2, 8, 8), "none")) == pytest.approx(none, abs=2e-4)


def test_images_need_not_be_square():
    G = StyleGAN2(StyleGAN2Config(channels=(8, 8, 4), z_dim=8, w_dim=8, mapping_layers=2, base=(4, 6)))
    assert (G.img_size, G.img_resolution, G.layer_resolutions) == ((16, 24), 24, (6, 12, 12, 24, 24, 24))
    w_plus = broadcast(G.mapping(torch.randn(2, 8)), G.num_ws)
    assert G.synthesis(w_plus, "random").shape == (2, 3, 16, 24)
    assert G.synthesis_at(w_plus, 12).shape == (2, 3, 8, 12)


def test_training_in_bf16_differentiates_twice():
    G = StyleGAN2(StyleGAN2Config(channels=(8, 8, 4), z_dim=8, w_dim=8, mapping_layers=2))
    set_compute_dtype(G, torch.bfloat16)
    w_plus = broadcast(G.mapping(torch.randn(2, 8)), G.num_ws)
    img = G.synthesis(w_plus, "random")
    (gradient,) = torch.autograd.grad((img * torch.randn_like(img)).sum(), w_plus, create_graph=True)
    gradient.square().sum().backward()
    assert G.synthesis.b16.conv0.weight.grad.isfinite().all()
    assert G.synthesis.b16.conv0.weight.grad.dtype == torch.float32
