"""Inversion within a budget: the order of the methods, and the limits that end it."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import Cancelled
from faceloom.invert.budget import OPTIMIZATION_SHARE, EncodeConfig, Plan, invert_within_budget, plan_budget
from faceloom.invert.quality import rate_quality


def invert(tools, **arguments):
    config = EncodeConfig(**({"seconds": None} | arguments.pop("config", {})))
    return invert_within_budget(tools["G"], tools["img"], alexnet=tools["alexnet"], config=config, **arguments)


def test_optimization_then_tuning_with_one_progress_for_both(tools):
    steps = []
    result = invert(tools, config={"steps": 20}, callback=steps.append)
    assert result.steps == 20
    assert [step["phase"] for step in steps] == ["optimize"] * 8 + ["tune"] * 12
    progress = [step["progress"] for step in steps]
    assert progress == sorted(progress)
    assert progress[8] == OPTIMIZATION_SHARE
    assert result.delta


def test_without_tuning_there_is_no_delta(tools):
    assert not invert(tools, config={"steps": 20, "tune": False}).delta


def test_without_time_the_encoder_guess_is_returned(tools):
    start = torch.full((1, 8, 16), 0.3)
    result = invert(tools, config={"seconds": 1e-9}, encoder_guess=lambda img: start)
    assert torch.equal(result.w_plus, start)
    assert result.steps == 0


def test_the_stop_condition_ends_it(tools):
    result = invert(tools, config={"steps": 60}, stop_when=lambda img: True)
    assert result.good_enough
    assert result.steps < 10


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled("canceled")])
def test_an_interruption_of_the_optimization_ends_all(tools, interrupt_at, error):
    result = invert(tools, config={"steps": 40}, callback=interrupt_at(3, error))
    assert result.interrupted
    assert result.steps == 3
    assert not result.delta


def test_the_deadline_ends_it(tools):
    result = invert(tools, config={"seconds": 0.5})
    assert result.steps < 1000
    assert result.seconds > 0  # the accuracy of the deadline is measured, not tested: docs/explanation/results.md


def test_the_plan_depends_on_the_machine_speed():
    assert plan_budget(EncodeConfig(1.0), 0.9, 0.1) == Plan()  # fewer than two steps fit
    assert plan_budget(EncodeConfig(3.0), 0.5, 0.1).tune is None
    assert plan_budget(EncodeConfig(10.0), 0.5, 0.1).tune is not None
    assert plan_budget(EncodeConfig(10.0), 0.5, 0.5).tune is None  # a slow machine
    assert plan_budget(EncodeConfig(None, 50), 9.0, 9.0).optimize.steps == 20
    assert plan_budget(EncodeConfig(100.0), 0.0, 0.1).optimize.seconds == 6.0
    assert plan_budget(EncodeConfig(100.0), 0.0, 0.1, from_guess=False).optimize.seconds == 40.0  # from the mean face


def test_the_quality_word_needs_both_figures():
    assert rate_quality({"lpips": 0.5, "identity": 1.0}) == "poor"
    assert rate_quality({"lpips": 0.01, "identity": 0.1}) == "poor"
    assert rate_quality({"lpips": 0.01, "identity": 0.99}) == "excellent"
