"""Early exits: a head that draws small pictures from features of a lower resolution."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.shipped import load_exit_heads
from faceloom.errors import ShapeError
from faceloom.latents import broadcast, z_from_seeds
from faceloom.networks.blended import Blended, compute_features
from faceloom.networks.early_exit import EarlyExit, ExitHead, end_early, following_styles
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.regions import block_features
from faceloom.networks.tuned import Tuned

CONFIG = MobileStyleGANConfig((32, 32, 16, 16), z_dim=16, w_dim=16, mapping_layers=2)  # 64 px


@pytest.fixture(scope="module")
def network() -> MobileStyleGAN:
    torch.manual_seed(0)
    return MobileStyleGAN(CONFIG).eval()


@pytest.fixture(scope="module")
def head() -> ExitHead:
    torch.manual_seed(1)
    return ExitHead(1, CONFIG).eval()


def test_the_picture_has_twice_the_side_of_the_features(network, head):
    early = EarlyExit(network, head)
    w_plus = torch.randn(2, network.num_ws, 16)
    assert early.img_resolution == 32
    img = early.synthesis(w_plus)
    assert img.shape == (2, 3, 32, 32)
    assert img.dtype == torch.float32
    assert torch.allclose(early.synthesis_at(w_plus, 16), F.avg_pool2d(img, 2), atol=1e-5)
    with pytest.raises(ShapeError, match="32 px"):
        early.synthesis_at(w_plus, 64)


def test_every_layer_after_the_exit_still_styles_the_picture(network, head):
    early = EarlyExit(network, head)
    w_plus = torch.randn(1, network.num_ws, 16)
    for layer in range(network.num_ws):
        other = w_plus.clone()
        other[:, layer] += 1
        assert not torch.allclose(early.synthesis(other), early.synthesis(w_plus)), layer


def test_styles_are_those_of_the_following_layers(network):
    w_plus = torch.randn(1, network.num_ws, 16)
    styles = following_styles(network, w_plus, 1)
    expected = [affine(w_plus[:, i]) for i in range(7, network.num_ws) for affine in network.affines(i)]
    assert torch.equal(styles, torch.cat(expected, dim=1))


def test_the_earliest_exit_that_is_large_enough_is_chosen(network, head):
    heads = {32: head}
    assert isinstance(end_early(network, heads, 16), EarlyExit)
    assert isinstance(end_early(network, heads, 32), EarlyExit)
    assert end_early(network, heads, 64) is network
    assert end_early(network, {}, 16) is network


def test_tuned_weights_reach_the_early_picture(network, head):
    w_plus = torch.randn(1, network.num_ws, 16)
    tuned = Tuned(network, {"first.conv.bias": torch.full((32,), 0.5)})
    plain, changed = (end_early(G, {32: head}, 32).synthesis(w_plus) for G in (network, tuned))
    assert not torch.allclose(plain, changed)


def test_an_early_picture_is_unchanged_outside_a_mask(network, head):
    early = EarlyExit(network, head)
    w_plus, other = torch.randn(2, 1, network.num_ws, 16)
    mask = torch.zeros(1, 1, 64, 64)
    blended = Blended(early, compute_features(early, w_plus), mask)
    before, after = early.synthesis(w_plus), blended.synthesis(other)
    assert torch.allclose(before, after, atol=1e-5)


@pytest.mark.models
@torch.no_grad()
def test_shipped_heads_draw_what_the_whole_generator_draws():
    G = load_generator(precision="bf16").G
    assert isinstance(G, MobileStyleGAN)
    least = {256: 26, 512: 31}  # dB, mean of three faces
    w = G.w_avg + 0.8 * (G.mapping(z_from_seeds([11, 12, 13])) - G.w_avg)
    for side, head in load_exit_heads().items():
        early = EarlyExit(G, head)
        errors = [
            F.mse_loss(early.synthesis(w_plus), G.synthesis_at(w_plus, side))
            for w_plus in broadcast(w, G.num_ws).split(1)
        ]
        assert 10 * torch.log10(4 / torch.stack(errors)).mean() > least[side]


def test_the_exit_needs_no_later_features(network, head):
    w_plus = torch.randn(1, network.num_ws, 16)
    (features,) = block_features(network, w_plus, [1])
    bands = head(features, following_styles(network, w_plus, 1))
    assert bands.shape == (1, 12, 16, 16)
