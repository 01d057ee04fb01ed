"""A puppet reaches readings that it can reach, stays within its limits, and rests at rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceloom.edit.puppet import LIMITS, MAX_STEP, Puppet


@pytest.fixture
def puppet(tiny) -> Puppet:
    """A puppet whose yaw also moves the smile."""
    torch.manual_seed(0)
    response = np.array([[1.0, 0.2], [0.3, 0.8]])
    steps = torch.randn(2, tiny.num_ws, tiny.w_dim)
    rest, scales = np.array([2.0, -1.0]), np.array([10.0, 2.0])
    return Puppet(tiny, tiny.w_avg.expand(1, tiny.num_ws, -1), ("yaw", "smile"), steps, rest, response, scales)


def test_at_rest_nothing_moves(puppet):
    assert np.allclose(puppet.solve(puppet.rest), 0)


def test_the_steps_reach_the_targets_in_spite_of_side_effects(puppet):
    targets = np.array([12.0, 1.0])
    reached = puppet.rest + puppet.scales * (puppet.response @ puppet.solve(targets))
    assert np.abs(reached - targets).max() < 0.1 * np.abs(targets - puppet.rest).max()


def test_wild_readings_are_limited(puppet):
    lengths = puppet.solve(np.array([900.0, -900.0]))
    assert np.abs(lengths).max() <= MAX_STEP
    assert np.allclose(lengths, puppet.solve(np.array([LIMITS["yaw"], -LIMITS["smile"]])))


def test_a_picture_follows(puppet):
    rest, moved = (puppet.draw(targets, 32) for targets in (puppet.rest, puppet.rest + 5))
    assert rest.shape == (1, 3, 32, 32)
    assert not torch.equal(rest, moved)
