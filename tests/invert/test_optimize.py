"""The search: it finds what it looks for, repeats itself, and stops when told."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.invert.optimize import OptimizeConfig, invert_optimize


def search(tools, **config):
    callback = config.pop("callback", None)
    config = OptimizeConfig(**({"seconds": None} | config))
    return invert_optimize(tools["G"], tools["img"], vgg=tools["vgg"], alexnet=tools["alexnet"], config=config,
                           callback=callback)  # fmt: skip


def test_more_steps_come_closer(tools):
    few, more = search(tools, steps=1), search(tools, steps=12)
    assert more.mse[0] < few.mse[0]
    assert (few.steps, more.steps) == (1, 12)
    assert more.w_plus.shape == (1, 8, 16)


def test_steps_and_seed_decide_everything(tools):
    first = search(tools, steps=4, noise=0.5, seed=3)
    assert torch.equal(first.w_plus, search(tools, steps=4, noise=0.5, seed=3).w_plus)
    assert not torch.equal(first.w_plus, search(tools, steps=4, noise=0.5, seed=4).w_plus)


def test_w_space_keeps_one_style_for_all_layers(tools):
    w_plus = search(tools, steps=4, space="w").w_plus
    assert torch.equal(w_plus, w_plus[:, :1].expand_as(w_plus))


def test_the_deadline_holds_and_something_is_always_found(tools):
    found = search(tools, seconds=0.0001)
    assert found.steps == 1
    assert torch.isfinite(found.w_plus).all()


def test_an_interruption_keeps_the_best(tools):
    def stop(step):
        if step["step"] == 2:
            raise KeyboardInterrupt

    found = search(tools, steps=50, callback=stop)
    assert found.interrupted
    assert found.steps == 2  # the third was not finished
    assert found.mse[0] < float("inf")


def test_the_callback_sees_progress_and_a_preview(tools):
    seen = []
    search(tools, steps=3, callback=seen.append)
    assert [step["step"] for step in seen] == [0, 1, 2]
    assert all(step["img"].shape == (1, 3, 256, 256) for step in seen)
    assert seen[-1]["best"] <= seen[0]["loss"]


def test_a_loss_that_is_no_number_does_not_spoil_the_best(tools, monkeypatch):
    calls = iter(range(100))
    draw = tools["G"].synthesis_at

    def sometimes_nan(w_plus, resolution, noise_mode="const"):
        img = draw(w_plus, resolution, noise_mode)
        return img * float("nan") if next(calls) == 2 else img

    monkeypatch.setattr(tools["G"], "synthesis_at", sometimes_nan)
    found = search(tools, steps=6)
    assert torch.isfinite(found.w_plus).all()
    assert found.mse[0] < 10


def test_other_sizes_are_refused(tools):
    with pytest.raises(ShapeError, match="256"):
        invert_optimize(tools["G"], torch.zeros(1, 3, 128, 128), vgg=tools["vgg"], alexnet=tools["alexnet"])
