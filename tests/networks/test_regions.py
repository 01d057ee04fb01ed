"""The region head: probabilities, batches, size, refused features; and the features that it reads."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.regions import REGION_RESOLUTION, REGIONS, RegionHead, block_features


@pytest.fixture(scope="module")
def head() -> RegionHead:
    torch.manual_seed(0)
    return RegionHead().eval()


def make_features(head: RegionHead, n: int) -> list[torch.Tensor]:
    return [torch.randn(n, 512, 8 << block, 8 << block) for block in head.blocks]


def test_probabilities_of_all_regions_sum_to_one(head: RegionHead):
    regions = head(make_features(head, 2))
    assert regions.shape == (2, len(REGIONS), REGION_RESOLUTION, REGION_RESOLUTION)
    assert regions.dtype == torch.float32
    torch.testing.assert_close(regions.sum(1), torch.ones(2, REGION_RESOLUTION, REGION_RESOLUTION))


def test_a_batch_equals_its_single_faces(head: RegionHead):
    features = make_features(head, 2)
    together = head(features)
    torch.testing.assert_close(head([x[1:] for x in features])[0], together[1], atol=1e-5, rtol=1e-4)


def test_half_precision_features_give_nearly_the_same(head: RegionHead):
    features = make_features(head, 1)
    torch.testing.assert_close(head([x.bfloat16() for x in features]), head(features), atol=0.02, rtol=0)


def test_the_size_of_the_features_does_not_matter(head: RegionHead):
    features = make_features(head, 1)
    torch.testing.assert_close(head([3 * x for x in features]), head(features), atol=1e-5, rtol=1e-4)


def test_other_features_are_refused(head: RegionHead):
    with pytest.raises(ShapeError, match="default generator"):
        head(make_features(head, 1)[:-1])
    with pytest.raises(ShapeError, match="default generator"):
        head([x[:, :256] for x in make_features(head, 1)])


def test_the_head_is_smaller_than_a_megabyte(head: RegionHead):
    assert 2 * sum(tensor.numel() for tensor in head.state_dict().values()) <= 1e6


def test_block_features_are_those_of_a_full_pass():
    torch.manual_seed(0)
    G = MobileStyleGAN(MobileStyleGANConfig((32, 32, 16, 16), z_dim=16, w_dim=16, mapping_layers=2)).eval()
    full: dict[int, torch.Tensor] = {}
    for i, block in enumerate(G.blocks):
        block.register_forward_hook(lambda _, __, out, i=i: full.update({i: out.clone()}))
    w_plus = torch.randn(2, G.num_ws, G.w_dim)
    with torch.no_grad():
        G.synthesis(w_plus)
        expected = dict(full)
        features = block_features(G, w_plus, (0, 1))
    for i, x in enumerate(features):
        torch.testing.assert_close(x, expected[i])
