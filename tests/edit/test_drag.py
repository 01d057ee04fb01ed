"""Dragging: features of every family, motion, tracking, masks, and the end of a drag."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.edit.drag import GRID, DragConfig, Features, _Dragging, drag, sample_features, square_offsets
from faceloom.edit.generate import generate_latents
from faceloom.edit.latent_statistics import measure_latents
from faceloom.errors import LatentError
from faceloom.networks.generator import Generator
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.stylegan3 import CONFIG_T, StyleGAN3, StyleGAN3Config
from faceloom.networks.tuned import Tuned
from tests.checkpoints import foreign_files

SMALL = DragConfig(steps=3, side=16, max_resolution=16)


def test_features_are_sampled_between_pixels():
    ramp = torch.arange(8.0).repeat(8, 1)[None, None]  # [1 1 8 8]: the value is the column
    step = GRID / 8
    points = torch.tensor([[0.5 * step, 4.0], [3.5 * step, 99.0], [4.0 * step, 0.0], [0.0, 0.0]])
    assert sample_features(ramp, points)[:, 0].tolist() == pytest.approx([0, 3, 3.5, 0])


def test_square_offsets_begin_in_the_middle():
    offsets = square_offsets(2)
    assert offsets.shape == (25, 2)
    assert offsets[0].tolist() == [0, 0]
    assert offsets.norm(dim=1).diff().min() >= 0


FAMILIES = {
    "stylegan1": foreign_files.make_stylegan1,
    "stylegan2": foreign_files.make_stylegan2,
    "stylegan3": foreign_files.make_stylegan3,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_features_and_is_dragged(family: str):
    G: Generator = FAMILIES[family]()
    w_plus = generate_latents(G, [1], 1.0, c=torch.eye(G.c_dim)[:1] if G.c_dim else None)
    features_found = Features(G, 16)(w_plus)
    assert features_found.shape[-1] <= 16
    assert features_found.shape[-1] & (features_found.shape[-1] - 1) == 0
    steps = list(drag(G, w_plus, [(0.4, 0.5)], [(0.7, 0.5)], config=SMALL))
    assert [step.number for step in steps] == list(range(len(steps)))
    assert torch.equal(steps[0].w_plus, w_plus)
    assert len(steps) == 4 or steps[-1].arrived


def test_the_margin_of_stylegan3_is_cropped():
    """Moving the picture by a quarter moves the features by a quarter."""
    config = StyleGAN3Config(img_resolution=32, z_dim=8, w_dim=8, channel_base=512, channel_max=16, num_layers=6)
    torch.manual_seed(0)
    G = StyleGAN3(config).eval().requires_grad_(False)
    assert config.conv_kernel == CONFIG_T.conv_kernel
    w_plus = torch.randn(1, G.num_ws, 8)
    before = Features(G, 32)(w_plus)
    side = before.shape[-1]
    moved = Features(G.place(x=0.25), 32)(w_plus)
    there, back = moved[..., :, side // 4 :], before[..., :, : -side // 4]
    assert F.mse_loss(there, back) < 0.05 * F.mse_loss(moved, before)


def test_a_handle_is_found_again_after_a_shift(tiny: MobileStyleGAN):
    torch.manual_seed(0)
    w_plus = generate_latents(tiny, [3], 1.0)
    dragging = _Dragging(
        tiny, w_plus, [(0.5, 0.5)], [(0.9, 0.5)], None, measure_latents(tiny, 200), DragConfig(side=16)
    )
    features = F.interpolate(torch.randn(1, 8, 8, 8), size=16, mode="bicubic")
    dragging.handle_features = sample_features(features, dragging.handles)
    dragging.features = lambda w: features.roll(
        (-1, 0), dims=(-1, -2)
    )  # one pixel to the left: GRID / 16 is outside the search radius
    dragging.config = DragConfig(side=16, search_radius=20)
    dragging.track()
    assert dragging.handles[0].tolist() == pytest.approx([GRID / 2 - GRID / 16, GRID / 2], abs=1)


def test_a_step_moves_the_surroundings_towards_the_target(tiny: MobileStyleGAN):
    """After a step, features one grid step ahead are more similar to the handle's surroundings (eq. 1)."""
    config = DragConfig(side=16, step_length=0.02)
    dragging = _Dragging(
        tiny, generate_latents(tiny, [3], 1.0), [(0.4, 0.5)], [(0.6, 0.5)], None, measure_latents(tiny, 200), config
    )
    around = dragging.handles[:, None] + square_offsets(3)
    start = sample_features(dragging.start, around)

    def difference(features: Tensor) -> float:
        return float((sample_features(features, around + torch.tensor([1.0, 0.0])) - start).abs().mean())

    dragging.move()
    with torch.no_grad():
        assert difference(dragging.features(dragging.w_plus)) < difference(dragging.start)


