"""Curves of sliders: previews between measured knots."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from faceloom.analyze.attributes import HELD, SLIDERS
from faceloom.edit.bounds import IDENTITY
from faceloom.errors import LatentError
from faceloom.web import sliders
from faceloom.web.sliders import (
    SliderCurves,
    changed_values,
    limit_probability,
    make_sliders,
    neutral_slider_values,
    slider_positions,
    snap_to_position,
)

BEFORE = {"age": 30.0, "smile": 0.0, "glasses": -4.0, "yaw": 5.0, "pitch": 0.0, "mouth_open": -2.0, "gender": 3.0}


def test_without_knots_a_coefficient_is_the_requested_change():
    assert SliderCurves(BEFORE).predict({"age": 12.0}) == {"age": 12.0}
    assert SliderCurves(BEFORE).predict({"smile": 0.5}) == {"smile": 0.0}


def test_a_prediction_is_exact_at_knots_and_linear_between_them():
    curves = SliderCurves(BEFORE)
    curves.add_knot("age", 20.0, {"age": 30.0, "gender": 1.0})
    curves.add_knot("age", 40.0, {"age": 80.0, "gender": 3.0})
    assert curves.predict({"age": 20.0}) == {"age": 30.0, "gender": 1.0}
    assert curves.predict({"age": 30.0}) == pytest.approx({"age": 55.0, "gender": 2.0})
    assert curves.predict({"age": 10.0}) == pytest.approx({"age": 15.0, "gender": 0.5})
    assert curves.predict({"age": -10.0}) == {"age": -10.0}  # this side has no knot


def test_predictions_of_several_sliders_are_added():
    curves = SliderCurves(BEFORE)
    curves.add_knot("age", 20.0, {"age": 30.0, "smile": 1.0})
    both = curves.predict({"age": 20.0, "smile": 0.9})
    assert both["age"] == 30.0
    assert both["smile"] == pytest.approx(1.0 + math.log(9))


def test_missing_knots_are_listed_until_they_are_added():
    curves = SliderCurves(BEFORE)
    missing = list(curves.missing_knots())
    assert missing[0] == ("age", 20.0)
    assert ("gender", 0.95) not in missing  # the face is nearly there already
    for name, value in missing:
        curves.add_knot(name, value, {name: 1.0})
    assert not list(curves.missing_knots())
    assert SliderCurves.from_json(curves.to_json()) == curves


def test_a_curve_is_constant_beyond_a_limit():
    curves = SliderCurves(BEFORE)
    curves.add_limit("age", 20.0, 14.0, {"age": 28.0})
    assert curves.predict({"age": 7.0}) == {"age": 14.0}
    assert curves.predict({"age": 14.0}) == curves.predict({"age": 40.0}) == {"age": 28.0}
    assert curves.predict({"age": -7.0}) == {"age": -7.0}
    missing = [value for name, value in curves.missing_knots() if name == "age"]
    assert missing == [-20.0, -40.0]  # what lies beyond the limit is not measured
    assert SliderCurves.from_json(curves.to_json()) == curves


def test_newer_edits_replace_limits_and_knots_that_contradict_them():
    curves = SliderCurves(BEFORE)
    curves.add_limit("age", 20.0, 14.0, {"age": 28.0})
    curves.add_knot("age", 18.0, {"age": 30.0})
    assert curves.predict({"age": 18.0}) == {"age": 30.0}
    assert curves.predict({"age": 36.0}) == {"age": 60.0}
    curves.add_limit("age", 40.0, 10.0, {"age": 25.0})
    assert curves.predict({"age": 18.0}) == {"age": 25.0}


def test_a_limit_at_the_face_itself_changes_nothing():
    curves = SliderCurves(BEFORE)
    curves.add_limit("smile", 0.95, 0.0, {})
    assert curves.predict({"smile": 0.9}) == {}
    assert curves.predict({"smile": 0.2})["smile"] < 0


def test_curves_of_versions_without_limits_are_refused():
    with pytest.raises(TypeError):
        SliderCurves.from_json({"before": BEFORE, "knots": {"age": [[20.0, {"age": 30.0}]]}})


def test_every_attribute_that_limits_an_edit_has_a_name_on_the_page():
    words = json.loads((Path(sliders.__file__).parent / "ui/src/words/en.json").read_text(encoding="utf-8"))
    assert not [name for name in (*HELD, IDENTITY) if f"limit.{name}" not in words]


def test_an_unknown_attribute_is_refused():
    with pytest.raises(LatentError):
        SliderCurves(BEFORE).predict({"mood": 1.0})


def test_positions_cover_the_range_of_every_slider():
    for name, slider in SLIDERS.items():
        positions = slider_positions(name, slider.low)
        assert (positions[0], positions[-1]) == (slider.low, slider.high)
        assert all(snap_to_position(name, position) == position for position in positions)
    assert slider_positions("age", 11.0)[0] == 12.0


def test_sliders_have_a_neutral_value():
    neutral = neutral_slider_values({"smile": 0.204, "age": 44})
    assert (neutral["smile"], neutral["age"]) == (0.204, 0.0)
    assert changed_values({**neutral, "age": 3.0}, neutral) == {"age": 3.0}
    assert {slider.name for slider in make_sliders({}, SLIDERS)} == set(SLIDERS)
    assert [slider.name for slider in make_sliders({}, ["yaw", "age"])] == ["age", "yaw"]


def test_a_probability_beyond_the_limit_is_not_pulled_back():
    assert limit_probability(1.0, 0.99) == 0.99
    assert limit_probability(0.98, 0.99) == 0.97  # less than now: the nearest value that an edit can aim at
    assert limit_probability(1.0, 0.4) == 0.97
    assert limit_probability(0.0, 0.001) == 0.001
    assert limit_probability(0.5, 0.99) == 0.5
    assert changed_values({"smile": 1.0}, {"smile": 0.99}) == {}
