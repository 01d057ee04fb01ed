"""The Frechet distance: known normal distributions, and too few pictures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.metrics.frechet import Moments, describe_shortage, fit_moments, frechet_distance, frechet_from_moments


def normals(seed: int, count: int, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return samples, mean and a factor of the covariance of a random normal distribution."""
    generator = torch.Generator().manual_seed(seed)
    factor = torch.randn(dim, dim, generator=generator, dtype=torch.float64) / dim**0.5
    mean = torch.randn(dim, generator=generator, dtype=torch.float64) * 0.3
    return torch.randn(count, dim, generator=generator, dtype=torch.float64) @ factor.T + mean, mean, factor


def test_scaled_normals_have_a_closed_form():
    """Compare with the closed form: N(0, s^2) and N(m, t^2) in each of d axes: d * ((s - t)^2 + m^2)."""
    eye = torch.eye(7, dtype=torch.float64)
    a, b = Moments(torch.zeros(7), 2 * eye), Moments(torch.full((7,), 0.5), 3 * eye)
    assert frechet_from_moments(a, b) == pytest.approx(7 * (1 + 0.25))


@pytest.mark.parametrize("dim", [8, 32])
def test_samples_agree_with_the_formula(dim: int):
    (x, mean_x, factor_x), (y, mean_y, factor_y) = normals(1, 20_000, dim), normals(2, 20_000, dim)
    exact = frechet_from_moments(Moments(mean_x, factor_x), Moments(mean_y, factor_y))
    assert frechet_distance(x, y) == pytest.approx(exact, rel=0.02)


def test_the_root_by_singular_values_is_the_matrix_root():
    """Compare with the eigenvalues of the product of both covariances."""
    x, y = normals(1, 500, 16)[0], normals(2, 400, 16)[0]
    product = torch.cov(x.T) @ torch.cov(y.T)
    root = torch.linalg.eigvals(product).real.sqrt().sum()
    exact = (x.mean(0) - y.mean(0)).square().sum() + torch.cov(x.T).trace() + torch.cov(y.T).trace() - 2 * root
    assert frechet_distance(x, y) == pytest.approx(float(exact), rel=1e-10)


def test_fewer_pictures_than_features_stay_exact():
    """Compare with an exact result: the centered samples are factors of their covariance."""
    x, y = normals(1, 20, 64)[0], normals(2, 30, 64)[0]
    a, b = ((z - z.mean(0)).T / (len(z) - 1) ** 0.5 for z in (x, y))
    exact = frechet_from_moments(Moments(x.mean(0), a), Moments(y.mean(0), b))
    assert frechet_distance(x, y) == pytest.approx(exact, rel=1e-9)
    assert fit_moments(x).factor.shape[1] == 19


def test_the_distance_of_a_set_from_itself_is_zero():
    x = normals(1, 100, 16)[0]
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(torch.ones(5, 3), torch.ones(4, 3)) == 0


def test_a_note_warns_of_too_few_pictures():
    few, many = torch.zeros(100, 16), torch.zeros(2000, 16)
    assert "only 100 pictures" in describe_shortage(few, many)
    assert "fewer than the 16 features" in describe_shortage(few[:12], many)
    assert describe_shortage(many, many) == ""


@pytest.mark.parametrize("shapes", [((1, 4), (9, 4)), pytest.param(((9, 4), (9, 5)), marks=pytest.mark.wrong_types)])
def test_features_of_other_shapes_are_refused(shapes: tuple[tuple[int, int], tuple[int, int]]):
    with pytest.raises(ShapeError):
        frechet_distance(torch.zeros(shapes[0]), torch.zeros(shapes[1]))
