"""Smoothing of a series: lines are kept, noise is removed without lag, gaps are interpolated."""

from __future__ import annotations

import numpy as np
import pytest

from faceloom.smooth import OneEuroFilter, smooth


@pytest.mark.parametrize("order", [1, 2])
def test_constant_and_line_are_unchanged(order: int):
    slopes = (0.0, 2.0) if order == 2 else (0.0, 0.0)
    line = np.add(np.outer(np.arange(20.0), slopes), (3, -1))
    np.testing.assert_allclose(smooth(line, 50.0, order=order), line, atol=1e-8)


def test_noise_is_removed_without_lag():
    t = np.arange(80.0)
    truth = np.stack([np.sin(t / 8), np.cos(t / 11)], 1)
    noisy = truth + np.random.default_rng(0).normal(0, 0.05, truth.shape)
    smoothed = smooth(noisy, 5.0)
    assert np.diff(smoothed - truth, 2, axis=0).std() < 0.15 * np.diff(noisy - truth, 2, axis=0).std()
    errors = [np.square(np.roll(smoothed, -lag, 0) - truth)[5:-5].sum() for lag in (-2, -1, 0, 1, 2)]
    assert int(np.argmin(errors)) == 2  # no shift in time fits better
    assert errors[2] < 0.5 * np.square(noisy - truth)[5:-5].sum()


def test_gaps_are_interpolated():
    line = np.arange(12.0)[:, None] * 3
    weights = np.ones(12)
    weights[4:7] = 0
    holed = line.copy()
    holed[4:7] = np.nan
    np.testing.assert_allclose(smooth(holed, 1.0, weights=weights), line, atol=1e-8)


def test_short_series_is_unchanged():
    np.testing.assert_array_equal(smooth(np.array([(1.0,), (5.0,)]), 10.0), [(1.0,), (5.0,)])
    np.testing.assert_array_equal(smooth(np.array([(1.0,), (5.0,), (1.0,)]), 0.0), [(1.0,), (5.0,), (1.0,)])


def follow(values: np.ndarray, fps: float = 20.0, **settings: float) -> np.ndarray:
    filter = OneEuroFilter(**settings)
    return np.array([filter(np.array([value]), i / fps)[0] for i, value in enumerate(values)])


def test_the_one_euro_filter_removes_jitter_at_rest_and_little_of_a_motion():
    jitter = np.random.default_rng(0).normal(size=200) * 0.1
    assert follow(jitter, min_cutoff=1.0, speed_gain=0.0)[50:].std() < 0.6 * jitter.std()
    ramp = np.arange(100) * 1.0  # 20 units a second
    lag = (ramp - follow(ramp, min_cutoff=1.0, speed_gain=0.5))[-1]
    assert 0 <= lag < 0.25 * (ramp - follow(ramp, min_cutoff=1.0, speed_gain=0.0))[-1]


def test_the_one_euro_filter_keeps_a_constant_and_takes_equal_times():
    assert (follow(np.full(9, 3.0)) == 3.0).all()
    filter = OneEuroFilter()
    filter(np.zeros(2), 1.0)
    assert np.isfinite(filter(np.ones(2), 1.0)).all()
