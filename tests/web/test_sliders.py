"""Rails: previews between measured places."""

from __future__ import annotations

import math

import pytest

from faceloom.analyze.attributes import SLIDERS
from faceloom.errors import LatentError
from faceloom.web.sliders import SliderCurves, neutral, places, sliders, snapped, sure, touched

BEFORE = {"age": 30.0, "smile": 0.0, "glasses": -4.0, "yaw": 5.0, "pitch": 0.0, "mouth_open": -2.0, "gender": 3.0}


def test_without_a_knot_a_unit_is_a_unit():
    assert SliderCurves(BEFORE).coefficients({"age": 12.0}) == {"age": 12.0}
    assert SliderCurves(BEFORE).coefficients({"smile": 0.5}) == {"smile": 0.0}


def test_knots_are_met_and_between_them_is_between():
    rails = SliderCurves(BEFORE)
    rails.learn("age", 20.0, {"age": 30.0, "gender": 1.0})
    rails.learn("age", 40.0, {"age": 80.0, "gender": 3.0})
    assert rails.coefficients({"age": 20.0}) == {"age": 30.0, "gender": 1.0}
    assert rails.coefficients({"age": 30.0}) == pytest.approx({"age": 55.0, "gender": 2.0})
    assert rails.coefficients({"age": 10.0}) == pytest.approx({"age": 15.0, "gender": 0.5})
    assert rails.coefficients({"age": -10.0}) == {"age": -10.0}  # the other side has its own


def test_sliders_add_up():
    rails = SliderCurves(BEFORE)
    rails.learn("age", 20.0, {"age": 30.0, "smile": 1.0})
    both = rails.coefficients({"age": 20.0, "smile": 0.9})
    assert both["age"] == 30.0
    assert both["smile"] == pytest.approx(1.0 + math.log(9))


def test_what_is_missing_is_asked_for_once():
    rails = SliderCurves(BEFORE)
    missing = list(rails.missing())
    assert missing[0] == ("age", 20.0)
    assert ("gender", 0.95) not in missing  # nearly there already
    for name, wish in missing:
        rails.learn(name, wish, {name: 1.0})
    assert not list(rails.missing())
    assert SliderCurves.from_json(rails.to_json()) == rails


def test_what_cannot_be_steered_is_refused():
    with pytest.raises(LatentError):
        SliderCurves(BEFORE).coefficients({"beard": 1.0})


def test_every_slider_has_places_a_range_and_a_me():
    for name, slider in SLIDERS.items():
        low, high = slider.low, slider.high
        every = places(name, low)
        assert (every[0], every[-1]) == (low, high)
        assert all(snapped(name, place) == place for place in every)
    assert places("age", 11.0)[0] == 12.0
    me = neutral({"smile": 0.204, "age": 44})
    assert (me["smile"], me["age"]) == (0.204, 0.0)
    assert touched({**me, "age": 3.0}, me) == {"age": 3.0}
    assert {slider["name"] for slider in sliders({}, SLIDERS)} == set(SLIDERS)
    assert [slider["name"] for slider in sliders({}, ["yaw", "age"])] == ["age", "yaw"]


def test_nobody_smiles_less_for_asking_for_more():
    assert sure(1.0, 0.99) == 0.99
    assert sure(0.98, 0.99) == 0.97  # a little less than now: as near as steering aims
    assert sure(1.0, 0.4) == 0.97
    assert sure(0.0, 0.001) == 0.001
    assert sure(0.5, 0.99) == 0.5
    assert touched({"smile": 1.0}, {"smile": 0.99}) == {}
