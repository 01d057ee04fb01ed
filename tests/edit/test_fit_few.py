"""Your own direction: few samples, a known covariance, honest agreement."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from faceloom.edit.directions import step
from faceloom.edit.fit_few import FitFewConfig, from_groups, from_values
from faceloom.edit.latent_statistics import LatentStatistics, statistics_of
from faceloom.errors import LatentError, ShapeError
from faceloom.latents import broadcast


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


W_DIM, NUM_WS = 32, 5
MIXING = torch.diag(torch.logspace(0.5, -1, W_DIM))
TRUTH = torch.zeros(W_DIM)
TRUTH[3] = 1.0  # what is asked for lies along one of the wide axes


def people(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, W_DIM, generator=torch.Generator().manual_seed(seed)) @ MIXING


SPREAD: LatentStatistics = statistics_of(people(4000, seed=9))
GAP = 3 * SPREAD.sigma(TRUTH) * TRUTH


def groups(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    w = people(2 * count, seed)
    return broadcast(w[:count] + GAP / 2, NUM_WS), broadcast(w[count:] - GAP / 2, NUM_WS)


def test_the_shrunk_step_is_purer_than_the_difference_of_the_means():
    positive, negative = groups(8)
    own = from_groups("hat", positive, negative, people=SPREAD, generator=Named())
    plain = (positive.mean((0, 1)) - negative.mean((0, 1)))[None]

    def purity(vector: Tensor) -> float:
        """Part of the step, measured in standard deviations of w, that goes where it should."""
        along = (vector.double() @ SPREAD.axes) / SPREAD.variances.sqrt()
        wanted = (TRUTH.double() @ SPREAD.axes) / SPREAD.variances.sqrt()
        return float(torch.cosine_similarity(along.flatten(), wanted, dim=0))

    assert purity(own.direction.vector) > purity(plain) + 0.1
    assert own.agreement > 0.8
    assert (own.direction.unit, own.direction.sigma) == ("sigma", 1.0)
    assert own.readings.shape == (16,)


def test_many_samples_need_no_shrinking():
    positive, negative = groups(3000)
    own = from_groups("hat", positive[:400], negative[:400], people=SPREAD, generator=Named())
    assert float(own.direction.vector @ TRUTH) > 0.95
    assert own.direction.per_unit == pytest.approx(float(GAP.norm()) / 3, rel=0.2)  # one of the gap's three sigma


def test_chance_is_a_half():
    w = broadcast(people(60), NUM_WS)
    own = from_groups("nothing", w[:20], w[20:], people=SPREAD, generator=Named())  # sides of unlike size, too
    assert 0.25 < own.agreement < 0.75


def test_numbers():
    w = people(40)
    values = 30 + 10 * w @ TRUTH
    own = from_values("age", broadcast(w, NUM_WS), values, unit="years", people=SPREAD, generator=Named())
    assert own.agreement > 0.8
    assert own.direction.unit == "years"
    moved = step(broadcast(w, NUM_WS), own.direction, 10)[:, 0] - w
    assert 0.2 < float((moved @ TRUTH).mean()) < 1.2  # ten years, shrunk


def test_what_is_held_stays():
    positive, negative = groups(200)
    other = torch.zeros(W_DIM)
    other[5] = 2.0
    held = from_groups(
        "smile",
        broadcast(people(200) + other, NUM_WS),
        broadcast(people(200, 1), NUM_WS),
        people=SPREAD,
        generator=Named(),
    ).direction
    free = from_groups("hat", positive + other, negative, people=SPREAD, generator=Named()).direction
    holding = FitFewConfig(hold=[held])
    kept = from_groups("hat", positive + other, negative, people=SPREAD, generator=Named(), config=holding).direction
    assert abs(float(kept.vector[5])) < 0.5 * abs(float(free.vector[5]))
    with pytest.raises(LatentError, match="nothing is left"):
        from_groups("hat", positive * 0, negative * 0, people=SPREAD, generator=Named())


def test_a_vector_a_layer():
    positive, negative = groups(50)
    positive[:, 2] = negative[:, 2] = 0
    config = FitFewConfig(per_layer=True, layers=[1, 2])
    own = from_groups("hat", positive, negative, people=SPREAD, generator=Named(), config=config)
    assert own.direction.vector.shape == (NUM_WS, W_DIM)
    assert float(own.direction.vector[2].norm()) < 1e-6
    assert float(own.direction.vector.norm(dim=1).max()) == pytest.approx(1, abs=1e-5)
    assert own.direction.layers == (1, 2)


def test_too_few():
    positive, negative = groups(2)
    from_groups("hat", positive, negative, people=SPREAD, generator=Named())
    with pytest.raises(LatentError, match="1 positive and 2 negative"):
        from_groups("hat", positive[:1], negative, people=SPREAD, generator=Named())
    with pytest.raises(LatentError, match="do not vary"):
        from_values("a", broadcast(people(9), 5), torch.ones(9), unit="u", people=SPREAD, generator=Named())
    with pytest.raises(ShapeError):
        from_groups("hat", positive[..., :7], negative[..., :7], people=SPREAD, generator=Named())
