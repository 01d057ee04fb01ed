"""Resampling and modulation, each compared with its simplest implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from faceloom.networks import ops


def upfirdn2d_loop(x: np.ndarray, kernel: np.ndarray, up: int, down: int, padding: ops.Padding) -> np.ndarray:
    """Reference implementation: insert zeros, pad or crop, convolve by a loop, drop pixels."""
    left, right, top, bottom = padding
    height, width = x.shape
    wide = np.zeros((height * up, width * up))
    wide[::up, ::up] = x
    wide = np.pad(wide, ((max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))))
    wide = wide[max(-top, 0) : len(wide) - max(-bottom, 0), max(-left, 0) : wide.shape[1] - max(-right, 0)]
    rows, columns = kernel.shape
    out = np.zeros((wide.shape[0] - rows + 1, wide.shape[1] - columns + 1))
    for y in range(out.shape[0]):
        for x_ in range(out.shape[1]):
            out[y, x_] = (wide[y : y + rows, x_ : x_ + columns] * kernel[::-1, ::-1]).sum()
    return out[::down, ::down]


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("taps", "up", "down", "padding"),
    [
        ((4, 4), 1, 1, (1, 1, 1, 1)),
        ((4, 4), 2, 1, (2, 1, 2, 1)),
        ((4, 4), 1, 2, (1, 1, 1, 1)),
        ((3, 5), 1, 2, (2, 0, 1, 3)),
        ((3, 5), 3, 1, (4, 5, 0, 6)),
        ((12, 12), 2, 1, (-3, -2, -3, -2)),
        ((12, 6), 4, 1, (-1, 8, 20, 2)),
        ((6, 6), 2, 3, (4, 3, 2, 1)),
        ((1, 1), 1, 1, (0, 0, 0, 0)),
        ((4, 3), 1, 2, (-1, -2, 3, 3)),
    ],
)
def test_upfirdn2d_equals_a_loop(taps, up, down, padding, memory):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 3, 9, 8)), rng.normal(size=taps)
    expected = [[upfirdn2d_loop(plane, kernel, up, down, padding) for plane in image] for image in x]
    got = ops.upfirdn2d(torch.tensor(x).to(memory_format=memory), torch.tensor(kernel), up, down, padding)
    np.testing.assert_allclose(got.numpy(), np.array(expected), atol=1e-12)


def test_fir_kernel_is_separable_with_a_sum_of_one():
    kernel = ops.fir_kernel((1, 3, 3, 1))
    torch.testing.assert_close(kernel * 64, torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])))


def modulated_conv_per_image(x: torch.Tensor, weight: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Convolve as in the paper: every image has its own scaled and normalized weights."""
    out = []
    for image, s in zip(x, style, strict=True):
        w = weight * s[None, :, None, None]
        w = w / (w.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        out.append(F.conv2d(image[None], w, padding=1))
    return torch.cat(out)


def test_scaling_around_one_convolution_is_a_modulated_convolution():
    x, weight, style = torch.randn(3, 5, 8, 8), torch.randn(7, 5, 3, 3), torch.randn(3, 5)
    expected = modulated_conv_per_image(x, weight, style)
    got = ops.scale(F.conv2d(ops.scale(x, style), weight, padding=1), ops.demodulation(weight, style))
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_up_conv_equals_zeros_a_true_convolution_and_a_filter():
    x, weight, kernel = torch.randn(2, 3, 5, 5), torch.randn(4, 3, 3, 3), ops.fir_kernel((1, 3, 3, 1))
    zeros = torch.zeros(2, 3, 10, 10)
    zeros[:, :, ::2, ::2] = x
    filtered = ops.upfirdn2d(zeros, kernel * 4, padding=(3, 2, 3, 2))
    expected = F.conv2d(filtered, weight.flip(2, 3))
    torch.testing.assert_close(ops.up_conv(x, weight, kernel), expected, atol=1e-5, rtol=1e-5)


def test_scale_overwrites_its_input_only_without_gradients():
    x, factor = torch.ones(1, 2, 3, 3), torch.full((1, 2), 2.0)
    ops.scale(x, factor.requires_grad_())
    assert x.max() == 1
    with torch.no_grad():
        assert ops.scale(x, factor) is x


def test_leaky_relu_clamps_its_result_and_has_gradients():
    x = torch.linspace(-20, 20, 41, requires_grad=True)
    out = ops.leaky_relu(x * 1, clamp=2)
    torch.testing.assert_close(out, F.leaky_relu(x, 0.2).clamp(-2, 2))
    out.sum().backward()
    assert x.grad is not None
    assert x.grad[[0, 15, 25]].tolist() == [0, pytest.approx(0.2), 0]
