"""Notes of `faceloom edit`: what was reached, and why an edit stopped."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from faceloom.cli.edit import notes_on, parse_said
from faceloom.cli.main import app
from faceloom.errors import LatentError


def facts(reached: dict[str, float], *limited_by: str) -> dict[str, Any]:
    return {
        "reached": reached,
        "identity": 0.7,
        "kept": not limited_by,
        "limited_by": list(limited_by),
        "unreliable": [],
    }


def test_a_kept_edit_reports_what_was_reached():
    assert list(notes_on(facts({"age": 20.1}), {"age": 20.0})) == [
        "reached: age +20.1; identity similarity to before 0.70"
    ]
    assert list(notes_on({}, {})) == []


@pytest.mark.parametrize(
    ("reached", "limited_by", "sentence"),
    [
        (
            {"age": 14.2},
            ("skin_tone", "identity"),
            "The edit stopped at +14.2 years: going on would change the skin tone and the identity too much. "
            "--force lifts the bounds.",
        ),
        (
            {"age": 14.2, "smile": 0.62, "yaw": 0.3},
            ("gender",),
            "The edit stopped at age +14.2 years and smile 0.62: going on would change the gender presentation too "
            "much. --force lifts the bounds.",
        ),
        (
            {"age": 14.2},
            ("generator",),
            "The edit stopped at +14.2 years: the generator cannot change this face further.",
        ),
    ],
)
def test_a_limited_edit_says_where_and_why_it_stopped(reached, limited_by, sentence):
    requested = {"age": 30.0, "smile": 0.9, "yaw": 0.5}
    notes = notes_on(facts(reached, *limited_by), {name: requested[name] for name in reached})
    assert list(notes)[1] == sentence


def test_a_limited_probability_is_named():
    (_, sentence) = notes_on(facts({"smile": 0.22}, "age"), {"smile": 0.1})
    assert sentence.startswith("The edit stopped at a probability of 0.22: going on would change the age too much.")


def test_words_may_join_options_of_other_attributes():
    (statement,) = parse_said("a broad smile", {"age": 10.0})
    assert statement.attribute == "smile"
    assert parse_said(None, {"age": 10.0}) == ()


def test_words_and_an_option_for_the_same_attribute_are_a_usage_error():
    with pytest.raises(typer.BadParameter, match="'older' and --age ask for the same"):
        parse_said("older", {"age": 10.0})
    result = CliRunner().invoke(app, ["edit", "seed:1", "--say", "open mouth", "--mouth", "0.1", "-o", "a.png"])
    assert result.exit_code == 2


@pytest.mark.parametrize("text", ["", "glases", "older, younger"])
def test_words_are_refused_before_networks_are_loaded(text):
    with pytest.raises(LatentError):
        parse_said(text, {})
    result = CliRunner().invoke(app, ["edit", "no.likeness", "--say", text, "-o", "a.png"])
    assert isinstance(result.exception, LatentError)
