"""Reading of regions from a generator: the shipped head on the default generator, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from faceloom.analyze import attributes
from faceloom.analyze.regions import read_regions
from faceloom.checkpoints.shipped import load_region_head
from faceloom.errors import LatentError
from faceloom.latents import broadcast
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.regions import REGIONS, RegionHead
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.tuned import Tuned


@pytest.fixture(scope="module")
def head() -> RegionHead:
    return load_region_head()


@pytest.mark.models
def test_the_mean_face_has_its_regions_in_their_places(default_model: Any, head: RegionHead):
    regions = read_regions(default_model.G, head, broadcast(default_model.G.w_avg[None], 23))[0]
    names = {name: regions[i] for i, name in enumerate(REGIONS)}
    assert names["background"][2, 2] > 0.9
    assert names["skin"][38, 32] > 0.9  # the nose
    assert names["lips"][45:48, 32].max() > 0.7
    assert names["hair"][8, 32] > 0.7
    assert names["eyes"][29:32, 23:26].max() > 0.7
    assert names["glasses"].max() < 0.5


@pytest.mark.models
def test_a_tuned_generator_is_read_with_its_own_features(default_model: Any, head: RegionHead):
    w_plus = broadcast(default_model.G.w_avg[None], 23)
    plain = read_regions(default_model.G, head, w_plus)
    bias = "blocks.3.conv2.conv.1.bias"
    weight = dict(default_model.G.named_parameters())[bias]
    tuned = Tuned(default_model.G, {bias: torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))})
    other = read_regions(tuned, head, w_plus)
    assert not torch.equal(plain, other)
    torch.testing.assert_close(other.sum(1), torch.ones(1, 64, 64))


def test_other_generators_are_refused(tiny: MobileStyleGAN, head: RegionHead):
    with pytest.raises(LatentError, match="default generator"):
        read_regions(
            StyleGAN2(StyleGAN2Config((16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2)), head, torch.zeros(1, 8, 16)
        )
    with pytest.raises(LatentError, match="default generator"):
        read_regions(tiny, head, torch.zeros(1, 8, 16))


def test_the_head_and_the_table_name_the_same_regions():
    assert REGIONS == attributes.REGIONS
