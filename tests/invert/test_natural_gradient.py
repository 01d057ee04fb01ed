"""Natural-gradient descent: the loss falls, the best result is kept, and NaN is never kept."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.invert.budget import EncodeConfig, invert_within_budget
from faceloom.invert.inversion import measure
from faceloom.invert.natural_gradient import ImageLoss, NaturalGradientDescent
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature


@pytest.fixture(scope="module")
def image_loss(tools):
    torch.manual_seed(1)
    return ImageLoss(tools["alexnet"], Analyzer().eval().requires_grad_(False))


def start_descent(tools, image_loss, img=None):
    G, img = tools["G"], tools["img"] if img is None else img
    curvature = Curvature(G.num_ws, G.w_dim, stiff=1)
    curvature.scales.fill_(0.1)
    start = G.w_avg.expand(len(img), G.num_ws, -1)
    return NaturalGradientDescent(G, image_loss.for_target(img), start, curvature)


def test_the_loss_falls_and_the_result_is_measured(tools, image_loss):
    descent = start_descent(tools, image_loss)
    descent.evaluate()
    before = descent.losses()[1]
    for number in range(6):
        descent.step(number, 0.0)
    w_plus, lpips, mse, _ = descent.finish()
    assert descent.losses()[1] < before
    expected = measure(tools["G"], w_plus, tools["img"], tools["alexnet"])
    assert (lpips[0], mse[0]) == pytest.approx((expected[0][0], expected[1][0]), abs=1e-5)


def test_every_image_has_its_own_best(tools, image_loss):
    descent = start_descent(tools, image_loss, torch.cat((tools["img"], -tools["img"])))
    descent.step(0, 0.0)
    descent.w_plus = descent.w_plus.detach() + torch.tensor([0.0, torch.nan])[:, None, None]  # the second diverges
    w_plus, lpips, mse, _ = descent.finish()
    assert len(lpips) == len(mse) == 2
    assert torch.isfinite(w_plus).all()


def test_nan_is_not_kept(tools, image_loss):
    descent = start_descent(tools, image_loss)
    descent.evaluate()
    descent.evaluated, descent.w_plus = None, torch.full_like(descent.w_plus.detach(), torch.nan)
    w_plus, lpips, _, _ = descent.finish()
    assert torch.isfinite(w_plus).all()
    assert torch.isfinite(torch.tensor(lpips)).all()


def test_another_image_size_is_refused(tools, image_loss):
    with pytest.raises(ShapeError, match="256"):
        start_descent(tools, image_loss, torch.zeros(1, 3, 128, 128))


def invert(tools, image_loss, steps_seen=None, **config):
    G = tools["G"]
    curvature = Curvature(G.num_ws, G.w_dim, stiff=1)
    return invert_within_budget(
        G,
        tools["img"],
        alexnet=tools["alexnet"],
        encoder_guess=lambda img: G.w_avg.expand(1, G.num_ws, -1),
        make_descent=lambda img, start: NaturalGradientDescent(G, image_loss.for_target(img), start, curvature),
        config=EncodeConfig(**({"seconds": None} | config)),
        callback=None if steps_seen is None else steps_seen.append,
    )


def test_the_steps_are_shared_with_tuning(tools, image_loss):
    steps = []
    result = invert(tools, image_loss, steps, steps=20)
    assert [step["phase"] for step in steps] == ["optimize"] * 8 + ["tune"] * 12
    assert result.steps == 20
    assert result.delta


def test_without_time_the_encoder_guess_is_returned(tools, image_loss):
    result = invert(tools, image_loss, seconds=1e-9)
    assert result.steps == 0
    assert torch.equal(result.w_plus, tools["G"].w_avg.expand_as(result.w_plus))


def test_in_w_space_adam_is_used(tools, image_loss):
    result = invert(tools, image_loss, steps=4, space="w")
    assert torch.equal(result.w_plus[:, :1].expand_as(result.w_plus), result.w_plus)
