"""Directions from few samples: a known covariance and an agreement measured on people left out."""

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
TRUTH[3] = 1.0  # the true direction lies along one of the wide axes


def people(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, W_DIM, generator=torch.Generator().manual_seed(seed)) @ MIXING


STATISTICS: LatentStatistics = statistics_of(people(4000, seed=9))
GAP = 3 * STATISTICS.sigma(TRUTH) * TRUTH


def groups(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    w = people(2 * count, seed)
    return broadcast(w[:count] + GAP / 2, NUM_WS), broadcast(w[count:] - GAP / 2, NUM_WS)


def test_the_shrunk_step_is_purer_than_the_difference_of_the_means():
    positive, negative = groups(8)
    fit = from_groups("hat", positive, negative, statistics=STATISTICS, generator=Named())
    plain = (positive.mean((0, 1)) - negative.mean((0, 1)))[None]

    def purity(vector: Tensor) -> float:
        """Return the part of the step, in standard deviations of w, that lies along the true direction."""
        along = (vector.double() @ STATISTICS.axes) / STATISTICS.variances.sqrt()
        truth = (TRUTH.double() @ STATISTICS.axes) / STATISTICS.variances.sqrt()
        return float(torch.cosine_similarity(along.flatten(), truth, dim=0))

    assert purity(fit.direction.vector) > purity(plain) + 0.1
    assert fit.agreement > 0.8
    assert (fit.direction.unit, fit.direction.sigma) == ("sigma", 1.0)
    assert fit.readings.shape == (16,)


def test_many_samples_are_hardly_shrunk():
    positive, negative = groups(3000)
    fit = from_groups("hat", positive[:400], negative[:400], statistics=STATISTICS, generator=Named())
    assert float(fit.direction.vector @ TRUTH) > 0.95
    assert fit.direction.per_unit == pytest.approx(float(GAP.norm()) / 3, rel=0.2)  # one of the gap's three sigma


def test_the_agreement_of_chance_is_a_half():
    w = broadcast(people(60), NUM_WS)
    fit = from_groups("nothing", w[:20], w[20:], statistics=STATISTICS, generator=Named())  # groups of different sizes
    assert 0.25 < fit.agreement < 0.75


def test_a_direction_from_numbers():
    w = people(40)
    values = 30 + 10 * w @ TRUTH
    fit = from_values("age", broadcast(w, NUM_WS), values, unit="years", statistics=STATISTICS, generator=Named())
    assert fit.agreement > 0.8
    assert fit.direction.unit == "years"
    moved = step(broadcast(w, NUM_WS), fit.direction, 10)[:, 0] - w
    assert 0.2 < float((moved @ TRUTH).mean()) < 1.2  # ten years, shrunk


def test_held_directions_are_held():
    positive, negative = groups(200)
    other = torch.zeros(W_DIM)
    other[5] = 2.0
    held = from_groups(
        "smile",
        broadcast(people(200) + other, NUM_WS),
        broadcast(people(200, 1), NUM_WS),
        statistics=STATISTICS,
        generator=Named(),
    ).direction
    free = from_groups("hat", positive + other, negative, statistics=STATISTICS, generator=Named()).direction
    holding = FitFewConfig(hold=[held])
    holding_fit = from_groups(
        "hat", positive + other, negative, statistics=STATISTICS, generator=Named(), config=holding
    ).direction
    assert abs(float(holding_fit.vector[5])) < 0.5 * abs(float(free.vector[5]))
    with pytest.raises(LatentError, match="nothing is left"):
        from_groups("hat", positive * 0, negative * 0, statistics=STATISTICS, generator=Named())


def test_one_vector_for_each_layer():
    positive, negative = groups(50)
    positive[:, 2] = negative[:, 2] = 0
    config = FitFewConfig(per_layer=True, layers=[1, 2])
    fit = from_groups("hat", positive, negative, statistics=STATISTICS, generator=Named(), config=config)
    assert fit.direction.vector.shape == (NUM_WS, W_DIM)
    assert float(fit.direction.vector[2].norm()) < 1e-6
    assert float(fit.direction.vector.norm(dim=1).max()) == pytest.approx(1, abs=1e-5)
    assert fit.direction.layers == (1, 2)


def test_too_few_people_are_rejected():
    positive, negative = groups(2)
    from_groups("hat", positive, negative, statistics=STATISTICS, generator=Named())
    with pytest.raises(LatentError, match="1 positive and 2 negative"):
        from_groups("hat", positive[:1], negative, statistics=STATISTICS, generator=Named())
    with pytest.raises(LatentError, match="do not vary"):
        from_values("a", broadcast(people(9), 5), torch.ones(9), unit="u", statistics=STATISTICS, generator=Named())
    with pytest.raises(ShapeError):
        from_groups("hat", positive[..., :7], negative[..., :7], statistics=STATISTICS, generator=Named())
