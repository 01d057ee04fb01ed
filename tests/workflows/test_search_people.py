"""Sentences that say how many faces of a search do not meet its description."""

from __future__ import annotations

import torch

from faceloom.likeness import Likeness
from faceloom.workflows.search import explain_misses


def person(age: float, *, met: bool, missed: float = 0.0) -> Likeness:
    provenance = {
        "traits": {"age": age, "gender": -2.0},
        "spread": {"age": 4.0, "gender": 0.05},
        "missed": missed,
        "met": met,
    }
    return Likeness(torch.zeros(1, 2, 4), "hash", "name", provenance=provenance)


def test_nothing_is_said_when_every_face_meets_the_description():
    assert explain_misses("about 70", [person(70, met=True)]) == ""
    assert explain_misses("", [person(70, met=False)]) == ""


def test_a_description_that_no_face_meets_names_the_nearest():
    people = [person(60, met=False, missed=3.0), person(71, met=False, missed=1.0)]
    sentence = "No face meets 'about 80, woman'. The nearest one: age 71 +- 4; gender 0.12 +- 0.05."
    assert explain_misses("about 80, woman", people) == sentence


def test_some_faces_that_meet_the_description_are_counted():
    people = [person(80, met=True), person(71, met=False, missed=1.0)]
    assert explain_misses("about 80", people).startswith("1 of 2 faces meet 'about 80'.")
