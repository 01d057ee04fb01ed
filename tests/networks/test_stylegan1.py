"""StyleGAN: shapes, adaptive normalization, doubling, noise."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from faceloom.errors import ShapeError
from faceloom.networks.generator import Generator
from faceloom.networks.stylegan1 import Epilogue, StyleGAN1, StyleGAN1Config, widen_kernel
from tests.numbered import fill, sample, some_w

TINY = StyleGAN1Config(channels=(8, 8, 4, 4), z_dim=8, w_dim=8, mapping_layers=2)


def seeded() -> StyleGAN1:
    torch.manual_seed(0)
    G = StyleGAN1(TINY).eval().requires_grad_(False)
    for name, parameter in G.named_parameters():
        if name.endswith(("noise_strength", "bias", "const")):
            parameter.normal_()
    return G


def test_it_is_a_generator():
    G: Generator = seeded()
    assert isinstance(G, Generator)
    assert (G.num_ws, G.img_resolution, G.layer_resolutions) == (8, 32, (4, 4, 8, 8, 16, 16, 32, 32))
    assert G.synthesis(torch.randn(2, 8, 8)).shape == (2, 3, 32, 32)
    assert StyleGAN1Config().channels == (512, 512, 512, 512, 256, 128, 64, 32, 16)
    with pytest.raises(ShapeError):
        G.synthesis(torch.randn(2, 9, 8))


def test_an_epilogue_sets_every_channels_mean_and_deviation():
    torch.manual_seed(0)
    epilogue, w = Epilogue(TINY, 5, 16), torch.randn(2, 8)
    deviation, mean = epilogue.affine(w).chunk(2, dim=1)
    with torch.no_grad():
        out = epilogue(torch.randn(2, 5, 16, 16) * 3 + 7, w, "none")
    torch.testing.assert_close(out.mean(dim=(2, 3)), mean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out.std(dim=(2, 3), unbiased=False), (1 + deviation).abs(), atol=1e-4, rtol=1e-4)


def test_widen_kernel_doubles_and_convolves_in_one_step():
    x, weight = torch.randn(1, 3, 5, 5), torch.randn(4, 3, 3, 3)
    expected = F.conv2d(F.interpolate(x, scale_factor=2), weight.flip(2, 3), padding=1)
    got = F.conv_transpose2d(x, widen_kernel(weight).transpose(0, 1), stride=2, padding=1)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_noise_modes_and_batches():
    G, w_plus = seeded(), torch.randn(2, 8, 8)
    const, none, random = (G.synthesis(w_plus, mode) for mode in ("const", "none", "random"))
    assert not torch.allclose(const, none, atol=1e-2)
    assert not torch.allclose(random, G.synthesis(w_plus, "random"), atol=1e-2)
    apart = torch.cat([G.synthesis(w[None]) for w in w_plus])
    torch.testing.assert_close(const, apart, atol=1e-4, rtol=1e-4)


def test_gradients_and_bf16():
    G, w_plus = seeded(), torch.randn(1, 8, 8)
    full = G.synthesis(w_plus)
    (gradient,) = torch.autograd.grad(G.synthesis(w_plus.requires_grad_()).square().sum(), w_plus)
    assert gradient.abs().sum() > 0
    half = G.set_precision(torch.bfloat16).synthesis(w_plus.detach())
    assert half.dtype == torch.float32
    assert (half - full).abs().mean() < 0.1 * full.abs().mean()


def test_parity_with_genforce():
    """Compare with numbers printed by genforce/sefa.

    Generator: `StyleGANGenerator(32, fmaps_base=128, fmaps_max=8)` with weights from `fill`.
    """
    G = StyleGAN1(StyleGAN1Config(channels=(8, 8, 8, 4), z_dim=8, w_dim=8, mapping_layers=2)).requires_grad_(False)
    fill(G.state_dict())
    official = [-0.9102, 4.2516, -1.0653, 8.748, -4.2628, -4.7584]
    assert sample(G.synthesis(some_w(2, 8, 8))) == pytest.approx(official, abs=2e-4)
