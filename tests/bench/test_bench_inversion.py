"""Tests of the reference inversion methods: time budgets, output ranges and an unchanged generator."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from faceloom.networks.lpips import Lpips
from faceloom.networks.mobilestylegan import MobileStyleGAN

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("BENCH_PLAIN", "1")  # no memory settings in the tests' process
    from bench.inversion.ada import ramp
    from bench.inversion.clock import Budget, Pace
    from bench.inversion.methods import OTHERS
    from bench.inversion.networks import Networks, measure_networks
    from bench.inversion.pti import tune
    from bench.inversion.results import Row, append, medians, read_rows, rows_by_method


@pytest.fixture(scope="module")
def target() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(1, 3, 256, 256) * 2 - 1


@pytest.fixture(scope="module")
def distances() -> tuple[Lpips, Lpips]:
    torch.manual_seed(2)
    return Lpips("vgg16").requires_grad_(False), Lpips("alexnet").requires_grad_(False)


@pytest.fixture
def networks(tiny: MobileStyleGAN, distances: tuple[Lpips, Lpips]) -> Networks:
    return measure_networks(tiny, *distances)


@pytest.mark.parametrize("name", ["ada", "puzer", "pti"])
def test_every_method_returns_an_image_and_keeps_the_generator(name: str, networks: Networks, target: Tensor):
    before = {key: value.clone() for key, value in networks.G.state_dict().items()}
    result = OTHERS[name](networks)(target, 0.01)
    assert result.img.shape == (1, 3, 256, 256)
    assert bool(result.img.isfinite().all())
    assert float(result.img.abs().max()) <= 1
    assert result.steps >= 1
    assert all(torch.equal(value, before[key]) for key, value in networks.G.state_dict().items())


def test_tuning_reduces_the_distance_to_the_target(networks: Networks, target: Tensor):
    w_plus = networks.G.w_avg.expand(1, networks.G.num_ws, -1)
    gray = torch.full_like(target, 0.5)
    G, steps = tune(networks, w_plus, gray, [0.0] * 5)
    before, after = networks.draw(w_plus), replace(networks, G=G).draw(w_plus)
    assert steps == 5
    assert float((after - gray).square().mean()) < float((before - gray).square().mean())


def test_schedule_is_compressed_only_when_it_does_not_fit():
    assert list(Budget(60).steps(4, Pace(), 60)) == [0.125, 0.375, 0.625, 0.875]
    late = Pace()
    late.record(10.0)
    assert list(Budget(1).steps(1000, late, 1)) == [pytest.approx(0.5, abs=0.01)]


def test_learning_rate_rises_stays_and_falls():
    assert ramp(0) == ramp(1) == 0
    assert ramp(0.025) == pytest.approx(0.5)
    assert ramp(0.05) == ramp(0.75) == 1
    assert ramp(0.875) == pytest.approx(0.5)


def test_results_are_read_back_and_medians_use_portraits_that_all_methods_completed(tmp_path: Path):
    rows = [
        Row(file, 10.0, name, 9.5, 12, lpips, 0.3, 0.02, 0.7, math.nan)
        for file, name, lpips in [("a", "ours", 0.1), ("a", "ada", 0.3), ("b", "ours", 0.2)]
    ]
    for row in rows:
        append(tmp_path / "results.csv", row)
    again = read_rows(tmp_path / "results.csv")
    assert [row.key for row in again] == [row.key for row in rows]
    assert {name: len(done) for name, done in rows_by_method(again)[10.0].items()} == {"ours": 1, "ada": 1}
    assert "| 3.00 | 1 of 1 |" in medians(again, ["ours", "ada"])
