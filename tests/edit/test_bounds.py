"""Bounds of an edit come from the table of attributes, and are measured in its units."""

from __future__ import annotations

import pytest

from faceloom.analyze.attributes import HELD, TABLE
from faceloom.edit.bounds import IDENTITY, Bounds, default_bounds, tolerance


def test_every_attribute_but_the_edited_ones_is_held():
    bounds = default_bounds({"age": 20.0})
    assert set(bounds.changes) == set(HELD) - {"age", *TABLE["age"].frees}
    assert bounds.changes["smile"] == TABLE["smile"].hold


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.requested_as])
def test_every_editable_attribute_states_its_bound_and_its_identity(name: str):
    assert TABLE[name].hold
    assert 0 < TABLE[name].identity < 1


def test_a_larger_edit_may_change_the_identity_more():
    least = [default_bounds({"age": years}).min_identity for years in (0.0, 5.0, 20.0, 60.0)]
    assert least == sorted(least, reverse=True)
    assert least[0] == 1.0
    assert least[-1] == pytest.approx(TABLE["age"].identity)
    assert default_bounds({"age": -20.0}) == default_bounds({"age": 20.0})


def test_of_two_edits_the_one_that_changes_more_decides():
    both = default_bounds({"age": 40.0, "smile": 0.9})
    assert both.min_identity == min(default_bounds({"age": 40.0}).min_identity, TABLE["smile"].identity)
    assert {"age", "smile"}.isdisjoint(both.changes)


def test_a_stated_identity_similarity_replaces_the_default():
    assert default_bounds({"age": 40.0}, keep_identity=0.9).min_identity == 0.9


def test_use_is_the_part_of_each_bound():
    bounds = Bounds({"smile": 0.2, "yaw": 4.0, "skin_tone": 6.0}, min_identity=0.6)
    use = bounds.measure_use({"smile": 0.5, "yaw": 0.0}, {"smile": 0.4, "yaw": -8.0}, identity=0.8)
    assert use == pytest.approx({"smile": 0.5, "yaw": 2.0, IDENTITY: 0.5})


def test_a_smile_may_open_the_lips_and_its_end_may_close_them():
    before, opened, closed = ({"mouth_open": value} for value in (0.5, 0.9, 0.1))
    smile, serious = default_bounds({"smile": 0.9}), default_bounds({"smile": 0.1})
    assert smile.measure_use(before, opened, 1.0)["mouth_open"] == 0
    assert smile.measure_use(before, closed, 1.0)["mouth_open"] > 1
    assert serious.measure_use(before, opened, 1.0)["mouth_open"] > 1
    assert serious.measure_use(before, closed, 1.0)["mouth_open"] == 0


def test_what_is_seen_in_other_regions_has_no_bound():
    assert "hair_lightness" in default_bounds({"smile": 0.9}).changes
    assert "hair_lightness" not in default_bounds({"smile": 0.9}, regions=TABLE["smile"].regions).changes


def test_a_small_change_is_not_reached_by_changing_nothing():
    assert tolerance("age", 20.0) == 4.0
    assert tolerance("face_fullness", -2.0) == 0.5
    assert tolerance("yaw", 4.0) == 1.0
    assert tolerance("smile", 0.05) == 0.1
