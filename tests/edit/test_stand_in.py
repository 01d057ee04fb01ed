"""Stand-ins: which layers they change, who is on the shortlist, and how attributes are brought back."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.stand_in import (
    CERTAIN_LOGIT,
    attribute_cost,
    kept_attributes,
    shortlist,
)
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS, Reading


def reading(n: int = 1, **values: float) -> Reading:
    attributes, details = torch.zeros(n, len(ATTRIBUTES)), torch.zeros(n, len(DETAILS))
    for name, value in values.items():
        if name in ATTRIBUTES:
            attributes[:, ATTRIBUTES.index(name)] = value
        else:
            details[:, DETAILS.index(name)] = value
    return Reading(attributes, torch.zeros(n, 128), details)


def test_glasses_and_beards_are_always_kept():
    assert kept_attributes(["age"]) == ("age", "glasses", "beard")
    assert kept_attributes([]) == ("glasses", "beard")
    assert {"yaw", "pitch"} <= set(kept_attributes(["pose"]))


def test_an_unknown_name_is_refused():
    with pytest.raises(LatentError, match="'nose' cannot be kept"):
        kept_attributes(["age", "nose"])


def test_the_shortlist_holds_the_nearest_people():
    guesses = torch.zeros(5, len(ATTRIBUTES))
    guesses[:, ATTRIBUTES.index("age")] = torch.tensor([20.0, 35.0, 50.0, 65.0, torch.nan])
    near = shortlist(torch.zeros(5, 8), guesses, reading(age=52.0), ("age", "beard"), 2)
    assert 2 in near
    assert 0 not in near


def test_only_kept_attributes_cost_and_certain_ones_do_not_differ():
    shown = reading(glasses=CERTAIN_LOGIT + 4, age=30.0)
    assert float(attribute_cost(reading(glasses=CERTAIN_LOGIT + 1, age=60.0), shown, ("glasses",))[0]) == 0
    assert float(attribute_cost(reading(glasses=-4.0), shown, ("glasses",))[0]) > 10
    assert float(attribute_cost(reading(age=60.0), shown, ("age",))[0]) == pytest.approx(25)
