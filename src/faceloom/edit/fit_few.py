"""Directions fitted from a few likenesses: two groups of people, or people with a number each.

Works on latents, without networks, images or files. `directions.fit` is for thousands of labeled faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.edit.directions import Direction, Labels
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.edit.mix import WPlusBatch
from faceloom.errors import LatentError, ShapeError
from faceloom.latents import WPlus
from faceloom.likeness import NamedGenerator

RIDGE_SAMPLES = 300.0  # the ridge is RIDGE_SAMPLES / n times the mean variance of w
MIN_PEOPLE = 2  # in each group


@dataclass(frozen=True, eq=False)
class FitFewConfig:
    """Settings of a fit."""

    hold: Sequence[Direction] = ()  # directions whose attributes the new direction must not change
    per_layer: bool = False  # one vector for each layer instead of one for all
    layers: Sequence[int] | None = None  # layers that the direction applies to; None means all
    notes: str = ""  # saved with the direction


@dataclass(frozen=True, eq=False)
class FewShotFit:
    """A fitted direction, with a measure of how far it can be trusted.

    Convention: `agreement` is measured on people left out of the fit one at a time. For two groups it is the part that
    lands on the side of its own group, each group counting half (0.5 is chance); for numbers it is the correlation (0
    is chance). `readings [n]` are the readings of these people, positives first: the position of each along the step,
    in steps from the mean face.
    """

    direction: Direction
    agreement: float
    readings: Tensor


def from_groups(
    name: str,
    positive: WPlusBatch,
    negative: WPlusBatch,
    *,
    statistics: LatentStatistics,
    generator: NamedGenerator,
    config: FitFewConfig = FitFewConfig(),
) -> FewShotFit:
    """Fit a direction from two groups of people; a strength of 1 is one standard deviation, towards the positives.

    The method is linear discriminant analysis with a known covariance: not the samples' (dozens cannot determine
    512 x 512 numbers), but that of the generator's latents, S. The classifier is `b = (S + r I)^-1 (m+ - m-)`, and the
    most natural step that raises it is `S b`: the difference of the means, with narrow axes shrunk by `s / (s + r)`,
    because noise would hide the difference between the groups there. r falls with the number of samples n
    (`RIDGE_SAMPLES / n` times the mean variance) and is 0 in the limit.

    Convention: positive and negative `[n, num_ws, w_dim]`; the mean style of each person counts and the vector is
    `[w_dim]`, or with `per_layer` `[num_ws, w_dim]`, which needs more pictures. Directions in `hold` are held as far as
    a straight line can: give directions that were fitted with nothing held, or the new one changes what they held.
    Raises LatentError for fewer than two people in a group, ShapeError when the shapes differ.
    Source: Hastie et al. 2009, section 4.3 (LDA).
    """
    if min(len(positive), len(negative)) < MIN_PEOPLE:
        raise LatentError(
            f"{len(positive)} positive and {len(negative)} negative people",
            f"give at least {MIN_PEOPLE} of each; from about 20 of each the result is good",
        )
    w_plus = torch.cat([positive, negative])
    values = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))])
    step, readings = _fit(w_plus, values, statistics, config)
    direction = _make_direction(name, step, statistics, generator, "sigma", config)
    return FewShotFit(direction, _balanced_accuracy(readings, values == 1), readings)


def from_values(
    name: str,
    w_plus: WPlus,
    values: Labels,
    *,
    unit: str,
    statistics: LatentStatistics,
    generator: NamedGenerator,
    config: FitFewConfig = FitFewConfig(),
) -> FewShotFit:
    """Fit a direction from people with a number each; a strength of 1 is one of `unit`.

    The method is that of `from_groups`, with the slope of w on the number in place of the difference of the means. With
    few people the step is shrunk, so that a strength of 1 moves by less than a unit.
    Raises LatentError for fewer than four people or numbers that are all the same, ShapeError when the counts differ.
    """
    if len(values) < 2 * MIN_PEOPLE or float(values.std()) == 0:
        raise LatentError(f"{len(values)} values that do not vary enough", "give at least four people who differ")
    step, readings = _fit(w_plus, values, statistics, config)
    agreement = torch.corrcoef(torch.stack([readings, values.double()]))[0, 1].nan_to_num()
    return FewShotFit(_make_direction(name, step, statistics, generator, unit, config), float(agreement), readings)


def _fit(w_plus: WPlus, values: Labels, statistics: LatentStatistics, config: FitFewConfig) -> tuple[Tensor, Tensor]:
    """Fit the step of one unit `[l, w_dim]` along the principal axes; read each person by a fit without that person."""
    if w_plus.ndim != 3 or len(w_plus) != len(values) or w_plus.shape[2] != len(statistics.mean):
        raise ShapeError(
            f"expected people [n, num_ws, {len(statistics.mean)}] with a value each, got {list(w_plus.shape)}"
        )
    x = (w_plus.double() - statistics.mean) @ statistics.axes  # [n num_ws w_dim]
    x = x if config.per_layer else x.mean(1, keepdim=True)  # [n l w_dim]
    y = values.double()
    readings = torch.stack([_read_left_out(i, x, y, statistics, config.hold) for i in range(len(x))])
    return _compute_step(x, y, statistics, config.hold), readings


def _compute_step(x: Tensor, y: Tensor, statistics: LatentStatistics, hold: Sequence[Direction]) -> Tensor:
    """Compute the natural step of one unit, `[l, w_dim]`: the slope of x on y, shrunk, without the held directions."""
    slope = torch.einsum("nlw,n->lw", x - x.mean(0), y - y.mean()) / (y - y.mean()).square().sum()
    step = slope * statistics.variances / (statistics.variances + _ridge(len(x), statistics))
    return _remove_held(step, hold, statistics)


def _read_left_out(i: int, x: Tensor, y: Tensor, statistics: LatentStatistics, hold: Sequence[Direction]) -> Tensor:
    """Read the position of person i along the step fitted to all others, in steps from the mean face."""
    others = torch.arange(len(x)) != i
    step = _compute_step(x[others], y[others], statistics, hold)  # [l w_dim]
    weights = step / (statistics.variances + statistics.floor)
    reading: Tensor = (weights * x[i]).sum() / (weights * step).sum().clamp_min(1e-12)
    return reading


def _balanced_accuracy(readings: Tensor, positive: Tensor) -> float:
    """Return the part of people on their group's side of the middle between the others' means, each group half."""
    correct = torch.zeros(len(readings), dtype=torch.float64)
    for i in range(len(readings)):
        others = torch.arange(len(readings)) != i
        middle = (readings[others & positive].mean() + readings[others & ~positive].mean()) / 2
        correct[i] = (readings[i] > middle) == positive[i]
    return float(correct[positive].mean() + correct[~positive].mean()) / 2


def _ridge(count: int, statistics: LatentStatistics) -> Tensor:
    return RIDGE_SAMPLES / count * statistics.variances.mean()


def _remove_held(step: Tensor, hold: Sequence[Direction], statistics: LatentStatistics) -> Tensor:
    """Remove from a step what the regressions of the held directions would read in it (conjugate in S^-1)."""
    if not hold:
        return step
    held = torch.stack([_mean_vector(direction).to(statistics.axes) @ statistics.axes for direction in hold], 1)
    weights = held / (statistics.variances + statistics.floor)[:, None]  # [w_dim k]
    removed: Tensor = held @ torch.linalg.solve(held.T @ weights, weights.T @ step.T)  # [w_dim l]
    return step - removed.T


def _mean_vector(direction: Direction) -> Tensor:
    return direction.vector if direction.vector.ndim == 1 else direction.vector.mean(0)


def _make_direction(
    name: str, step: Tensor, statistics: LatentStatistics, generator: NamedGenerator, unit: str, config: FitFewConfig
) -> Direction:
    vector = step @ statistics.axes.T  # [l w_dim]
    length = vector.norm(dim=1).max()
    if float(length) == 0:
        raise LatentError(f"nothing is left of '{name}'", "hold fewer directions, or give people who differ")
    weights = step / (statistics.variances + statistics.floor)
    sigma = float((weights.mean(0).square() @ statistics.variances).sqrt() / (weights * step).sum(1).mean())
    vector, in_sigma = (vector / length).float(), unit == "sigma"
    return Direction(
        name=name,
        vector=vector[0] if len(vector) == 1 else vector,
        per_unit=float(length) * (sigma if in_sigma else 1.0),
        unit=unit,
        sigma=1.0 if in_sigma else sigma,
        generator_hash=generator.hash,
        generator_name=generator.name,
        layers=None if config.layers is None else tuple(config.layers),
        notes=config.notes,
    )
