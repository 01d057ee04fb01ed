"""Tests of DiffAugment: the range of each augmentation, and second derivatives."""

from __future__ import annotations

import pytest
import torch

from faceloom.images.channels import premultiply
from faceloom.train.diffaugment import diffaugment, diffaugment_rows


def pictures(n: int = 4, h: int = 16, w: int = 24) -> torch.Tensor:
    return torch.rand(n, 3, h, w, generator=torch.Generator().manual_seed(n)) * 2 - 1


def rows(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers)[None]


def test_empty_policy_changes_nothing_and_seeds_repeat():
    img = pictures()
    assert torch.equal(diffaugment(img, ""), img)
    start, second = (diffaugment(img, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(start, second)
    assert start.shape == img.shape


def test_color_at_the_middle_of_its_range_changes_nothing():
    img = pictures(1)
    torch.testing.assert_close(diffaugment_rows(img, "color", rows(0.5, 0.5, 0.5, 0, 0, 0, 0)), img)


def test_zero_saturation_makes_channels_equal():
    out = diffaugment_rows(pictures(1), "color", rows(0.5, 0, 0.5, 0, 0, 0, 0))
    torch.testing.assert_close(out[:, 0], out[:, 1])


def test_translation_moves_by_at_most_an_eighth_and_fills_with_gray():
    img = pictures(1)
    out = diffaugment_rows(img, "translation", rows(0, 0, 0, 0.999, 0, 0, 0))  # 3 px to the left, 2 px down
    torch.testing.assert_close(out[:, :, 2:, :-3], img[:, :, :-2, 3:])
    assert (out[:, :, :2] == 0).all()
    assert (out[..., -3:] == 0).all()


def test_cutout_covers_a_quarter_at_the_center():
    out = diffaugment_rows(torch.ones(1, 3, 16, 24), "cutout", rows(0, 0, 0, 0, 0, 0.5, 0.5))
    assert (out == 0).sum().item() == 3 * 8 * 12


@pytest.mark.parametrize("policy", ["color", "translation", "cutout", "color,translation,cutout"])
def test_diffaugment_is_twice_differentiable(policy: str):
    img = pictures(2, 6, 6).double().requires_grad_()
    drawn = torch.rand(2, 7, generator=torch.Generator().manual_seed(0)).double()
    assert torch.autograd.gradcheck(lambda x: diffaugment_rows(x, policy, drawn).square(), img)
    assert torch.autograd.gradgradcheck(lambda x: diffaugment_rows(x, policy, drawn).square(), img)


def test_transparent_images_keep_alpha_and_are_covered_with_transparency():
    straight = torch.rand(2, 4, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1
    straight[:, 3] = 1
    straight[..., :4] = -1
    img = premultiply(straight)
    draws = torch.rand(2, 7, generator=torch.Generator().manual_seed(4))
    colored = diffaugment_rows(img, "color", draws)
    assert colored[:, 3:].equal(img[:, 3:])
    assert torch.allclose(colored[..., :4], img[..., :4], atol=1e-6)
    assert not torch.allclose(colored, img)
    covered = diffaugment_rows(img, "cutout", draws)
    changed = (covered != img).any(dim=1)
    assert changed.any()
    assert (covered.permute(0, 2, 3, 1)[changed] == -1).all()


def test_gray_images():
    out = diffaugment(torch.rand(2, 1, 16, 16), generator=torch.Generator().manual_seed(1))
    assert out.shape == (2, 1, 16, 16)
