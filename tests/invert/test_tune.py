"""Tuning: the latent stays, the generator stays, and the picture comes closer."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.invert.tune import TuneConfig, invert_tune
from faceloom.latents import broadcast
from faceloom.networks.generator import image_at
from faceloom.networks.tuned import Tuned


def tune(tools, **config):
    given = {name: config.pop(name, None) for name in ("callback", "delta", "neighbour")}
    config = TuneConfig(**({"seconds": None, "rank": 4} | config))
    w_plus = broadcast(tools["G"].w_avg[None], tools["G"].num_ws)
    return invert_tune(tools["G"], tools["img"], w_plus, alexnet=tools["alexnet"], config=config,
                       **given)  # fmt: skip


def test_more_steps_come_closer_and_the_generator_is_not_touched(tools):
    before = {name: weight.clone() for name, weight in tools["G"].named_parameters()}
    few, more = tune(tools, steps=1), tune(tools, steps=12)
    assert more.mse[0] < few.mse[0]
    assert torch.equal(few.w_plus, more.w_plus)
    assert all(torch.equal(weight, before[name]) for name, weight in tools["G"].named_parameters())


def test_what_is_kept_draws_what_was_measured(tools):
    found = tune(tools, steps=8)
    drawn = image_at(Tuned(tools["G"], found.delta), found.w_plus, 256).clamp(-1, 1)
    assert found.mse[0] == pytest.approx((drawn - tools["img"]).square().mean().item(), rel=1e-4)


def test_steps_and_seed_decide_everything(tools):
    first, second = tune(tools, steps=7), tune(tools, steps=7)
    assert all(torch.equal(first.delta[name], second.delta[name]) for name in first.delta)


def test_it_goes_on_from_a_delta(tools):
    first = tune(tools, steps=8)
    assert tune(tools, steps=1, delta=first.delta).mse[0] == pytest.approx(first.mse[0], rel=1e-3)


def test_an_interruption_keeps_the_best(tools):
    def stop(step):
        if step["step"] == 2:
            raise KeyboardInterrupt

    found = tune(tools, steps=50, callback=stop)
    assert found.interrupted
    assert found.steps == 2


def test_one_person_at_a_time(tools):
    with pytest.raises(ShapeError, match="256"):
        invert_tune(tools["G"], torch.zeros(2, 3, 256, 256), torch.zeros(2, 8, 16), alexnet=tools["alexnet"])


def test_every_third_step_looks_after_a_neighbour(tools):
    met = []

    def neighbour(w_plus, random):
        met.append(w_plus)
        return w_plus + torch.randn(w_plus.shape, generator=random)

    tune(tools, steps=6, neighbour=neighbour)
    assert len(met) == 2


def test_rank_0_changes_weights_as_a_whole(tools):
    whole, factors = (set(tune(tools, steps=1, rank=rank).delta) for rank in (0, 1))
    assert not any(name.endswith((".left", ".right")) for name in whole)
    assert any(name.endswith(".left") for name in factors)
