"""Steering reaches the targets of people whose response is weak, crossed or bent."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import pytest
import torch

from faceloom.edit.apply import apply
from faceloom.edit.attributes import random_edits
from faceloom.edit.bounds import Bounds
from faceloom.edit.directions import Direction
from faceloom.edit.steer import BEYOND, SteerConfig, steer
from faceloom.errors import LatentError

NUM_WS, W_DIM = 4, 16


def basis() -> list[Direction]:
    vectors = torch.linalg.qr(torch.randn(W_DIM, 3, generator=torch.Generator().manual_seed(0)))[0].T
    facts = {"age": ("years", 14.0, 0.02), "smile": ("logit", 2.0, 0.3), "yaw": ("degrees", 8.0, 0.05)}
    return [
        Direction(name, vector, per_unit, unit, sigma, "hash", "tiny", None, "")
        for vector, (name, (unit, sigma, per_unit)) in zip(vectors, facts.items(), strict=True)
    ]


def make_reader(response: torch.Tensor, bend: float = 0.0):
    """Return a reader of a face whose attributes respond to the three directions, and less the further they go."""
    parts = basis()

    def read(coefficients: Mapping[str, float]) -> tuple[torch.Tensor, torch.Tensor]:
        w_plus = apply(W, parts, coefficients)
        steps = torch.stack([w_plus.mean(1)[0] @ d.vector / (d.per_unit * d.sigma) for d in parts])
        moved = response @ steps
        moved = moved / (1 + bend * moved.abs())
        sigma = torch.tensor([d.sigma for d in parts])
        identity = torch.cat([torch.ones(1), 0.3 * steps])
        return torch.tensor([40.0, 0.5, 0.0]) + moved * sigma, identity

    return read


W = torch.zeros(1, NUM_WS, W_DIM)


@pytest.mark.parametrize("bend", [0.0, 0.15])
def test_a_weak_and_crossed_response_is_estimated(bend: float):
    read = make_reader(torch.tensor([[0.5, 0.2, 0.0], [-0.3, 0.7, 0.1], [0.1, 0.0, 0.6]]), bend)
    result = steer(read, basis(), {"age": 54.0})
    assert result.after["age"] == pytest.approx(54, abs=1)
    assert result.after["smile"] == pytest.approx(0.5, abs=0.5)  # a quarter of its standard deviation
    assert result.after["yaw"] == pytest.approx(0.0, abs=2)
    assert result.coefficients["age"] > 16  # a true unit would have needed 14
    assert result.readings <= SteerConfig().direction_readings


def test_an_edit_and_its_opposite_cancel():
    result = steer(make_reader(torch.eye(3)), basis(), {"age": 50.0, "smile": 2.0})
    edited = apply(W, basis(), result.coefficients)
    back = apply(edited, basis(), {name: -value for name, value in result.coefficients.items()})
    torch.testing.assert_close(back, W, rtol=0, atol=1e-6)


def test_a_face_far_from_w_is_pulled_there_as_far_as_the_edit_is_long():
    far = torch.randn(1, NUM_WS, W_DIM, generator=torch.Generator().manual_seed(1))

    def spread(w_plus: torch.Tensor) -> float:
        return float((w_plus - w_plus.mean(1, keepdim=True)).norm() / (far - far.mean(1, keepdim=True)).norm())

    assert spread(apply(far, basis(), {})) == 1
    assert spread(apply(far, basis(), {"age": 0.6 * 14})) == pytest.approx(0.85)
    assert spread(apply(far, basis(), {"age": 2.0 * 14})) == pytest.approx(0.7)


def test_no_targets_change_nothing():
    result = steer(make_reader(torch.eye(3)), basis(), {})
    assert not any(result.coefficients.values())
    assert result.identity == 1
    assert result.readings == 1


def test_an_edit_stops_where_the_identity_would_change():
    read = make_reader(torch.eye(3))
    free = steer(read, basis(), {"age": 80.0})
    held = steer(read, basis(), {"age": 80.0}, bounds=Bounds(min_identity=0.9))
    assert free.identity < 0.9
    assert free.kept  # no minimum was given
    assert held.identity >= 0.9
    assert held.limited_by == ("identity",)
    assert 40 < held.after["age"] < free.after["age"]


def test_a_held_attribute_stays_within_its_bound():
    """Age drags smile along; no direction moves smile alone, so that age stops where smile reaches its bound."""
    read = make_reader(torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    free = steer(read, basis(), {"age": 68.0})
    held = steer(read, basis(), {"age": 68.0}, bounds=Bounds({"smile": 0.1, "yaw": 4.0}))
    smile_before, smile_free, smile_held = (
        1 / (1 + math.exp(-x)) for x in (0.5, free.after["smile"], held.after["smile"])
    )
    assert smile_free - smile_before > 0.1
    assert smile_held - smile_before <= 0.1
    assert held.limited_by == ("smile",)
    assert 41 < held.after["age"] < free.after["age"]


def test_a_bound_that_can_be_kept_does_not_limit():
    read = make_reader(torch.tensor([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    result = steer(read, basis(), {"age": 68.0}, bounds=Bounds({"smile": 0.1, "yaw": 4.0}))
    assert result.limited_by == ()
    assert result.after["age"] == pytest.approx(68, abs=1)


def test_an_attribute_that_is_only_held_limits():
    plain = make_reader(torch.eye(3))

    def read(coefficients: Mapping[str, float]) -> tuple[torch.Tensor, torch.Tensor]:
        values, identity = plain(coefficients)
        return torch.cat((values, values[:1] * 0.5)), identity

    result = steer(read, basis(), {"age": 60.0}, bounds=Bounds({"skin_tone": 6.0}), held=["skin_tone"])
    assert result.limited_by == ("skin_tone",)
    assert 48 < result.after["age"] <= 52


def test_targets_that_are_met_change_nothing():
    result = steer(make_reader(torch.eye(3)), basis(), {"age": 40.0}, bounds=Bounds(min_identity=1.0))
    assert not any(result.coefficients.values())
    assert result.readings == 1


def test_an_unreachable_target_gives_the_best_edit_and_says_so():
    result = steer(make_reader(torch.zeros(3, 3)), basis(), {"age": 90.0})
    assert result.after["age"] == pytest.approx(40)
    assert result.limited_by == (BEYOND,)
    assert not result.kept


def test_unknown_names_are_rejected():
    with pytest.raises(LatentError, match="cannot steer beard"):
        steer(make_reader(torch.eye(3)), basis(), {"beard": 1.0})


def test_random_edits_repeat_with_the_seed():
    def at(seed, **how):
        return random_edits(basis(), **how)(W, torch.Generator().manual_seed(seed))

    assert torch.equal(at(3), at(3))
    assert not torch.equal(at(3), at(4))
    assert torch.equal(at(3, max_length=0.0, sideways=0.0), W)


def test_random_edits_go_far_and_mostly_in_age():
    random = torch.Generator().manual_seed(0)
    edits = torch.cat([random_edits(basis(), 2.0, 0.0)(W, random) for _ in range(300)])[:, 0]
    steps = edits @ torch.stack([d.vector / (d.per_unit * d.sigma) for d in basis()]).T
    assert steps.abs().max() == pytest.approx(2.0, abs=0.05)
    assert (steps.abs().amax(dim=1) > 1).float().mean() > 0.65  # three quarters, of a square root
    assert 0.55 < (steps[:, 0].abs() > 1e-4).float().mean() < 0.78  # half, and a third of the rest
    assert abs((steps[:, 0] > 0).sum() - (steps[:, 0] < 0).sum()) < 60


def test_a_watched_attribute_is_held_once_it_breaks_its_bound():
    read = make_reader(torch.tensor([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    bounds = Bounds({"smile": 0.1})
    free = steer(read, basis(), {"age": 44.0}, bounds=Bounds({"smile": 0.9}), watched=["smile"])
    held = steer(read, basis(), {"age": 68.0}, bounds=bounds, watched=["smile"])
    assert free.coefficients["smile"] == 0
    assert held.after["age"] == pytest.approx(68, abs=1)
    assert held.coefficients["smile"] < 0


def test_half_a_pair_of_glasses_is_no_edit():
    """Glasses, which move like the smile here, reach the bound of age before they are nearer to their target."""
    glasses = [dataclasses.replace(d, name={"smile": "glasses"}.get(d.name, d.name)) for d in basis()]
    plain = make_reader(torch.tensor([[0.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))

    def read(coefficients: Mapping[str, float]) -> tuple[torch.Tensor, torch.Tensor]:
        return plain({"smile" if name == "glasses" else name: value for name, value in coefficients.items()})

    config, bounds = SteerConfig(bound_weight=0.3), Bounds({"age": 1.0})
    result = steer(read, glasses, {"glasses": 4.0}, bounds=bounds, config=config)
    assert result.limited_by == ("age",)
    assert result.after["glasses"] == pytest.approx(0.5)
    assert not any(result.coefficients.values())
    smile = steer(plain, basis(), {"smile": 4.0}, bounds=bounds, config=config)
    assert any(smile.coefficients.values())


def test_a_weak_response_to_years_is_not_forced():
    read = make_reader(torch.diag(torch.tensor([0.5, 1.0, 1.0])))
    older, younger = (steer(read, basis(), {"age": age}, bounds=Bounds()) for age in (60.0, 20.0))
    assert older.coefficients["age"] == pytest.approx(
        28, abs=0.5
    )  # the target would need a step of 40 years, which tears
    assert older.limited_by == (BEYOND,)
    assert younger.coefficients["age"] < -35
    assert steer(read, basis(), {"age": 80.0}).coefficients["age"] <= 40.1


def test_changes_and_bounds_count_from_before_earlier_edits():
    read = make_reader(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.4, 0.0, 1.0]]))
    earlier = {"yaw": 6.0}

    def read_on(coefficients: Mapping[str, float]) -> tuple[torch.Tensor, torch.Tensor]:
        return read({**coefficients, "yaw": coefficients.get("yaw", 0.0) + earlier["yaw"]})

    result = steer(read_on, basis(), {"age": 54.0, "yaw": 6.0}, bounds=Bounds({"smile": 0.15}), since=read({}))
    assert result.before == pytest.approx({"age": 40.0, "smile": 0.5, "yaw": 0.0})
    assert result.after["age"] == pytest.approx(54, abs=1)
    assert result.after["yaw"] == pytest.approx(6, abs=1)
    assert result.kept


def test_earlier_edits_use_up_a_bound():
    read = make_reader(torch.eye(3))

    def read_on(coefficients: Mapping[str, float]) -> tuple[torch.Tensor, torch.Tensor]:
        return read({**coefficients, "yaw": coefficients.get("yaw", 0.0) + 6.0})

    bounds = Bounds(min_identity=0.97)
    fresh = steer(read, basis(), {"age": 54.0}, bounds=bounds)
    turned = steer(read_on, basis(), {"age": 54.0, "yaw": 6.0}, bounds=bounds, since=read({}))
    assert turned.identity >= 0.97
    assert turned.after["age"] < fresh.after["age"]
    assert "identity" in turned.limited_by
