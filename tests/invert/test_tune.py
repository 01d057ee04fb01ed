"""Pivotal tuning: the latent and the generator stay unchanged, and the image gets closer."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import Cancelled, ShapeError
from faceloom.invert.tune import TuneConfig, invert_tune
from faceloom.latents import broadcast
from faceloom.networks.generator import image_at
from faceloom.networks.tuned import Tuned


def tune(tools, **config):
    arguments = {name: config.pop(name, None) for name in ("callback", "delta", "neighbor")}
    config = TuneConfig(**({"seconds": None, "rank": 4} | config))
    w_plus = broadcast(tools["G"].w_avg[None], tools["G"].num_ws)
    return invert_tune(tools["G"], tools["img"], w_plus, alexnet=tools["alexnet"], config=config,
                       **arguments)  # fmt: skip


def test_more_steps_come_closer_and_the_generator_is_unchanged(tools):
    before = {name: weight.clone() for name, weight in tools["G"].named_parameters()}
    short, long = tune(tools, steps=1), tune(tools, steps=12)
    assert long.mse[0] < short.mse[0]
    assert torch.equal(short.w_plus, long.w_plus)
    assert all(torch.equal(weight, before[name]) for name, weight in tools["G"].named_parameters())


def test_the_delta_generates_the_measured_image(tools):
    result = tune(tools, steps=8)
    generated = image_at(Tuned(tools["G"], result.delta), result.w_plus, 256).clamp(-1, 1)
    assert result.mse[0] == pytest.approx((generated - tools["img"]).square().mean().item(), rel=1e-4)


def test_steps_and_seed_decide_everything(tools):
    first, second = tune(tools, steps=7), tune(tools, steps=7)
    assert all(torch.equal(first.delta[name], second.delta[name]) for name in first.delta)


def test_tuning_continues_from_a_delta(tools):
    first = tune(tools, steps=8)
    assert tune(tools, steps=1, delta=first.delta).mse[0] == pytest.approx(first.mse[0], rel=1e-3)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled("canceled")])
def test_an_interruption_keeps_the_best(tools, interrupt_at, error):
    result = tune(tools, steps=50, callback=interrupt_at(2, error))
    assert result.interrupted
    assert result.steps == 2


def test_one_person_at_a_time(tools):
    with pytest.raises(ShapeError, match="256"):
        invert_tune(tools["G"], torch.zeros(2, 3, 256, 256), torch.zeros(2, 8, 16), alexnet=tools["alexnet"])


def test_every_third_step_draws_a_neighbor(tools):
    latents = []

    def neighbor(w_plus, random):
        latents.append(w_plus)
        return w_plus + torch.randn(w_plus.shape, generator=random)

    tune(tools, steps=6, neighbor=neighbor)
    assert len(latents) == 2


def test_rank_0_changes_whole_weights(tools):
    whole, factors = (set(tune(tools, steps=1, rank=rank).delta) for rank in (0, 1))
    assert not any(name.endswith((".left", ".right")) for name in whole)
    assert any(name.endswith(".left") for name in factors)
