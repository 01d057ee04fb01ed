"""The curvature: steps of unit length, down the gradient, shorter where the curvature is high."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.networks.curvature import Curvature


def curvature():
    net = Curvature(num_ws=3, w_dim=8, stiff=2)
    net.axes.copy_(torch.linalg.qr(torch.randn(8, 8)).Q)
    net.scales.uniform_(0.5, 2)
    net.stiff[:, 0, 0] = 0.9**0.5  # the first axis: scaled by a tenth
    return net


def test_it_goes_down_the_gradient():
    gradient = torch.randn(4, 3, 8)
    step = curvature()(gradient)
    assert ((step * gradient).flatten(1).sum(1) < 0).all()


def test_the_step_is_independent_of_the_gradients_length():
    net, gradient = curvature(), torch.randn(2, 3, 8)
    torch.testing.assert_close(net(gradient), net(100 * gradient))


def test_without_curvature_the_step_is_the_gradient():
    gradient = torch.randn(2, 3, 8)
    step = Curvature(num_ws=3, w_dim=8, stiff=2)(gradient)
    torch.testing.assert_close(step, -gradient / gradient.flatten(1).norm(dim=1)[:, None, None])


def test_steps_are_shorter_where_the_curvature_is_high():
    net = Curvature(num_ws=1, w_dim=8, stiff=1)
    net.stiff[0, 0, 0] = 0.9**0.5
    step = net(torch.ones(1, 1, 8))[0, 0]
    assert float(step[0] / step[1]) == pytest.approx(0.01, rel=1e-4)  # a tenth, twice


def test_a_zero_gradient_gives_a_zero_step():
    assert curvature()(torch.zeros(1, 3, 8)).abs().max() == 0


def test_another_shape_is_refused():
    with pytest.raises(ShapeError, match="3, 8"):
        curvature()(torch.zeros(1, 4, 8))
