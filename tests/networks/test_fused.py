"""Fused layers draw the pictures of the network, also of a tuned one, and leave other generators alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from faceloom.checkpoints.load import load_generator
from faceloom.errors import ShapeError
from faceloom.latents import broadcast, z_from_seeds
from faceloom.networks.fused import (
    INVISIBLE_NOISE,
    SLOPE,
    Fused,
    _convolve_activated,
    _convolve_then_activate,
    choose_activated,
    fuse,
    upsample,
)
from faceloom.networks.generator import Generator
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig, inverse_haar, modulate
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.tuned import Tuned


@pytest.fixture
def w_plus(tiny) -> Tensor:
    return torch.randn(2, tiny.num_ws, tiny.w_dim, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("side", [8, 16, 32])
def test_pictures_of_every_size_are_those_of_the_network(tiny, w_plus, side):
    fused = fuse(tiny)
    assert isinstance(fused, Fused)
    assert isinstance(fused, Generator)
    expected, img = (G.synthesis_at(w_plus, side) for G in (tiny, fused))
    assert img.dtype == torch.float32
    assert torch.allclose(img, expected, atol=1e-4 * float(expected.abs().max()))


def test_a_tuned_person_is_drawn_with_the_tuning(tiny, w_plus):
    change = torch.randn(tiny.blocks[1].conv1.conv[1].weight.numel(), generator=torch.Generator().manual_seed(2))
    tuned = Tuned(tiny, {"blocks.1.conv1.conv.1.weight": 0.2 * change})
    expected = tuned.synthesis(w_plus)
    assert not torch.allclose(expected, tiny.synthesis(w_plus), atol=1e-3)
    assert torch.allclose(fuse(tuned).synthesis(w_plus), expected, atol=1e-4 * float(expected.abs().max()))


def test_other_noise_is_the_networks(tiny, w_plus):
    fused = fuse(tiny)
    assert torch.equal(fused.synthesis(w_plus, "none"), tiny.synthesis(w_plus, "none"))
    assert not torch.equal(fused.synthesis(w_plus, "random"), fused.synthesis(w_plus, "random"))


def test_noise_that_cannot_be_seen_is_left_out(w_plus):
    torch.manual_seed(0)
    G = MobileStyleGAN(MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2))
    for name, buffer in G.named_buffers():
        if name.endswith("noise"):
            buffer.normal_(std=10 * INVISIBLE_NOISE if name.startswith("blocks.0") else 0.1 * INVISIBLE_NOISE)
    fused = fuse(G)
    assert isinstance(fused, Fused)
    assert fused.visible == {G.blocks[0].conv1, G.blocks[0].conv2}


def test_a_latent_of_another_generator_is_refused(tiny, w_plus):
    with pytest.raises(ShapeError, match="w_plus"):
        fuse(tiny).synthesis(w_plus[:, 1:])
    assert fuse(tiny).synthesis(w_plus[:0]).shape == (0, 3, 32, 32)


def test_generators_of_other_families_stay_as_they_are():
    normalized = MobileStyleGAN(MobileStyleGANConfig.from_scratch((16, 16, 8), 16, 16))
    stylegan2 = StyleGAN2(StyleGAN2Config(channels=(8, 8), w_dim=16))
    for G in (normalized, stylegan2):
        assert fuse(G) is G


def test_the_wavelet_step_is_a_product(tiny):
    x, style = torch.randn(1, 16, 4, 4), torch.randn(16)
    assert torch.allclose(upsample(x, style), inverse_haar(modulate(x, style[None])), atol=1e-5)


def test_the_activation_inside_the_convolution_is_the_one_after_it():
    x = torch.randn(1, 8, 6, 6).to(memory_format=torch.channels_last)
    weight, bias = torch.randn(4, 8, 1, 1), torch.randn(4)
    two_steps = _convolve_then_activate(x, weight, bias)
    assert float(two_steps.min()) < 0
    assert torch.allclose(choose_activated(torch.float32)(x, weight, bias), two_steps, atol=1e-5)
    if choose_activated(torch.float32) is _convolve_activated:
        assert torch.allclose(_convolve_activated(x, weight, None), _convolve_then_activate(x, weight, None), atol=1e-5)
    expected = torch.nn.functional.conv2d(x, weight, bias)
    assert torch.allclose(two_steps, torch.where(expected < 0, SLOPE * expected, expected), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_processor_without_instructions_for_a_precision_draws_in_two_steps(dtype: torch.dtype, monkeypatch):
    x, weight = torch.randn(1, 8, 6, 6, dtype=dtype), torch.randn(4, 8, 1, 1, dtype=dtype)
    assert choose_activated(dtype)(x.to(memory_format=torch.channels_last), weight, None).dtype == dtype
    for probe in ("_is_mkldnn_bf16_supported", "_is_mkldnn_fp16_supported"):
        monkeypatch.setattr(torch.ops.mkldnn, probe, lambda: False)
    assert choose_activated(dtype) is _convolve_then_activate


@pytest.mark.models
def test_the_default_generators_pictures_differ_less_than_by_the_precision():
    G, exact = load_generator(precision="bf16").G, load_generator().G
    w = G.mapping(z_from_seeds([3], G.z_dim))
    w_plus = broadcast(G.w_avg + 0.7 * (w - G.w_avg), G.num_ws)
    fused, plain, best = (g.synthesis_at(w_plus, 512).clamp(-1, 1) for g in (fuse(G), G, exact))
    assert _psnr(fused, plain) > 45
    assert _psnr(fused, best) > _psnr(plain, best) - 1


def _psnr(a: Tensor, b: Tensor) -> float:
    return float(10 * torch.log10(4 / (a - b).square().mean()))
