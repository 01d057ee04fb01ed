"""One clock: what is done when, and what ends it."""

from __future__ import annotations

import torch

from faceloom.invert.budget import SEARCH, EncodeConfig, Plan, invert_within, plan_for
from faceloom.invert.quality import word


def within(tools, **given):
    config = EncodeConfig(**({"seconds": None} | given.pop("config", {})))
    return invert_within(tools["G"], tools["img"], alexnet=tools["alexnet"], config=config, **given)


def test_search_then_tuning_and_one_progress_for_both(tools):
    seen = []
    found = within(tools, config={"steps": 20}, callback=seen.append)
    assert found.steps == 20
    assert [step["phase"] for step in seen] == ["search"] * 8 + ["tune"] * 12
    progress = [step["progress"] for step in seen]
    assert progress == sorted(progress)
    assert progress[8] == SEARCH
    assert found.delta


def test_without_tuning_there_is_a_latent_alone(tools):
    assert not within(tools, config={"steps": 20, "tune": False}).delta


def test_the_first_guess_counts(tools):
    start = torch.full((1, 8, 16), 0.3)
    found = within(tools, config={"seconds": 1e-9}, first=lambda img: start)
    assert torch.equal(found.w_plus, start)
    assert found.steps == 0


def test_it_ends_when_it_is_good_enough(tools):
    found = within(tools, config={"steps": 60}, enough=lambda img: True)
    assert found.enough
    assert found.steps < 10


def test_an_interruption_of_the_search_ends_all(tools):
    def stop(step):
        if step["step"] == 3:
            raise KeyboardInterrupt

    found = within(tools, config={"steps": 40}, callback=stop)
    assert found.interrupted
    assert found.steps == 3
    assert not found.delta


def test_a_deadline_ends_it(tools):
    found = within(tools, config={"seconds": 0.5})
    assert found.steps < 1000
    assert found.seconds > 0  # how well it is kept is measured, not tested: docs/inversion.md


def test_a_plan_knows_the_machine():
    assert plan_for(EncodeConfig(1.0), 0.9, 0.1) == Plan()  # not two steps
    assert plan_for(EncodeConfig(3.0), 0.5, 0.1).tune is None
    assert plan_for(EncodeConfig(10.0), 0.5, 0.1).tune is not None
    assert plan_for(EncodeConfig(10.0), 0.5, 0.5).tune is None  # a slow machine
    assert plan_for(EncodeConfig(None, 50), 9.0, 9.0).search.steps == 20
    assert plan_for(EncodeConfig(100.0), 0.0, 0.1).search.seconds == 6.0
    assert plan_for(EncodeConfig(100.0), 0.0, 0.1, near=False).search.seconds == 40.0  # from the mean face


def test_words_want_both_figures():
    assert word({"lpips": 0.5, "identity": 1.0}) == "poor"
    assert word({"lpips": 0.01, "identity": 0.1}) == "poor"
    assert word({"lpips": 0.01, "identity": 0.99}) == "excellent"
