"""The table of attributes, and everything that is derived from it, name by name."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys

import pytest

from faceloom.analyze.attribute_words import LANGUAGES
from faceloom.analyze.attributes import AROUND_LIPS, EDITABLE, REGIONS, SLIDERS, TABLE, words
from faceloom.analyze.reading import PROBABILITIES, Attributes
from faceloom.cli import options
from faceloom.edit.targets import compute_targets
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS
from faceloom.web.routes.models import SliderValues
from faceloom.web.sliders import SliderCurves, make_sliders


def test_names_agree_with_the_analyzer():
    assert {row.name for row in TABLE.values() if row.read_by_analyzer} == {*ATTRIBUTES, *DETAILS}
    assert {field.name for field in dataclasses.fields(Attributes)} == set(TABLE)
    assert {name for name in TABLE if TABLE[name].unit == "probability"} == set(PROBABILITIES)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_rows_are_consistent(row):
    assert bool(row.requested_as) == bool(row.limit)
    assert not (row.slider or row.option) or row.requested_as
    assert bool(row.option) == bool(row.help)
    assert set(row.frees) < set(TABLE) - {row.name}
    if row.slider:
        assert all(row.slider.low <= knot <= row.slider.high for knot in row.slider.knots)
        assert not row.is_change or max(-row.slider.low, row.slider.high) <= row.limit
    assert row.requested_as != "probability" or row.unit == "probability"


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_regions_are_known_and_in_their_order(row):
    skin = REGIONS.index("skin") + 1
    known = (*REGIONS[:skin], AROUND_LIPS, *REGIONS[skin:])
    assert row.regions == tuple(region for region in known if region in row.regions)
    assert row.regions


def test_only_pose_may_change_the_whole_picture():
    assert {name for name, row in EDITABLE.items() if row.regions == REGIONS} == {"yaw", "pitch"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_attribute_has_words_in_every_language(language):
    for name, entry in words(language).items():
        assert all((entry.label, entry.low, entry.high)), name
        assert entry.low != entry.high


@pytest.mark.parametrize("name", EDITABLE)
def test_every_editable_attribute_has_a_target(name):
    assert set(compute_targets({name: 0.5}, {name: 1.0})) == {name}


@pytest.mark.parametrize("name", SLIDERS)
def test_every_slider_is_shown_measured_and_accepted_by_rest(name):
    assert name in {slider.name for slider in make_sliders({}, TABLE)}
    assert name in {attribute for attribute, _ in SliderCurves(dict.fromkeys(TABLE, 0.0)).missing_knots()}
    assert name in SliderValues.model_fields


def test_every_option_reaches_the_command():
    received = {}

    @options.with_attribute_options
    def command(values: dict[str, float], flag: bool = False) -> None:
        received.update(values)

    parameters = inspect.signature(command).parameters
    assert [*parameters] == [*(name for name, row in TABLE.items() if row.option), "flag"]
    command(**dict.fromkeys(parameters, None) | {"age": 3.0})
    assert received == {"age": 3.0}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_phrases_are_plain_words_in_lower_case(row):
    phrases = row.phrases
    named = (*phrases.low, *phrases.middle, *phrases.high, *phrases.ranges, *phrases.less, *phrases.more)
    assert all(re.fullmatch(r"[a-z]+( [a-z]+){0,3}", phrase) for phrase in named)
    assert all(low < high for low, high in phrases.ranges.values())
    assert phrases.steps == tuple(sorted(phrases.steps))
    assert not row.is_change or phrases.steps[-1] <= row.limit
    assert not (phrases.ranges and row.unit == "probability")
    assert not (phrases.low or phrases.high) or row.unit in ("probability", "degrees")


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.option], ids=lambda row: row.name)
def test_every_option_can_be_said_in_words(row):
    assert row.phrases.high or row.phrases.more


def test_eyes_are_read_and_edited_without_a_slider():
    assert "eyes_open" in EDITABLE
    assert "eyes_open" not in SLIDERS


def test_the_table_is_imported_without_torch():
    code = "import sys, faceloom.analyze.attributes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
