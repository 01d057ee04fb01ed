"""Blends of two generators: the ends are the generators themselves, the mapping is the first one's."""

from __future__ import annotations

import copy

import pytest
import torch

from faceloom.errors import LatentError
from faceloom.networks.layer_blend import blend_layers, share_of_second, weight_resolutions
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config

FAMILIES = {
    "mobilestylegan": lambda: MobileStyleGAN(
        MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2)
    ),
    "stylegan1": lambda: StyleGAN1(StyleGAN1Config(channels=(8, 8, 8, 8), w_dim=16)),
    "stylegan2": lambda: StyleGAN2(StyleGAN2Config(channels=(8, 8, 8, 8), w_dim=16)),
    "stylegan3": lambda: StyleGAN3(StyleGAN3Config(w_dim=16, img_resolution=32, channel_base=256, channel_max=16)),
}


@pytest.fixture(params=FAMILIES)
def pair(request):
    torch.manual_seed(0)
    A = FAMILIES[request.param]().eval().requires_grad_(False)
    torch.manual_seed(1)
    return A, FAMILIES[request.param]().eval().requires_grad_(False)


def blended(A, B, switch: int, ramp: float = 0.0):
    C = copy.deepcopy(A)
    C.load_state_dict(blend_layers(A, B, switch, ramp))
    return C


def test_a_switch_above_all_layers_gives_the_first_generator(pair):
    A, B = pair
    w_plus = torch.randn(1, A.num_ws, A.w_dim)
    assert torch.equal(blended(A, B, 4096).synthesis(w_plus), A.synthesis(w_plus))


def test_a_switch_in_the_middle_differs_from_both(pair):
    A, B = pair
    w_plus, z = torch.randn(1, A.num_ws, A.w_dim), torch.randn(1, A.z_dim)
    C = blended(A, B, 16)
    assert torch.equal(C.mapping(z), A.mapping(z))
    for other in pair:
        assert (C.synthesis(w_plus) - other.synthesis(w_plus)).abs().max() > 1e-3


def test_a_ramp_is_smooth_and_centered():
    shares = [share_of_second(side, 32, 4) for side in (4, 8, 16, 32, 64, 128, 256)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[3] == 0.5
    assert shares[-1] == 1
    assert [share_of_second(side, 32, 0) for side in (16, 32)] == [0, 1]


def test_every_weight_of_the_synthesis_has_a_resolution(tiny):
    sides = weight_resolutions(tiny)
    rest = {name for name in tiny.state_dict() if name not in sides}
    assert all(name.startswith("mapping_network") or name in ("const", "w_avg") for name in rest)
    assert set(sides.values()) == {4, 8, 16}


def test_generators_of_other_sizes_are_refused(tiny):
    other = MobileStyleGAN(MobileStyleGANConfig(channels=(16, 16), z_dim=16, w_dim=16, mapping_layers=2))
    with pytest.raises(LatentError, match="differ"):
        blend_layers(tiny, other, 16)
