"""The critic: as many logits for each of its feature maps, for images of every kind, with a frozen backbone."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.critic import CELLS, FeatureCritic
from faceloom.networks.lpips import Lpips


@pytest.fixture(scope="module")
def critic() -> FeatureCritic:
    torch.manual_seed(0)
    return FeatureCritic(Lpips("alexnet").requires_grad_(False))


@pytest.mark.parametrize("shape", [(2, 1, 16, 16), (2, 3, 128, 128), (2, 4, 64, 96)])
def test_every_stage_gives_as_many_logits(critic: FeatureCritic, shape: tuple[int, ...]):
    logits = critic(torch.rand(shape) * 2 - 1)
    assert logits.shape == (2, 5 * CELLS**2)
    assert logits.std() > 0.01


def test_only_the_heads_are_trained_and_saved(critic: FeatureCritic):
    assert all(name.startswith("heads.") for name in critic.state_dict())
    assert all(parameter.requires_grad for parameter in critic.parameters())


def test_the_score_has_a_gradient_at_the_image(critic: FeatureCritic):
    img = (torch.rand(1, 3, 128, 128) * 2 - 1).requires_grad_()
    critic(img).mean().backward()
    assert img.grad is not None
    assert img.grad.abs().sum() > 0


def test_alpha_and_labels_do_not_change_the_score(critic: FeatureCritic):
    img = torch.rand(1, 4, 128, 128) * 2 - 1
    changed = torch.cat((img[:, :3], -img[:, 3:]), dim=1)
    torch.testing.assert_close(critic(img), critic(changed, torch.ones(1, 5)))


def test_bf16_scores_are_close_to_those_of_float32(critic: FeatureCritic):
    img = torch.rand(2, 3, 128, 128) * 2 - 1
    exact = critic(img)
    critic.dtype = torch.bfloat16
    rough = critic(img).float()
    critic.dtype = torch.float32
    assert (rough - exact).abs().mean() < 0.05 * exact.std() + 0.02
