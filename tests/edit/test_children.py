"""Children: of both parents, repeatable, each by itself."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.children import Child, child
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.errors import LatentError, ShapeError
from faceloom.latents import layer_groups
from faceloom.networks.mobilestylegan import MobileStyleGAN

A, B = torch.randn(2, 1, 8, 16, generator=torch.Generator().manual_seed(1)).unbind()


@pytest.fixture
def own(tiny: MobileStyleGAN) -> LatentStatistics:
    return measure_latents(tiny, 300)


def born(G: MobileStyleGAN, own: LatentStatistics, number: int, **changes: object) -> Child:
    choices = {"seed": 0, "layer_resolutions": G.layer_resolutions, "people": own} | changes
    return child(A, B, number, **choices)  # type: ignore[arg-type]


def test_a_child_depends_on_its_number_and_seed_alone(tiny: MobileStyleGAN, own: LatentStatistics):
    first = [born(tiny, own, number).w_plus for number in range(5)]
    assert torch.equal(born(tiny, own, 3).w_plus, first[3])
    assert not torch.equal(born(tiny, own, 3, seed=1).w_plus, first[3])
    assert len({tuple(w_plus.flatten().tolist()) for w_plus in first}) == 5


def test_layers_are_the_parents(tiny: MobileStyleGAN, own: LatentStatistics):
    groups = layer_groups(tiny.layer_resolutions)
    for number in range(20):
        made = born(tiny, own, number, variation=0.0, pull=0.0)
        for name, share in made.inherited.items():
            wanted = A.lerp(B, share)[:, groups[name]]
            torch.testing.assert_close(made.w_plus[:, groups[name]], wanted)
        shares = made.inherited
        assert any(0 < share < 1 for share in shares.values()) or len(set(shares.values())) == 2  # of both


def test_variation_is_in_standard_deviations(tiny: MobileStyleGAN, own: LatentStatistics):
    still = [born(tiny, own, number, variation=0.0).w_plus for number in range(40)]
    moved = [born(tiny, own, number, variation=0.5).w_plus for number in range(40)]
    away = torch.cat([m - s for m, s in zip(moved, still, strict=True)])[:, 0] + own.mean.float()
    assert float(own.distance(away).square().mean()) == pytest.approx(0.25, rel=0.2)


def test_a_child_is_a_parent_again(tiny: MobileStyleGAN, own: LatentStatistics):
    one = born(tiny, own, 0).w_plus
    again = child(one, A, 0, seed=0, layer_resolutions=tiny.layer_resolutions, people=own)
    assert again.w_plus.shape == A.shape


def test_wrong_requests(tiny: MobileStyleGAN, own: LatentStatistics):
    with pytest.raises(LatentError, match="variation"):
        born(tiny, own, 0, variation=3.0)
    with pytest.raises(LatentError, match="from 0"):
        born(tiny, own, -1)
    with pytest.raises(ShapeError):
        child(A, B[:, :5], 0, seed=0, layer_resolutions=tiny.layer_resolutions, people=own)
