"""Requested values and the targets that they become."""

from __future__ import annotations

import math

import pytest

from faceloom.analyze.attributes import MAX_PROBABILITY
from faceloom.edit.targets import compute_targets, drop_met, least_progress
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


def test_met_values_are_dropped():
    """A probability above one half is a minimum, below it a maximum; a change of 0 asks for nothing."""
    before = {"smile": 0.95, "glasses": 0.02, "mouth_open": 0.4, "age": 50.0}
    values = {"smile": 0.9, "glasses": 0.1, "mouth_open": 0.1, "age": 0.0}
    assert drop_met(values, before) == {"mouth_open": 0.1}
    assert drop_met({"smile": 0.1, "age": 5.0}, before) == {"smile": 0.1, "age": 5.0}


def test_an_edit_that_hardly_moves_a_probability_is_better_not_made():
    assert least_progress("glasses") == 0.5
    assert least_progress("beard") == 0.1
    assert least_progress("age") == 0.0
