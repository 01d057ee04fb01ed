"""Restoration: the loss contains the damage, what is hidden counts little, and limits and interruptions hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from faceloom.errors import Cancelled, ShapeError
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.degradation import Degradation, blur, to_gray
from faceloom.invert.natural_gradient import ImageLoss
from faceloom.invert.restore import DamagedTarget, restore
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature


@pytest.fixture(scope="module")
def run(tools):
    torch.manual_seed(1)
    loss = ImageLoss(tools["alexnet"], Analyzer().eval().requires_grad_(False))
    G = tools["G"]
    curvature = Curvature(G.num_ws, G.w_dim, stiff=1)
    curvature.scales.fill_(0.1)

    def start(img, steps=6, **options):
        guess = lambda img: G.w_avg.expand(len(img), G.num_ws, -1).clone()  # noqa: E731
        options = {"config": EncodeConfig(None, steps), "encoder_guess": guess} | options
        return restore(G, img, loss=loss, curvature=curvature, **options)

    start.loss = loss
    return start


def test_what_is_hidden_counts_little(tools, run):
    visible = torch.ones(1, 1, 256, 256)
    visible[..., :100, :] = 0
    damage = Degradation(visible, sigma=2.0)
    photo = damage.apply(tools["img"])
    target = DamagedTarget.of(run.loss, photo, damage)
    assert float(target.lpips(tools["img"])) == pytest.approx(0, abs=1e-4)
    hidden, seen = tools["img"].clone(), tools["img"].clone()
    hidden[..., :60, :] = -1  # blurred by 2 px, it does not reach what is visible
    seen[..., -60:, :] = -1
    assert 0 < float(target.lpips(hidden)) < 0.5 * float(target.lpips(seen))


def test_the_answer_is_the_picture_before_the_damage(tools, run):
    found = run(blur(tools["img"], 3), steps=8)
    assert found.inversion.steps == 8
    assert found.inversion.w_plus.shape == (1, tools["G"].num_ws, tools["G"].w_dim)
    assert found.inversion.img.shape == (1, 3, 256, 256)
    assert not found.inversion.delta


def test_the_weights_are_tuned_to_the_picture_with_what_the_photo_shows(tools, run):
    photo = blur(tools["img"], 3)
    seen = []
    found = run(photo, steps=60, callback=lambda step: seen.append((step["step"], step["progress"], step["phase"])))
    assert seen == sorted(seen)
    assert [phase for _, _, phase in seen] == ["restore"] * 40 + ["tune"] * 20
    plain = run(photo, config=EncodeConfig(None, 60, tune=False))
    assert found.inversion.delta
    assert not plain.inversion.delta
    assert found.inversion.steps == 60
    assert found.inversion.mse < plain.inversion.mse


def test_a_given_mask_is_used_as_it_is(tools, run):
    hidden = torch.zeros(1, 1, 256, 256)
    hidden[..., 40:90, 40:90] = 1
    assert torch.equal(run(tools["img"], steps=2, hidden=hidden).damage.visible, 1 - hidden)


def test_steps_alone_give_the_same_result_again(tools, run):
    first, second = (run(tools["img"], steps=5).inversion for _ in range(2))
    assert torch.equal(first.w_plus, second.w_plus)


def test_an_interruption_keeps_the_result_so_far(tools, run, interrupt_at):
    found = run(tools["img"], steps=9, callback=interrupt_at(5, Cancelled("stop")))
    assert found.inversion.interrupted
    assert found.inversion.steps < 9


def test_progress_grows_to_the_end(tools, run):
    seen = []
    run(tools["img"], steps=9, callback=lambda step: seen.append((step["phase"], step["step"], step["progress"])))
    assert [step for _, step, _ in seen] == list(range(9))
    assert all(a[2] <= b[2] for a, b in pairwise(seen))
    assert {phase for phase, _, _ in seen} == {"restore"}


def test_another_size_is_refused(run):
    with pytest.raises(ShapeError, match="256"):
        run(torch.zeros(1, 3, 128, 128))


def test_a_gray_photo_is_encoded_again_in_colors_with_its_own_brightness(tools, run):
    G, photo, seen = tools["G"], to_gray(tools["img"]), []

    def guess(img):
        seen.append(img)
        return G.w_avg.expand(len(img), G.num_ws, -1).clone()

    found = run(photo, steps=1, encoder_guess=guess)
    assert found.damage.is_gray
    assert torch.allclose(seen[0], to_gray(seen[0]), atol=1e-5)
    assert not torch.allclose(seen[1], to_gray(seen[1]), atol=1e-3)
    unclipped = (seen[1].abs() < 1).all(dim=1, keepdim=True)
    assert torch.allclose(to_gray(seen[1])[:, :1][unclipped], seen[0][:, :1][unclipped], atol=1e-3)
