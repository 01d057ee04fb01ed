"""MobileStyleGAN: the wavelet step, the layers' order, precision, and parity with the published files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.latents import broadcast, layer_groups, z_from_seeds
from faceloom.networks.generator import Generator, area_reduce
from faceloom.networks.mobilestylegan import MobileStyleGAN, inverse_haar


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(10 * torch.log10(4 / (a - b).square().mean()))


def test_inverse_haar_is_orthonormal_and_places_its_bands():
    x = torch.randn(2, 8, 4, 4)
    out = inverse_haar(x)
    assert out.shape == (2, 2, 8, 8)
    torch.testing.assert_close(out.square().sum(), x.square().sum())
    bands = torch.zeros(1, 4, 1, 1)
    bands[0, :, 0, 0] = torch.tensor([8.0, 4.0, 2.0, 1.0])  # mean, between rows, between columns, diagonal
    assert inverse_haar(bands)[0, 0].tolist() == [[7.5, 4.5], [2.5, 1.5]]


def test_inverse_haar_keeps_the_mean_band_as_the_average_of_four_pixels():
    x = torch.randn(1, 12, 4, 4)
    torch.testing.assert_close(area_reduce(inverse_haar(x), 4), x[:, :3] * 0.5)


def test_it_is_a_generator(tiny: MobileStyleGAN):
    assert isinstance(tiny, Generator)
    assert len(tiny.layer_resolutions) == tiny.num_ws == 8
    assert list(tiny.layer_resolutions) == sorted(tiny.layer_resolutions)
    img = tiny.synthesis(torch.randn(2, 8, 16))
    assert img.shape == (2, 3, 32, 32)
    assert img.dtype == torch.float32


def test_a_batch_equals_single_images(tiny: MobileStyleGAN):
    w_plus = torch.randn(4, 8, 16)
    singly = torch.cat([tiny.synthesis(one) for one in w_plus.split(1)])
    torch.testing.assert_close(tiny.synthesis(w_plus), singly)


@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_synthesis_at_is_the_area_reduced_image(tiny: MobileStyleGAN, resolution: int):
    w_plus = torch.randn(1, 8, 16)
    torch.testing.assert_close(tiny.synthesis_at(w_plus, resolution), area_reduce(tiny.synthesis(w_plus), resolution))


def test_every_layer_counts_and_noise_modes_differ(tiny: MobileStyleGAN):
    base = torch.randn(1, 8, 16)
    before = tiny.synthesis(base)
    for layer in range(tiny.num_ws):
        changed = base.clone()
        changed[:, layer] += 1
        assert not torch.equal(tiny.synthesis(changed), before)
    assert not torch.equal(tiny.synthesis(base, "none"), before)
    assert not torch.equal(tiny.synthesis(base, "random"), tiny.synthesis(base, "random"))


def test_a_latent_of_another_generator_is_refused(tiny: MobileStyleGAN):
    with pytest.raises(ShapeError, match=r"expected \[n, 8, 16\], got \[1, 18, 512\]"):
        tiny.synthesis(torch.zeros(1, 18, 512))


def test_gradients_reach_every_layer_of_w_plus(tiny: MobileStyleGAN):
    w_plus = torch.randn(1, 8, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(tiny.synthesis(w_plus).square().mean(), [w_plus])
    assert (gradient.abs().amax(dim=2) > 0).all()


@pytest.mark.models
def test_parity_with_openvino(default_model, openvino_network):
    """OpenVINO runs the very file that our weights were read from."""
    G = default_model.G
    z = z_from_seeds([3])
    w = torch.from_numpy(openvino_network("MappingNetwork")(z.numpy())[0].copy())
    torch.testing.assert_close(G.mapping(z), w, atol=1e-4, rtol=0)
    expected = openvino_network("SynthesisNetwork")(w.numpy())[0]
    img = G.synthesis(broadcast(w, G.num_ws))
    assert np.abs(img.numpy() - expected).max() <= 1e-3


@pytest.mark.models
def test_bf16_pictures_are_close(default_model, default_model_bf16):
    w_plus = 0.7 * broadcast(default_model.G.mapping(z_from_seeds([1, 2])), 23) + 0.3 * default_model.G.w_avg
    img = default_model.G.synthesis(w_plus)
    for exact, rough in zip(img, default_model_bf16.G.synthesis(w_plus), strict=True):
        assert psnr(exact, rough) >= 40


@pytest.mark.models
def test_layers_of_the_default_generator(default_model):
    groups = layer_groups(default_model.G.layer_resolutions)
    assert [len(groups[name]) for name in ("coarse", "middle", "fine")] == [5, 6, 12]
    assert default_model.G.img_resolution == 1024