def test_only_coarse_layers_change_and_the_mask_holds_the_rest(tiny: MobileStyleGAN):
    w_plus = generate_latents(tiny, [5], 1.0)
    config = DragConfig(steps=4, side=16, max_resolution=8)
    free = list(drag(tiny, w_plus, [(0.3, 0.4)], [(0.7, 0.4)], config=config))[-1]
    fine = [layer for layer, side in enumerate(tiny.layer_resolutions) if side > 8]
    assert torch.equal(free.w_plus[:, fine], w_plus[:, fine])
    change = (free.w_plus - w_plus)[:, [layer for layer in range(tiny.num_ws) if layer not in fine]]
    torch.testing.assert_close(change, change[:, :1].expand_as(change))  # one change for all layers
    assert (
        0
        < float(change.norm())
        < 4 * config.step_length * float(measure_latents(tiny, 500).variances[0].sqrt()) * len(change[0])
    )
    mask = torch.zeros(64, 64)
    mask[:16] = 1
    held = list(drag(tiny, w_plus, [(0.3, 0.4)], [(0.7, 0.4)], mask=mask, config=config))[-1]
    below = (slice(None), slice(None), slice(16, None))
    start = tiny.synthesis(w_plus)[below]
    moved = [float((tiny.synthesis(step.w_plus)[below] - start).abs().mean()) for step in (held, free)]
    assert moved[0] < moved[1]


def test_another_thread_may_use_the_same_network(tiny: MobileStyleGAN):
    """A drag ends its own forward passes early, but not those of other threads."""
    w_plus = generate_latents(tiny, [5], 1.0)
    expected, features = tiny.synthesis(w_plus), Features(tiny, 16)
    with ThreadPoolExecutor(2) as threads:
        dragged = threads.submit(lambda: [features(w_plus) for _ in range(200)])
        drawn = [tiny.synthesis(w_plus) for _ in range(100)]
        assert all(torch.equal(features_found, dragged.result()[0]) for features_found in dragged.result())
    assert all(torch.equal(img, expected) for img in drawn)


def test_a_handle_at_its_target_does_not_move(tiny: MobileStyleGAN):
    w_plus = generate_latents(tiny, [5], 1.0)
    steps = list(drag(tiny, w_plus, [(0.5, 0.5)], [(0.502, 0.5)], config=SMALL))
    assert len(steps) == 1
    assert steps[0].arrived
    assert torch.equal(steps[0].w_plus, w_plus)


def test_a_tuned_person_is_dragged_in_the_tuned_generator(tiny: MobileStyleGAN):
    w_plus = generate_latents(tiny, [5], 1.0)
    delta = {"first.conv.bias": torch.ones_like(tiny.first.conv.bias)}
    features_found = Features(Tuned(tiny, delta), 16)(w_plus)
    assert not torch.allclose(features_found, Features(tiny, 16)(w_plus))
    assert list(drag(Tuned(tiny, delta), w_plus, [(0.3, 0.3)], [(0.6, 0.3)], config=SMALL))[-1].number > 0


@pytest.mark.parametrize(
    ("handles", "targets"),
    [([], []), ([(0.5, 0.5)], []), ([(0.5, 1.5)], [(0.5, 0.5)]), ([(0.5, 0.5)], [(float("nan"), 0.5)])],
)
def test_invalid_points_are_rejected(tiny: MobileStyleGAN, handles: list[tuple[float, float]], targets: list):
    with pytest.raises(LatentError):
        next(drag(tiny, generate_latents(tiny, [5], 1.0), handles, targets))
