"""Latent optimization: it converges, is reproducible, and stops when it is interrupted."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import Cancelled, ShapeError
from faceloom.invert.optimize import OptimizeConfig, invert_optimize


def optimize(tools, **config):
    callback = config.pop("callback", None)
    config = OptimizeConfig(**({"seconds": None} | config))
    return invert_optimize(tools["G"], tools["img"], vgg=tools["vgg"], alexnet=tools["alexnet"], config=config,
                           callback=callback)  # fmt: skip


def test_more_steps_come_closer(tools):
    short, long = optimize(tools, steps=1), optimize(tools, steps=12)
    assert long.mse[0] < short.mse[0]
    assert (short.steps, long.steps) == (1, 12)
    assert long.w_plus.shape == (1, 8, 16)


def test_steps_and_seed_decide_everything(tools):
    first = optimize(tools, steps=4, noise=0.5, seed=3)
    assert torch.equal(first.w_plus, optimize(tools, steps=4, noise=0.5, seed=3).w_plus)
    assert not torch.equal(first.w_plus, optimize(tools, steps=4, noise=0.5, seed=4).w_plus)


def test_w_space_keeps_one_style_for_all_layers(tools):
    w_plus = optimize(tools, steps=4, space="w").w_plus
    assert torch.equal(w_plus, w_plus[:, :1].expand_as(w_plus))


def test_the_deadline_holds_and_there_is_always_a_result(tools):
    result = optimize(tools, seconds=0.0001)
    assert result.steps == 1
    assert torch.isfinite(result.w_plus).all()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled("canceled")])
def test_an_interruption_keeps_the_best(tools, interrupt_at, error):
    result = optimize(tools, steps=50, callback=interrupt_at(2, error))
    assert result.interrupted
    assert result.steps == 2  # the third was not finished
    assert result.mse[0] < float("inf")


def test_the_callback_gets_progress_and_a_preview(tools):
    steps = []
    optimize(tools, steps=3, callback=steps.append)
    assert [step["step"] for step in steps] == [0, 1, 2]
    assert all(step["img"].shape == (1, 3, 256, 256) for step in steps)
    assert steps[-1]["best"] <= steps[0]["loss"]


def test_a_loss_of_nan_does_not_replace_the_best(tools, monkeypatch):
    calls = iter(range(100))
    synthesis_at = tools["G"].synthesis_at

    def sometimes_nan(w_plus, resolution, noise_mode="const"):
        img = synthesis_at(w_plus, resolution, noise_mode)
        return img * float("nan") if next(calls) == 2 else img

    monkeypatch.setattr(tools["G"], "synthesis_at", sometimes_nan)
    result = optimize(tools, steps=6)
    assert torch.isfinite(result.w_plus).all()
    assert result.mse[0] < 10


def test_other_sizes_are_refused(tools):
    with pytest.raises(ShapeError, match="256"):
        invert_optimize(tools["G"], torch.zeros(1, 3, 128, 128), vgg=tools["vgg"], alexnet=tools["alexnet"])
