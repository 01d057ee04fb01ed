"""Steering: attributes reach their values on people whose response is weak, crossed or bent; ends are exact."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.attributes import random_edits
from faceloom.edit.directions import Direction
from faceloom.edit.steer import SteerConfig, apply, steer
from faceloom.errors import LatentError

NUM_WS, W_DIM = 4, 16


def basis() -> list[Direction]:
    vectors = torch.linalg.qr(torch.randn(W_DIM, 3, generator=torch.Generator().manual_seed(0)))[0].T
    facts = {"age": ("years", 14.0, 0.02), "smile": ("logit", 2.0, 0.3), "yaw": ("degrees", 8.0, 0.05)}
    return [
        Direction(name, vector, per_unit, unit, sigma, "hash", "tiny", None, "")
        for vector, (name, (unit, sigma, per_unit)) in zip(vectors, facts.items(), strict=True)
    ]


def person(response: torch.Tensor, bend: float = 0.0):
    """A face whose attributes answer the three directions by `response`, and less the further they go."""
    parts = basis()

    def look(w_plus: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        steps = torch.stack([w_plus.mean(1)[0] @ d.vector / (d.per_unit * d.sigma) for d in parts])
        moved = response @ steps
        moved = moved / (1 + bend * moved.abs())
        sigma = torch.tensor([d.sigma for d in parts])
        identity = torch.cat([torch.ones(1), 0.3 * steps])
        return torch.tensor([40.0, 0.5, 0.0]) + moved * sigma, identity

    return look


W = torch.zeros(1, NUM_WS, W_DIM)


@pytest.mark.parametrize("bend", [0.0, 0.15])
def test_a_weak_and_crossed_response_is_learned(bend: float):
    look = person(torch.tensor([[0.5, 0.2, 0.0], [-0.3, 0.7, 0.1], [0.1, 0.0, 0.6]]), bend)
    found = steer(look, W, basis(), {"age": 54.0})
    assert found.after["age"] == pytest.approx(54, abs=1)
    assert found.after["smile"] == pytest.approx(0.5, abs=0.5)  # a quarter of its standard deviation
    assert found.after["yaw"] == pytest.approx(0.0, abs=2)
    assert found.coefficients["age"] > 16  # a true unit would have needed 14
    assert found.looks <= SteerConfig().looks


def test_the_coefficients_are_the_whole_edit():
    found = steer(person(torch.eye(3)), W, basis(), {"age": 50.0, "smile": 2.0})
    torch.testing.assert_close(apply(W, basis(), found.coefficients), found.w_plus, rtol=0, atol=0)
    back = apply(found.w_plus, basis(), {name: -value for name, value in found.coefficients.items()})
    torch.testing.assert_close(back, W, rtol=0, atol=1e-6)


def test_a_face_far_from_w_is_pulled_there_as_far_as_the_edit_is_long():
    far = torch.randn(1, NUM_WS, W_DIM, generator=torch.Generator().manual_seed(1))

    def spread(w_plus: torch.Tensor) -> float:
        return float((w_plus - w_plus.mean(1, keepdim=True)).norm() / (far - far.mean(1, keepdim=True)).norm())

    assert spread(apply(far, basis(), {})) == 1
    assert spread(apply(far, basis(), {"age": 0.6 * 14})) == pytest.approx(0.85)
    assert spread(apply(far, basis(), {"age": 2.0 * 14})) == pytest.approx(0.7)


def test_wanting_nothing_changes_nothing():
    found = steer(person(torch.eye(3)), W, basis(), {})
    assert torch.equal(found.w_plus, W)
    assert found.identity == 1
    assert found.looks == 1


def test_the_guard_stops_where_the_person_ends():
    look = person(torch.eye(3))
    free = steer(look, W, basis(), {"age": 80.0})
    held = steer(look, W, basis(), {"age": 80.0}, keep_identity=0.9)
    assert free.identity < 0.9
    assert free.kept  # nobody asked
    assert held.identity >= 0.9
    assert not held.kept
    assert 40 < held.after["age"] < free.after["age"]


def test_an_unreachable_wish_ends_with_the_best():
    found = steer(person(torch.zeros(3, 3)), W, basis(), {"age": 90.0})
    assert torch.isfinite(found.w_plus).all()
    assert found.after["age"] == pytest.approx(40)


def test_unknown_names_are_refused():
    with pytest.raises(LatentError, match="cannot steer beard"):
        steer(person(torch.eye(3)), W, basis(), {"beard": 1.0})


def test_wandering_is_an_edit_at_random_that_a_seed_repeats():
    def at(seed, **how):
        return random_edits(basis(), **how)(W, torch.Generator().manual_seed(seed))

    assert torch.equal(at(3), at(3))
    assert not torch.equal(at(3), at(4))
    assert torch.equal(at(3, far=0.0, aside=0.0), W)


def test_wandering_goes_far_and_mostly_in_age():
    random = torch.Generator().manual_seed(0)
    edits = torch.cat([random_edits(basis(), 2.0, 0.0)(W, random) for _ in range(300)])[:, 0]
    steps = edits @ torch.stack([d.vector / (d.per_unit * d.sigma) for d in basis()]).T
    assert steps.abs().max() == pytest.approx(2.0, abs=0.05)
    assert (steps.abs().amax(dim=1) > 1).float().mean() > 0.65  # three quarters, of a square root
    assert 0.55 < (steps[:, 0].abs() > 1e-4).float().mean() < 0.78  # half, and a third of the rest
    assert abs((steps[:, 0] > 0).sum() - (steps[:, 0] < 0).sum()) < 60
