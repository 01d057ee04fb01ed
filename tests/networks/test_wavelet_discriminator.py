"""The wavelet discriminator: bands, shapes, labels, precision, gradients of gradients."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.networks.init import parameter_groups
from faceloom.networks.mobilestylegan import inverse_haar
from faceloom.networks.precision import set_compute_dtype
from faceloom.networks.wavelet_discriminator import WaveletDiscriminator, WaveletDiscriminatorConfig, haar


def tiny(channels: tuple[int, ...] = (16, 8), **more: object) -> WaveletDiscriminator:
    torch.manual_seed(0)
    return WaveletDiscriminator(WaveletDiscriminatorConfig(channels, **more))  # type: ignore[arg-type]


def test_inverse_haar_inverts_haar():
    img = torch.randn(2, 3, 8, 12)
    bands = haar(img)
    assert bands.shape == (2, 12, 4, 6)
    torch.testing.assert_close(inverse_haar(bands), img)
    torch.testing.assert_close(bands.square().sum(), img.square().sum())


@pytest.mark.parametrize("separable_from", [1, 2, 99])
@pytest.mark.parametrize(("base", "size"), [((4, 4), (16, 16)), ((5, 4), (20, 16))])
def test_it_returns_one_score_per_image(separable_from: int, base: tuple[int, int], size: tuple[int, int]):
    D = tiny(base=base, separable_from=separable_from)
    assert D(torch.randn(4, 3, *size)).shape == (4, 1)
    assert D.img_size == size
    with pytest.raises(ShapeError, match=f"expected \\[n, 3, {size[0]}, {size[1]}\\], got \\[4, 3, 8, 8\\]"):
        D(torch.randn(4, 3, 8, 8))


def test_labels_change_the_score_and_are_required():
    D, img = tiny(c_dim=3), torch.randn(4, 3, 16, 16)
    first, second = (D(img, torch.eye(3)[[i] * 4]) for i in (0, 1))
    assert not torch.allclose(first, second)
    with pytest.raises(ShapeError, match=r"c: expected \[n, 3\], got None"):
        D(img)


def test_scores_start_at_about_one():
    D = tiny((64, 64, 32))
    scores = torch.cat([D(torch.randn(32, 3, 32, 32)) for _ in range(4)])
    assert 0.1 < scores.square().mean().sqrt().item() < 4


def test_a_penalty_on_gradients_has_gradients_everywhere():
    D, img = tiny(), torch.randn(4, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(D(img).sum(), img, create_graph=True)
    gradient.square().sum().backward()
    weights = {name: weight for name, weight in D.named_parameters() if name.endswith("weight")}
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in weights.values())


def test_bf16_is_close_and_its_weights_stay_float32():
    D, img = tiny(), torch.randn(4, 3, 16, 16)
    exact = D(img)
    set_compute_dtype(D, torch.bfloat16)
    rough = D(img)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0.05)
    rough.sum().backward()
    assert {weight.grad.dtype for weight in D.parameters() if weight.grad is not None} == {torch.float32}


def test_every_weight_is_trained():
    D = tiny(c_dim=2)
    grouped = sum(len(group["params"]) for group in parameter_groups(D, 0.002))
    assert grouped == len(list(D.parameters()))
