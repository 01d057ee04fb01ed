"""LPIPS: it is a distance, and the published weights give the published numbers."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.lpips import Lpips, distance


@pytest.fixture(scope="module", params=["vgg16", "alexnet"])
def net(request: pytest.FixtureRequest) -> Lpips:
    torch.manual_seed(0)
    return Lpips(request.param).requires_grad_(False)


def test_it_is_zero_for_equal_images_symmetric_and_positive(net: Lpips):
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    assert net(a, a).tolist() == [0, 0]
    assert (net(a, b) > 0).all()
    torch.testing.assert_close(net(a, b), net(b, a))


def test_features_of_the_target_can_be_reused(net: Lpips):
    a, b = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(distance(net.features(a), net.features(b)), net(a, b))


def test_an_image_differs_more_from_noise_than_from_itself_dimmed(lpips_alexnet):
    a = torch.rand(1, 3, 64, 64) * 0.5
    assert lpips_alexnet(a, a * 0.9) < lpips_alexnet(a, torch.rand(1, 3, 64, 64))


test_an_image_differs_more_from_noise_than_from_itself_dimmed = pytest.mark.models(
    test_an_image_differs_more_from_noise_than_from_itself_dimmed
)
