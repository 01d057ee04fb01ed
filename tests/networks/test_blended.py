"""Blended generators: the picture outside the mask does not change, for every family."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.blended import Blended, blend, compute_features, resize_mask
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.stylegan3 import StyleGAN3, StyleGAN3Config


def half_mask(left: float, right: float) -> torch.Tensor:
    mask = torch.full((1, 1, 64, 64), left)
    mask[..., 32:] = right
    return mask


def latents(G, count: int = 2) -> torch.Tensor:
    return torch.randn(count, G.num_ws, G.w_dim, generator=torch.Generator().manual_seed(0))


FAMILIES = {
    "stylegan1": lambda: StyleGAN1(StyleGAN1Config(channels=(8, 8, 8, 8), w_dim=16)),
    "stylegan2": lambda: StyleGAN2(StyleGAN2Config(channels=(8, 8, 8, 8), w_dim=16)),
    "stylegan3": lambda: StyleGAN3(StyleGAN3Config(w_dim=16, img_resolution=32, channel_base=256, channel_max=16)),
}


@pytest.fixture(params=["mobilestylegan", *FAMILIES])
def generator(request, tiny):
    torch.manual_seed(0)
    return tiny if request.param == "mobilestylegan" else FAMILIES[request.param]().eval().requires_grad_(False)


def test_masks_of_ones_and_zeros_give_the_two_pictures(generator):
    G = generator
    changed, fixed = latents(G).split(1)
    features = compute_features(G, fixed)
    for value, expected in ((1.0, changed), (0.0, fixed)):
        img = Blended(G, features, half_mask(value, value)).synthesis(changed)
        torch.testing.assert_close(img, G.synthesis(expected), rtol=1e-4, atol=1e-4)


def test_the_generator_itself_is_not_changed(generator):
    G = generator
    changed, fixed = latents(G).split(1)
    before = G.synthesis(changed)
    Blended(G, compute_features(G, fixed), half_mask(0.0, 1.0)).synthesis(changed)
    assert torch.equal(G.synthesis(changed), before)


def test_the_picture_changes_inside_the_mask_only(generator):
    G = generator
    changed, fixed = latents(G).split(1)
    img = Blended(G, compute_features(G, fixed), half_mask(0.0, 1.0)).synthesis(changed)
    change = (img - G.synthesis(fixed)).abs().amax((0, 1, 2))  # of each column
    columns = img.shape[-1]
    assert change[: columns * 3 // 8].max() < 1e-4
    assert change[columns * 5 // 8 :].max() > 1e-3


def test_fused_layers_draw_what_the_network_draws_and_gradients_come_from_the_network(tiny):
    changed, fixed = latents(tiny).split(1)
    blended = Blended(tiny, compute_features(tiny, fixed), half_mask(0.2, 0.9))
    for side in (8, 32):
        fast = blended.synthesis_at(changed, side)
        slow = blended.synthesis_at(changed.clone().requires_grad_(), side)
        torch.testing.assert_close(fast, slow.detach(), rtol=1e-4, atol=1e-4)
    assert slow.requires_grad
    assert not fast.requires_grad


def test_features_that_decide_the_pose_are_not_blended():
    fixed, changed = torch.zeros(1, 2, 8, 8), torch.ones(1, 2, 8, 8)
    assert torch.equal(blend(fixed, changed, half_mask(0.0, 0.0)), changed)


def test_small_masks_cover_every_pixel_that_is_touched():
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 5, 9] = 1
    assert resize_mask(mask, (16, 16)).sum() == 1
    assert resize_mask(mask, (16, 16))[..., 1, 2] == 1
