"""The discriminator: shapes, labels, groups of images, gradients of gradients."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig, minibatch_deviation
from faceloom.networks.precision import set_compute_dtype
from faceloom.networks.stylegan2 import Architecture


def tiny(architecture: Architecture = "resnet", c_dim: int = 0, group: int | None = 2) -> Discriminator:
    torch.manual_seed(0)
    config = DiscriminatorConfig(
        channels=(8, 8, 4), c_dim=c_dim, mapping_layers=2, architecture=architecture, mbstd_group_size=group
    )
    return Discriminator(config).eval()


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_it_returns_one_score_per_image(architecture: Architecture):
    assert tiny(architecture)(torch.randn(4, 3, 16, 16)).shape == (4, 1)


def test_labels_change_the_score():
    D, img = tiny(c_dim=3), torch.randn(2, 3, 16, 16)
    first, second = (D(img, torch.eye(3)[[i, i]]) for i in (0, 1))
    assert not torch.allclose(first, second)
    with pytest.raises(ShapeError, match=r"c: expected \[n, 3\], got None"):
        D(img)


def test_other_image_sizes_are_refused():
    with pytest.raises(ShapeError, match=r"expected \[n, 3, 16, 16\], got \[1, 3, 32, 32\]"):
        tiny()(torch.zeros(1, 3, 32, 32))


def test_groups_are_interleaved():
    x = torch.randn(4, 6, 2, 2)
    out = minibatch_deviation(x, 2, 2)
    assert out.shape == (4, 8, 2, 2)
    pair = x[[0, 2]]  # two groups: images 0 and 2, images 1 and 3
    expected = (pair.var(dim=0, unbiased=False) + 1e-8).sqrt()[:3].mean()
    torch.testing.assert_close(out[0, 6], expected.expand(2, 2))
    torch.testing.assert_close(out[0, 6:], out[2, 6:])
    with pytest.raises(ShapeError, match="a batch of 4 does not split into groups of 3"):
        minibatch_deviation(x, 3, 1)


def test_a_penalty_on_gradients_has_gradients():
    D, img = tiny(), torch.randn(2, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(D(img).sum(), img, create_graph=True)
    gradient.square().sum().backward()
    assert D.b16.conv0.weight.grad.abs().sum() > 0


def test_images_need_not_be_square():
    D = Discriminator(DiscriminatorConfig(channels=(8, 8, 4), base=(5, 4)))
    assert D(torch.randn(4, 3, 20, 16)).shape == (4, 1)
    assert (D.img_size, D.img_resolution) == ((20, 16), 20)
    with pytest.raises(ShapeError, match=r"expected \[n, 3, 20, 16\], got \[4, 3, 16, 20\]"):
        D(torch.randn(4, 3, 16, 20))


def test_bf16_is_close_and_can_be_differentiated_twice():
    D, img = tiny(), torch.randn(4, 3, 16, 16, requires_grad=True)
    exact = D(img)
    set_compute_dtype(D, torch.bfloat16)
    rough = D(img)
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0.05)
    (gradient,) = torch.autograd.grad(rough.sum(), img, create_graph=True)
    gradient.square().sum().backward()
    assert D.b16.conv0.weight.grad.dtype == torch.float32
