"""Children inherit from both parents, are repeatable, and do not depend on each other."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.children import Child, make_child
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.errors import LatentError, ShapeError
from faceloom.latents import layer_groups
from faceloom.networks.mobilestylegan import MobileStyleGAN

A, B = torch.randn(2, 1, 8, 16, generator=torch.Generator().manual_seed(1)).unbind()


@pytest.fixture
def statistics(tiny: MobileStyleGAN) -> LatentStatistics:
    return measure_latents(tiny, 300)


def make(G: MobileStyleGAN, statistics: LatentStatistics, number: int, **changes: object) -> Child:
    choices = {"seed": 0, "layer_resolutions": G.layer_resolutions, "statistics": statistics} | changes
    return make_child(A, B, number, **choices)  # type: ignore[arg-type]


def test_a_child_depends_on_its_number_and_seed_alone(tiny: MobileStyleGAN, statistics: LatentStatistics):
    first = [make(tiny, statistics, number).w_plus for number in range(5)]
    assert torch.equal(make(tiny, statistics, 3).w_plus, first[3])
    assert not torch.equal(make(tiny, statistics, 3, seed=1).w_plus, first[3])
    assert len({tuple(w_plus.flatten().tolist()) for w_plus in first}) == 5


def test_layers_come_from_the_parents(tiny: MobileStyleGAN, statistics: LatentStatistics):
    groups = layer_groups(tiny.layer_resolutions)
    for number in range(20):
        made = make(tiny, statistics, number, variation=0.0, pull=0.0)
        for name, share in made.inherited.items():
            expected = A.lerp(B, share)[:, groups[name]]
            torch.testing.assert_close(made.w_plus[:, groups[name]], expected)
        shares = made.inherited
        assert any(0 < share < 1 for share in shares.values()) or len(set(shares.values())) == 2  # of both


def test_variation_is_in_standard_deviations(tiny: MobileStyleGAN, statistics: LatentStatistics):
    still = [make(tiny, statistics, number, variation=0.0).w_plus for number in range(40)]
    moved = [make(tiny, statistics, number, variation=0.5).w_plus for number in range(40)]
    away = torch.cat([m - s for m, s in zip(moved, still, strict=True)])[:, 0] + statistics.mean.float()
    assert float(statistics.distance(away[:, None]).square().mean()) == pytest.approx(0.25, rel=0.2)


def test_a_child_can_be_a_parent(tiny: MobileStyleGAN, statistics: LatentStatistics):
    one = make(tiny, statistics, 0).w_plus
    again = make_child(one, A, 0, seed=0, layer_resolutions=tiny.layer_resolutions, statistics=statistics)
    assert again.w_plus.shape == A.shape


def test_invalid_requests_are_rejected(tiny: MobileStyleGAN, statistics: LatentStatistics):
    with pytest.raises(LatentError, match="variation"):
        make(tiny, statistics, 0, variation=3.0)
    with pytest.raises(LatentError, match="from 0"):
        make(tiny, statistics, -1)


@pytest.mark.wrong_types
def test_parents_of_two_generators_are_rejected(tiny: MobileStyleGAN, statistics: LatentStatistics):
    with pytest.raises(ShapeError):
        make_child(A, B[:, :5], 0, seed=0, layer_resolutions=tiny.layer_resolutions, statistics=statistics)
