"""The game's losses against closed forms: linear critics, linear generators."""

from __future__ import annotations

import math

import pytest
import torch

from faceloom.train.losses import LOSSES, gradient_penalty, path_lengths, path_lengths_along

GAMES = pytest.mark.parametrize("game", LOSSES.values(), ids=LOSSES)


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32)[:, None]


@GAMES
def test_every_loss_is_one_number_an_image(game):
    real, fake = torch.randn(5, 1), torch.randn(5, 1)
    assert game.discriminator(real, fake).shape == game.generator(fake, real).shape == (5,)


@GAMES
def test_a_better_score_lowers_ones_own_loss_and_raises_the_others(game):
    real, worse, better = column(0.3, -1), column(-2, 0), column(-1, 2)
    assert (game.generator(better, real) < game.generator(worse, real)).all()
    assert (game.discriminator(real, better) > game.discriminator(real, worse)).all()


def test_nonsaturating_is_the_cross_entropy():
    game = LOSSES["nonsaturating"]
    loss = game.discriminator(column(2.0), column(-1.0))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)))
    assert game.generator(column(0.0), None).item() == pytest.approx(math.log(2))


def test_relativistic_knows_differences_only():
    game = LOSSES["relativistic"]
    real, fake = torch.randn(4, 1), torch.randn(4, 1)
    torch.testing.assert_close(game.discriminator(real + 7, fake + 7), game.discriminator(real, fake))
    torch.testing.assert_close(game.generator(fake, real), game.discriminator(fake, real))
    assert game.discriminator(column(3.0), column(1.0)).item() == pytest.approx(math.log1p(math.exp(-2)))
    with pytest.raises(ValueError, match="give real_logits"):
        game.generator(fake, None)


def test_losses_stay_finite_far_out():
    for game in LOSSES.values():
        assert game.discriminator(column(-1e4), column(1e4)).isfinite().all()
        assert game.generator(column(-1e4), column(1e4)).isfinite().all()


def test_the_gradient_penalty_of_a_linear_critic_is_its_squared_length():
    slope = torch.randn(3, 4, 6, requires_grad=True)
    img = torch.randn(2, 3, 4, 6, requires_grad=True)
    penalty = gradient_penalty((img * slope).sum(dim=(1, 2, 3))[:, None], img)
    torch.testing.assert_close(penalty, slope.square().sum().expand(2))
    penalty.sum().backward()
    torch.testing.assert_close(slope.grad, 4 * slope)


def test_the_path_length_of_a_linear_generator_is_that_of_its_transposed_noise():
    jacobian = torch.randn(3 * 4 * 6, 5, dtype=torch.float64, requires_grad=True)
    w_plus = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    img = (w_plus.sum(dim=1) @ jacobian.T).view(2, 3, 4, 6)
    noise = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    lengths = path_lengths_along(noise, img, w_plus)
    expected = (noise.flatten(1) @ jacobian / 24**0.5).norm(dim=1)
    torch.testing.assert_close(lengths, expected)
    lengths.sum().backward()
    assert jacobian.grad.abs().sum() > 0


def test_path_lengths_repeat_with_their_generator():
    w_plus = torch.randn(2, 3, 5, requires_grad=True)
    img = w_plus.sum(dim=(1, 2)).view(2, 1, 1, 1) * torch.ones(2, 3, 4, 4)
    first, second = (path_lengths(img, w_plus, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
