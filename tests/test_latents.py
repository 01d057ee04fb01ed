"""Latents: seeds, truncation, and the parsing of layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceloom.errors import LatentError, ShapeError
from faceloom.latents import broadcast, check_w_plus, layer_groups, parse_layers, truncate, z_from_seeds

RESOLUTIONS = (4, 4, 8, 8, 16, 16, 32, 32, 64, 64)


def test_seeds_are_numpys_and_independent_of_the_batch():
    z = z_from_seeds([5, 9], 512)
    np.testing.assert_array_equal(z[:1].numpy(), np.random.RandomState(5).randn(1, 512).astype(np.float32))
    torch.testing.assert_close(z[1:], z_from_seeds([9], 512), rtol=0, atol=0)
    assert z_from_seeds([], 4).shape == (0, 4)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range(seed: int):
    with pytest.raises(LatentError, match="out of range"):
        z_from_seeds([seed])


def test_truncation_is_exact_at_0_and_1_and_limited_by_the_cutoff():
    w_plus, w_avg = torch.randn(2, 10, 16), torch.randn(16)
    assert torch.equal(truncate(w_plus, w_avg, 1), w_plus)
    torch.testing.assert_close(truncate(w_plus, w_avg, 0), broadcast(w_avg.repeat(2, 1), 10))
    truncated = truncate(w_plus, w_avg, 0.5, cutoff=4)
    assert torch.equal(truncated[:, 4:], w_plus[:, 4:])
    torch.testing.assert_close(truncated[:, :4], w_avg + 0.5 * (w_plus[:, :4] - w_avg))


def test_layers_are_grouped_by_resolution():
    assert layer_groups(RESOLUTIONS) == {"coarse": [0, 1, 2, 3], "middle": [4, 5, 6, 7], "fine": [8, 9]}


@pytest.mark.parametrize(
    ("text", "layers"),
    [("all", list(range(10))), ("coarse,9", [0, 1, 2, 3, 9]), ("0-2, 5", [0, 1, 2, 5]), ("fine,fine", [8, 9])],
)
def test_parse_layers(text: str, layers: list[int]):
    assert parse_layers(text, RESOLUTIONS) == layers


@pytest.mark.parametrize("text", ["", "rough", "3-1", "10", "-1", "1-99", "1,,2"])
def test_parse_layers_refuses(text: str):
    with pytest.raises(LatentError, match="does not name layers"):
        parse_layers(text, RESOLUTIONS)


def test_shape_errors_name_expected_and_got():
    with pytest.raises(ShapeError, match=r"w_plus: expected \[n, 23, 512\], got \[1, 18, 512\]"):
        check_w_plus(torch.zeros(1, 18, 512), 23, 512)
