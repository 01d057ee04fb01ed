"""Tests of the losses against closed forms: linear discriminators, linear generators."""

from __future__ import annotations

import math

import pytest
import torch

from faceloom.train.losses import LOSSES, gradient_penalty, path_lengths, path_lengths_along

PAIRS = pytest.mark.parametrize("pair", LOSSES.values(), ids=LOSSES)


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32)[:, None]


@PAIRS
def test_losses_return_one_number_per_image(pair):
    real, fake = torch.randn(5, 1), torch.randn(5, 1)
    assert pair.discriminator(real, fake).shape == pair.generator(fake, real).shape == (5,)


@PAIRS
def test_several_logits_of_an_image_are_averaged(pair):
    real, fake = torch.randn(3, 4), torch.randn(3, 4)
    alone = [pair.discriminator(real[:, i : i + 1], fake[:, i : i + 1]) for i in range(4)]
    torch.testing.assert_close(pair.discriminator(real, fake), torch.stack(alone).mean(dim=0))


@PAIRS
def test_better_fakes_lower_the_generator_loss_and_raise_the_discriminator_loss(pair):
    real, worse, better = column(0.3, -1), column(-2, 0), column(-1, 2)
    assert (pair.generator(better, real) < pair.generator(worse, real)).all()
    assert (pair.discriminator(real, better) > pair.discriminator(real, worse)).all()


def test_nonsaturating_loss_is_cross_entropy():
    pair = LOSSES["nonsaturating"]
    loss = pair.discriminator(column(2.0), column(-1.0))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)))
    assert pair.generator(column(0.0), None).item() == pytest.approx(math.log(2))


def test_relativistic_loss_depends_on_differences_only():
    pair = LOSSES["relativistic"]
    real, fake = torch.randn(4, 1), torch.randn(4, 1)
    torch.testing.assert_close(pair.discriminator(real + 7, fake + 7), pair.discriminator(real, fake))
    torch.testing.assert_close(pair.generator(fake, real), pair.discriminator(fake, real))
    assert pair.discriminator(column(3.0), column(1.0)).item() == pytest.approx(math.log1p(math.exp(-2)))
    with pytest.raises(ValueError, match="give real_logits"):
        pair.generator(fake, None)


def test_losses_are_finite_for_large_logits():
    for pair in LOSSES.values():
        assert pair.discriminator(column(-1e4), column(1e4)).isfinite().all()
        assert pair.generator(column(-1e4), column(1e4)).isfinite().all()


def test_gradient_penalty_of_a_linear_discriminator_is_its_squared_norm():
    slope = torch.randn(3, 4, 6, requires_grad=True)
    img = torch.randn(2, 3, 4, 6, requires_grad=True)
    penalty = gradient_penalty((img * slope).sum(dim=(1, 2, 3))[:, None], img)
    torch.testing.assert_close(penalty, slope.square().sum().expand(2))
    penalty.sum().backward()
    torch.testing.assert_close(slope.grad, 4 * slope)


def test_path_length_of_a_linear_generator_is_the_norm_of_transposed_noise():
    jacobian = torch.randn(3 * 4 * 6, 5, dtype=torch.float64, requires_grad=True)
    w_plus = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    img = (w_plus.sum(dim=1) @ jacobian.T).view(2, 3, 4, 6)
    noise = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    lengths = path_lengths_along(noise, img, w_plus)
    expected = (noise.flatten(1) @ jacobian / 24**0.5).norm(dim=1)
    torch.testing.assert_close(lengths, expected)
    lengths.sum().backward()
    assert jacobian.grad.abs().sum() > 0


def test_path_lengths_repeat_with_the_same_seed():
    w_plus = torch.randn(2, 3, 5, requires_grad=True)
    img = w_plus.sum(dim=(1, 2)).view(2, 1, 1, 1) * torch.ones(2, 3, 4, 4)
    start, second = (path_lengths(img, w_plus, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(start, second, rtol=0, atol=0)
