"""Your own direction, from a few pictures: two groups of people, or people with a number each.

Knows latents: no networks, no images, no files. (`directions.fit` is for thousands of labelled people.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.edit.directions import Direction, Labels
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.errors import LatentError, ShapeError
from faceloom.latents import WPlus
from faceloom.likeness import NamedGenerator

SHRINK = 300.0
FEWEST = 2


@dataclass(frozen=True, eq=False)
class FitFewConfig:
    """How to fit."""

    hold: Sequence[Direction] = ()  # directions that stay where they are
    per_layer: bool = False  # a vector a layer instead of one
    layers: Sequence[int] | None = None  # where the direction is to apply, None: everywhere
    notes: str = ""  # kept with the direction


@dataclass(frozen=True, eq=False)
class FewShotFit:
    """A fitted direction and how far to trust it.

    Convention: `agreement` is measured on people left out of the fit one at a time: of two groups the part that lands
    on its own side, each side counting half (0.5 is chance); of numbers the correlation (0 is chance). `readings [n]`
    are theirs, in the order given, positives first: how far each lies along the step, in steps from the mean face.
    """

    direction: Direction
    agreement: float
    readings: Tensor


def from_groups(
    name: str,
    positive: WPlus,
    negative: WPlus,
    *,
    people: LatentStatistics,
    generator: NamedGenerator,
    config: FitFewConfig = FitFewConfig(),
) -> FewShotFit:
    """Fit a direction from two groups of people; a strength of 1 is one standard deviation, towards the positives.

    This is linear discriminant analysis with a known covariance: not the samples' (dozens cannot tell 512 x 512
    numbers), but that of the generator's own people, S. The classifier is `b = (S + r I)^-1 (m+ - m-)`, and the most
    natural step that raises it is `S b`: the difference of the means, narrow axes shrunk by `s / (s + r)`. There noise
    would drown what the groups differ in; r falls with the number of samples (`SHRINK` times the mean variance, divided
    by it) and is 0 in the limit.

    Convention: `[n, num_ws, w_dim]` each; each person counts by their mean style and the vector is `[w_dim]`, or with
    `per_layer` `[num_ws, w_dim]`, which wants more pictures. Directions in `hold` stay as far as a line can tell: give
    such as were fitted with nothing held, or what they held comes along.
    Raises LatentError for fewer than two people a side, ShapeError when the shapes differ.
    Source: Hastie et al. 2009, section 4.3 (LDA).
    """
    if min(len(positive), len(negative)) < FEWEST:
        raise LatentError(
            f"{len(positive)} positive and {len(negative)} negative people",
            f"give {FEWEST} of each at least; from about 20 of each it gets good",
        )
    w_plus = torch.cat([positive, negative])
    values = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))])
    step, readings = _fit(w_plus, values, people, config)
    direction = _direction(name, step, people, generator, "sigma", config)
    return FewShotFit(direction, _on_own_side(readings, values == 1), readings)


def from_values(
    name: str,
    w_plus: WPlus,
    values: Labels,
    *,
    unit: str,
    people: LatentStatistics,
    generator: NamedGenerator,
    config: FitFewConfig = FitFewConfig(),
) -> FewShotFit:
    """Fit a direction from people with a number each; a strength of 1 is one of `unit`.

    As `from_groups`, with the slope of w on the number in place of the difference of the means; with few people the
    step is shrunk, so that a unit falls short of one.
    Raises LatentError for fewer than four people or numbers that are all the same, ShapeError when the counts differ.
    """
    if len(values) < 2 * FEWEST or float(values.std()) == 0:
        raise LatentError(f"{len(values)} values that do not vary enough", "give four people who differ, at least")
    step, readings = _fit(w_plus, values, people, config)
    agreement = torch.corrcoef(torch.stack([readings, values.double()]))[0, 1].nan_to_num()
    return FewShotFit(_direction(name, step, people, generator, unit, config), float(agreement), readings)


def _fit(w_plus: WPlus, values: Labels, people: LatentStatistics, config: FitFewConfig) -> tuple[Tensor, Tensor]:
    """The step of one unit `[l, w_dim]` along the principal axes, and every person's reading by a fit without them."""
    if w_plus.ndim != 3 or len(w_plus) != len(values) or w_plus.shape[2] != len(people.mean):
        raise ShapeError(f"expected people [n, num_ws, {len(people.mean)}] with a value each, got {list(w_plus.shape)}")
    x = (w_plus.double() - people.mean) @ people.axes  # [n num_ws w_dim]
    x = x if config.per_layer else x.mean(1, keepdim=True)  # [n l w_dim]
    y = values.double()
    readings = torch.stack([_read_without(i, x, y, people, config.hold) for i in range(len(x))])
    return _step(x, y, people, config.hold), readings


