"""Requested values and the targets that they become."""

from __future__ import annotations

import math

import pytest

from faceloom.analyze.attributes import MAX_PROBABILITY
from faceloom.edit.targets import compute_targets
from faceloom.errors import LatentError

BEFORE = {"age": 40.0, "smile": -1.0, "yaw": 3.0}


def test_changes_add_and_probabilities_are_absolute():
    result = compute_targets({"age": 20, "yaw": -10, "smile": 0.8}, BEFORE)
    assert result == {"age": 60.0, "yaw": -7.0, "smile": pytest.approx(math.log(4))}


@pytest.mark.parametrize(("value", "end"), [(1, MAX_PROBABILITY), (0, 1 - MAX_PROBABILITY)])
def test_probabilities_are_limited(value: float, end: float):
    logit = compute_targets({"smile": value}, BEFORE)["smile"]
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(end)


@pytest.mark.parametrize(
    ("name", "value"), [("smile", 1.2), ("smile", math.nan), ("age", 90), ("age", math.nan), ("hat", 1)]
)
def test_invalid_values_are_rejected(name: str, value: float):
    with pytest.raises(LatentError) as caught:
        compute_targets({name: value}, BEFORE)
    assert caught.value.hint
