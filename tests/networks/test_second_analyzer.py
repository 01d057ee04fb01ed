"""The second analyzer: shapes, crop and expected age."""

from __future__ import annotations

import pytest
import torch

from faceloom.checkpoints.shipped import load_second_analyzer
from faceloom.errors import ShapeError
from faceloom.networks.second_analyzer import AGE_BINS, AGE_STEP, SECOND_ATTRIBUTES, crop_closely, expected_age


def test_shipped_weights_read_a_batch_as_each_face_alone():
    net = load_second_analyzer()
    img = torch.rand(2, 3, 96, 96) * 2 - 1
    with torch.no_grad():
        both = net(img)
        alone = torch.cat([net(img[:1]), net(img[1:])])
    assert both.shape == (2, len(SECOND_ATTRIBUTES))
    torch.testing.assert_close(both, alone, rtol=1e-3, atol=1e-3)


def test_expected_age_is_the_mean_of_the_bins():
    logits = torch.full((1, AGE_BINS), -100.0)
    logits[0, 5] = logits[0, 7] = 0.0
    assert expected_age(logits).item() == pytest.approx(6 * AGE_STEP)


def test_crop_has_the_resolution_of_the_network():
    assert crop_closely(torch.zeros(2, 3, 256, 256)).shape == (2, 3, 96, 96)
    with pytest.raises(ShapeError, match="expected"):
        crop_closely(torch.zeros(1, 3, 32, 32))