def _step(x: Tensor, y: Tensor, people: LatentStatistics, hold: Sequence[Direction]) -> Tensor:
    """The natural step of one unit, `[l, w_dim]`: the slope of x on y, shrunk, less what is held."""
    slope = torch.einsum("nlw,n->lw", x - x.mean(0), y - y.mean()) / (y - y.mean()).square().sum()
    step = slope * people.variances / (people.variances + _ridge(len(x), people))
    return _without(step, hold, people)


def _read_without(i: int, x: Tensor, y: Tensor, people: LatentStatistics, hold: Sequence[Direction]) -> Tensor:
    """How far person i lies along the step that all others give, in steps from the mean face."""
    others = torch.arange(len(x)) != i
    step = _step(x[others], y[others], people, hold)  # [l w_dim]
    weights = step / (people.variances + people.floor)
    reading: Tensor = (weights * x[i]).sum() / (weights * step).sum().clamp_min(1e-12)
    return reading


def _on_own_side(readings: Tensor, positive: Tensor) -> float:
    """The part of people that lie on their own group's side of the middle between the others', each side half."""
    right = torch.zeros(len(readings), dtype=torch.float64)
    for i in range(len(readings)):
        others = torch.arange(len(readings)) != i
        middle = (readings[others & positive].mean() + readings[others & ~positive].mean()) / 2
        right[i] = (readings[i] > middle) == positive[i]
    return float(right[positive].mean() + right[~positive].mean()) / 2


def _ridge(count: int, people: LatentStatistics) -> Tensor:
    return SHRINK / count * people.variances.mean()


def _without(step: Tensor, hold: Sequence[Direction], people: LatentStatistics) -> Tensor:
    """Take out of a step what the held directions' own regressions would read in it (conjugate in S^-1)."""
    if not hold:
        return step
    held = torch.stack([_one_vector(direction).to(people.axes) @ people.axes for direction in hold], 1)  # [w_dim k]
    weights = held / (people.variances + people.floor)[:, None]
    carried: Tensor = held @ torch.linalg.solve(held.T @ weights, weights.T @ step.T)  # [w_dim l]
    return step - carried.T


def _one_vector(direction: Direction) -> Tensor:
    return direction.vector if direction.vector.ndim == 1 else direction.vector.mean(0)


def _direction(
    name: str, step: Tensor, people: LatentStatistics, generator: NamedGenerator, unit: str, config: FitFewConfig
) -> Direction:
    vector = step @ people.axes.T  # [l w_dim]
    length = vector.norm(dim=1).max()
    if float(length) == 0:
        raise LatentError(f"nothing is left of '{name}'", "hold fewer directions, or give people who differ")
    weights = step / (people.variances + people.floor)
    spread = float((weights.mean(0).square() @ people.variances).sqrt() / (weights * step).sum(1).mean())
    vector, in_sigma = (vector / length).float(), unit == "sigma"
    return Direction(
        name=name,
        vector=vector[0] if len(vector) == 1 else vector,
        per_unit=float(length) * (spread if in_sigma else 1.0),
        unit=unit,
        sigma=1.0 if in_sigma else spread,
        generator_hash=generator.hash,
        generator_name=generator.name,
        layers=None if config.layers is None else tuple(config.layers),
        notes=config.notes,
    )
