"""StyleGAN3: bands, filters, transformed images, precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.networks.filters import lowpass
from faceloom.networks.generator import Generator
from faceloom.networks.stylegan3 import CONFIG_R, CONFIG_T, StyleGAN3, StyleGAN3Config, layer_bands
from tests.numbered import fill, sample, some_w

TINY = StyleGAN3Config(img_resolution=16, z_dim=8, w_dim=8, channel_base=256, channel_max=8, num_layers=4)


def seeded(config: StyleGAN3Config = TINY) -> StyleGAN3:
    torch.manual_seed(0)
    return StyleGAN3(config).eval().requires_grad_(False)


def test_it_is_a_generator():
    G: Generator = seeded()
    assert isinstance(G, Generator)
    assert (G.num_ws, len(G.layer_resolutions)) == (6, 6)
    assert list(G.layer_resolutions) == sorted(G.layer_resolutions)
    assert G.layer_resolutions[-1] == G.img_resolution
    img = G.synthesis(torch.randn(2, 6, 8))
    assert img.shape == (2, 3, 16, 16)
    with pytest.raises(ShapeError):
        G.synthesis(torch.randn(2, 7, 8))


def test_names_and_widths_at_1024_are_the_papers():
    sizes = [band.size for band in layer_bands(CONFIG_T)]
    assert sizes == [36, 36, 52, 52, 84, 148, 148, 276, 276, 532, 1044, 1044, 1044, 1024, 1024]
    widths = [band.channels for band in layer_bands(CONFIG_T)]
    assert widths == [512] * 7 + [323, 203, 128, 81, 51, 32, 32, 3]
    assert [band.channels for band in layer_bands(CONFIG_R)][7:] == [645, 406, 256, 161, 102, 64, 64, 3]


@pytest.mark.parametrize("radial", [False, True])
def test_a_filter_passes_frequencies_below_its_cutoff_and_stops_those_above(radial: bool):
    kernel = lowpass(24, cutoff=4, width=4, rate=32, radial=radial).double().numpy()
    assert kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, kernel[::-1].T, atol=1e-7)
    places = (np.arange(24) - 11.5) / 32
    response = [abs((kernel.sum(axis=0) * np.exp(-2j * np.pi * f * places)).sum()) for f in (0, 1, 4, 8, 12)]
    assert response[:2] == pytest.approx([1, 1], abs=0.02)
    assert response[2] == pytest.approx(0.5, abs=0.06)
    assert max(response[3:]) < 0.02


def test_one_tap_is_the_identity():
    assert lowpass(1, 1, 1, 4).tolist() == [[1]]


def test_a_batch_equals_its_images_one_by_one():
    G, w_plus = seeded(), torch.randn(2, 6, 8)
    apart = torch.cat([G.synthesis(w[None]) for w in w_plus])
    torch.testing.assert_close(G.synthesis(w_plus), apart, atol=1e-5, rtol=1e-5)


def test_the_image_moves_by_the_given_distance():
    config = StyleGAN3Config(img_resolution=32, z_dim=8, w_dim=8, channel_base=256, channel_max=8, num_layers=4)
    G, w_plus = seeded(config), torch.randn(1, 6, 8)
    still = G.synthesis(w_plus)
    moved = G.place(x=4 / 32).synthesis(w_plus)
    inner = slice(8, 24)
    difference = (moved[..., inner, 12:28] - still[..., inner, 8:24]).abs().mean()
    assert difference < 0.15 * (moved - still).abs().mean()
    torch.testing.assert_close(G.place().synthesis(w_plus), still)


def test_bf16_is_close_and_float32_outside():
    G, w_plus = seeded(), torch.randn(2, 6, 8)
    full = G.synthesis(w_plus)
    half = G.set_precision(torch.bfloat16).synthesis(w_plus)
    assert half.dtype == torch.float32
    assert (half - full).abs().mean() < 0.02 * full.abs().mean()


@pytest.mark.parametrize(
    ("changes", "official"),
    [
        ({}, [0.1216, 0.6597, 1.0019, -0.1852, -0.8457, 0.1687]),
        ({"conv_kernel": 1, "use_radial_filters": True}, [0.0699, 0.571, 0.9516, -0.3177, -0.7539, 0.1708]),
    ],
)
def test_parity_with_the_official_code(changes: dict[str, Any], official: list[float]):
    """Compare with numbers printed by stylegan3 (c233a91, reference path, CPU).

    Generator: `Generator(8, 0, 8, 16, 3)`, weights from `fill`.
    """
    G = seeded(replace(TINY, **changes))
    fill(G.state_dict())
    assert sample(G.synthesis(some_w(2, 6, 8))) == pytest.approx(official, abs=2e-4)


def test_only_training_updates_the_input_magnitudes():
    G = StyleGAN3(StyleGAN3Config(img_resolution=16, z_dim=8, w_dim=8, channel_base=128, channel_max=8, num_layers=4))
    w_plus = torch.randn(2, G.num_ws, 8)
    with torch.no_grad():
        G.synthesis(w_plus)
    G.eval().synthesis(w_plus)
    magnitudes = [buffer for name, buffer in G.named_buffers() if name.endswith("magnitude_ema")]
    assert all(magnitude == 1 for magnitude in magnitudes)
    img = G.train().synthesis(w_plus)
    assert all(magnitude != 1 for magnitude in magnitudes)
    img.square().sum().backward()
    assert all(weight.grad is not None for weight in G.synthesis.parameters())
