"""Statistics of w: axes, standard deviations, and the distance of a latent."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.latent_statistics import measure_latents, sample_w, statistics_of
from faceloom.latents import broadcast


def test_axes_and_variances_are_those_of_the_sample():
    mixing = torch.diag(torch.tensor([1.0, 3.0, 0.5]))
    w = torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0)) @ mixing + 7
    measured = statistics_of(w)
    torch.testing.assert_close(measured.variances, torch.tensor([9, 1, 0.25]).double(), rtol=0.05, atol=0)
    assert measured.sigma(torch.tensor([0.0, 1.0, 0.0])) == pytest.approx(3, rel=0.02)
    assert measured.axes.amax(0).min() > 0.9  # every axis points up its largest number


def test_generated_faces_are_one_standard_deviation_out(tiny):
    statistics = measure_latents(tiny, 2000)
    distance = statistics.distance(broadcast(sample_w(tiny, 500, seed=5), tiny.num_ws))
    assert distance.shape == (500, tiny.num_ws)
    assert float(distance.square().mean()) == pytest.approx(1, rel=0.1)
    assert float(statistics.distance(statistics.mean.float().expand(1, 8, 16)).max()) < 1e-5


def test_samples_repeat(tiny):
    assert torch.equal(sample_w(tiny, 3), sample_w(tiny, 3))
    assert not torch.equal(sample_w(tiny, 3), sample_w(tiny, 3, seed=1))
