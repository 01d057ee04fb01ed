"""MobileStyleGAN: the wavelet step, the layers' order, precision, and parity with the published files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.latents import broadcast, layer_groups, z_from_seeds
from faceloom.networks.generator import Generator, area_reduce
from faceloom.networks.init import parameter_groups
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig, inverse_haar
from faceloom.networks.precision import set_compute_dtype


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
    single = torch.cat([tiny.synthesis(w) for w in w_plus.split(1)])
    torch.testing.assert_close(tiny.synthesis(w_plus), single)


@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_synthesis_at_is_the_area_reduced_image(tiny: MobileStyleGAN, resolution: int):
    w_plus = torch.randn(1, 8, 16)
    torch.testing.assert_close(tiny.synthesis_at(w_plus, resolution), area_reduce(tiny.synthesis(w_plus), resolution))


def test_every_layer_changes_the_image_and_noise_modes_differ(tiny: MobileStyleGAN):
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
    """Compare with OpenVINO running the file from which the weights were read."""
    G = default_model.G
    z = z_from_seeds([3])
    w = torch.from_numpy(openvino_network("MappingNetwork")(z.numpy())[0].copy())
    torch.testing.assert_close(G.mapping(z), w, atol=1e-4, rtol=0)
    expected = openvino_network("SynthesisNetwork")(w.numpy())[0]
    img = G.synthesis(broadcast(w, G.num_ws))
    assert np.abs(img.numpy() - expected).max() <= 1e-3


@pytest.mark.models
def test_bf16_images_are_close(default_model, default_model_bf16):
    w_plus = 0.7 * broadcast(default_model.G.mapping(z_from_seeds([1, 2])), 23) + 0.3 * default_model.G.w_avg
    img = default_model.G.synthesis(w_plus)
    for exact, rough in zip(img, default_model_bf16.G.synthesis(w_plus), strict=True):
        assert psnr(exact, rough) >= 40


@pytest.mark.models
def test_layers_of_the_default_generator(default_model):
    groups = layer_groups(default_model.G.layer_resolutions)
    assert [len(groups[name]) for name in ("coarse", "middle", "fine")] == [5, 6, 12]
    assert default_model.G.img_resolution == 1024


# ----- training from random weights


def make_trainable(channels: tuple[int, ...] = (32, 32, 16), **more: Any) -> MobileStyleGAN:
    torch.manual_seed(0)
    return MobileStyleGAN(MobileStyleGANConfig.from_scratch(channels, 16, 16, **more))


def test_the_published_shape_has_no_weights_for_training():
    with torch.device("meta"):
        names = set(MobileStyleGAN().state_dict())
    assert not [name for name in names if "strength" in name or "heads" in name or "embed" in name]


@pytest.mark.parametrize("separable_from", [1, 2, 9])
@pytest.mark.parametrize("skip", [True, False])
def test_initial_images_have_the_level_range_of_pictures(separable_from: int, skip: bool):
    G = make_trainable((64, 64, 64), separable_from=separable_from, skip=skip)
    img = G.synthesis(broadcast(G.mapping(torch.randn(16, 16)), G.num_ws), "random")
    assert 0.1 < img.std().item() < 1.5
    detail = (img[..., ::2] - img[..., 1::2]).std() / img.std()
    assert detail < 0.8  # initial images are smooth


def test_demodulated_convolutions_keep_variance_for_any_style():
    G = make_trainable((64, 64, 64))
    conv = G.blocks[1].conv2
    x, w = torch.randn(4, 64, 16, 16), torch.randn(4, 16) * 5
    assert conv(x, w, "none").square().mean().item() == pytest.approx(1, rel=0.5)


def test_images_need_not_be_square():
    G = make_trainable(base=(5, 4))
    img = G.synthesis(torch.randn(2, G.num_ws, 16), "random")
    assert img.shape == (2, 3, 40, 32)
    assert (G.img_size, G.img_resolution, G.layer_resolutions[-1]) == ((40, 32), 40, 20)
    assert G.synthesis_at(torch.randn(2, G.num_ws, 16), 20).shape == (2, 3, 20, 16)


@pytest.mark.parametrize("resolution", [8, 16])
def test_synthesis_at_is_the_area_reduced_image_with_an_image_from_every_resolution(resolution: int):
    G, w_plus = make_trainable(), torch.randn(1, 8, 16)
    torch.testing.assert_close(G.synthesis_at(w_plus, resolution), area_reduce(G.synthesis(w_plus), resolution))


def test_labels_change_the_image_and_are_required():
    G, z = make_trainable(c_dim=3), torch.randn(2, 16)
    assert not torch.allclose(G.mapping(z, torch.eye(3)[:2]), G.mapping(z, torch.eye(3)[1:]))
    with pytest.raises(ShapeError, match=r"c: expected \[n, 3\], got None"):
        G.mapping(z)


def test_noise_is_learned():
    G, w_plus = make_trainable(), torch.randn(1, 8, 16)
    torch.testing.assert_close(G.synthesis(w_plus, "random"), G.synthesis(w_plus, "none"))
    G.synthesis(w_plus, "const").square().sum().backward()
    assert all(module.noise_strength.grad != 0 for module in G.modules() if hasattr(module, "noise_strength"))


def test_every_weight_gets_a_gradient_and_a_path_length_has_one():
    G = make_trainable(c_dim=2)
    w_plus = broadcast(G.mapping(torch.randn(2, 16), torch.eye(2)), G.num_ws)
    img = G.synthesis(w_plus, "random")
    (gradient,) = torch.autograd.grad((img * torch.randn_like(img)).sum(), w_plus, create_graph=True)
    (gradient.square().sum() + img.square().sum()).backward()
    assert all(weight.grad is not None for weight in G.parameters())
    assert sum(len(group["params"]) for group in parameter_groups(G, 0.002)) == len(list(G.parameters()))


def test_bf16_training_is_close_and_keeps_float32_weights():
    G, w_plus = make_trainable(), torch.randn(4, 8, 16)
    exact = G.synthesis(w_plus)
    set_compute_dtype(G, torch.bfloat16)
    rough = G.synthesis(w_plus)
    assert psnr(exact.detach(), rough.detach()) > 30
    rough.square().sum().backward()
    assert {weight.dtype for weight in G.parameters()} == {torch.float32}
    before = G.const.detach().clone()
    torch.optim.Adam(parameter_groups(G, 0.002)).step()
    assert not torch.equal(G.const, before)
