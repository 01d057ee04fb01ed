"""What people say, as values to steer to."""

from __future__ import annotations

import math

import pytest

from faceloom.edit.targets import SURE, targets
from faceloom.errors import LatentError

BEFORE = {"age": 40.0, "smile": -1.0, "yaw": 3.0}


def test_changes_add_and_probabilities_are_absolute():
    wanted = targets({"age": 20, "yaw": -10, "smile": 0.8}, BEFORE)
    assert wanted == {"age": 60.0, "yaw": -7.0, "smile": pytest.approx(math.log(4))}


@pytest.mark.parametrize(("wish", "end"), [(1, SURE), (0, 1 - SURE)])
def test_certainty_has_an_end(wish: float, end: float):
    logit = targets({"smile": wish}, BEFORE)["smile"]
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(end)


@pytest.mark.parametrize(
    ("name", "wish"), [("smile", 1.2), ("smile", math.nan), ("age", 90), ("age", math.nan), ("hat", 1)]
)
def test_nonsense_is_refused(name: str, wish: float):
    with pytest.raises(LatentError) as caught:
        targets({name: wish}, BEFORE)
    assert caught.value.hint
