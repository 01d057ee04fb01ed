"""Plans and briefs of casts, and how they are divided into cells and splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from faceloom.errors import PlanError, StoreError
from faceloom.workflows.cast.brief import parse_brief
from faceloom.workflows.cast.cells import apportion, assign, make_cells
from faceloom.workflows.cast.distinct import alike_limit, find_alike
from faceloom.workflows.cast.plan import Plan, make_plan, read_plan
from faceloom.workflows.cast.ranges import CLEAR, CLEAR_SMILE, parse_range


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


PLAN = """
people = 12
name = "extras"
size = 256

[attributes]
smile = "neutral"
age = {"20-35" = 0.5, "36-60" = 0.5}
gender = {woman = 0.5, man = 0.5}

[splits]
train = 0.75
test = 0.25

[[pictures]]
smile = 0.95
"""


@pytest.mark.parametrize(
    ("name", "text", "low", "high"),
    [
        ("age", "20-35", 20, 36),
        ("age", "over 60", 60, np.inf),
        ("age", "about 40", 37, 43),
        ("age", "child", 3, 13),
        ("age", "adult", 20, 65),
        ("age", "young", 18, 32),
        ("smile", "yes", CLEAR_SMILE, np.inf),
        ("gender", "woman", -np.inf, 1 - CLEAR),
        ("skin_tone", "light", 41, 55),
        ("yaw", "-20 to -5", -20, -5),
        ("yaw", "left", -np.inf, -10),
    ],
)
def test_ranges_are_read(name: str, text: str, low: float, high: float):
    found = parse_range(name, text)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    ("name", "text"), [("age", "old-ish"), ("age", "40-30"), ("age", "200"), ("smile", "maybe"), ("nose", "long")]
)
def test_other_ranges_are_refused(name: str, text: str):
    with pytest.raises(PlanError):
        parse_range(name, text)


def test_a_plan_is_read_and_divided(tmp_path: Path):
    plan = read_plan(write(tmp_path, PLAN))
    assignment = assign(plan)
    assert [cell.count for cell in assignment.cells] == [3, 3, 3, 3]
    assert np.bincount(assignment.split_of).tolist() == [9, 3]
    assert np.bincount(assignment.cell_of).tolist() == [3, 3, 3, 3]


def test_joint_cells_take_counts(tmp_path: Path):
    text = '[[cells]]\ncount = 2\nage = "20-30"\nglasses = true\n[[cells]]\ncount = 5\nage = "60-70"\n'
    plan = read_plan(write(tmp_path, text))
    assert plan.people == 7
    assert [(cell.name, cell.count) for cell in make_cells(plan)] == [("age 20-30, glasses yes", 2), ("age 60-70", 5)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("people = 12\nseeed = 3", "did you mean 'seed'"),
        ("people = 0", "number of people"),
        ("people = 10000000", "too many"),
        ("name = 'x'", "how many people"),
        ("people = 2\n[attributes]\nage = {'20-30' = 0.5, '30-40' = 0.6}", "sum to 1.1"),
        ("people = 2\n[attributes]\nage = {'20-30' = -1.0, '30-40' = 2.0}", "share of '20-30'"),
        (
            "people = 2\n[[cells]]\nshare = 1.0\nage = '20-30'\n[attributes]\nage = '40-50'",
            "for all people and for a cell",
        ),
        ("people = 2\n[attributes]\nage = 'baby'\nbeard = 'yes'", "has a beard"),
        ("people = 2\n[[pictures]]\nsmile = 7", "out of range"),
        ("people = 2\n[[pictures]]\nhat = 0.5", "cannot edit 'hat'"),
        ("people = 2\nfile_type = 'jpg'\nbackground = 'transparent'", "no transparent background"),
        ("people = 2\ndate = 'soon'", "is not a day"),
        ("people = 5\n[replaced]\n6 = 1", "person 6"),
        ("people 12", "is not TOML"),
    ],
)
def test_plans_that_contradict_themselves_are_refused(tmp_path: Path, text: str, says: str):
    with pytest.raises(PlanError, match=says):
        make_cells(read_plan(write(tmp_path, text)))


@pytest.mark.wrong_types
@pytest.mark.parametrize("text", ["size = 'big'", "psi = 'x'", "attributes = 3", "cells = 3", "splits = 'train'"])
def test_plans_of_other_types_are_refused(tmp_path: Path, text: str):
    with pytest.raises(PlanError):
        read_plan(write(tmp_path, f"people = 2\n{text}"))


@pytest.mark.parametrize(
    "text",
    [
        f"people = {'[' * 5000}",
        f"people = {'9' * 5000}",
        "people = 2\n[replaced]\n1 = inf",
        ".".join(["a"] * 100_000) + " = 1",
        "people = 2\nname = 0x" + "f" * 4000,
    ],
    ids=["nested", "long number", "infinite", "long key", "long name"],
)
def test_plans_that_a_fuzzer_made_are_refused(tmp_path: Path, text: str):
    with pytest.raises(PlanError):
        read_plan(write(tmp_path, text))


def test_a_plan_holds_text_that_can_be_written():
    with pytest.raises(PlanError, match="cannot be written") as refused:
        make_plan({"people": 2, "attributes": {"age": "\ud800"}})
    refused.value.message.encode()


@pytest.mark.parametrize(
    "text",
    [f"{'9' * 5000} men", f"2 men, {'9' * 400} with hats", "2 men, 1 to 9999999999", "900000000 men, 1 to 900000000"],
)
def test_long_numbers_of_a_brief_are_refused(text: str):
    with pytest.raises(PlanError):
        parse_brief(text)


def test_as_many_cells_as_a_plan_may_have_are_rounded_at_once():
    counts = apportion([1 / 5000] * 5000, 4999, [{"age": str(cell)} for cell in range(5000)])
    assert sum(counts) == 4999
    assert max(counts) == 1


def test_a_missing_plan_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match=r"nobody\.toml"):
        read_plan(tmp_path / "nobody.toml")


def test_the_digest_names_the_plan_but_not_the_folders_or_the_day():
    plan = make_plan({"people": 3, "exclude": ["a"]})
    assert plan.digest == make_plan({"people": 3, "exclude": "b", "date": "2026-11-27"}).digest
    assert plan.digest != Plan(4).digest


def test_rounding_keeps_the_groups_of_every_attribute():
    plan = parse_brief("12 film extras, 20 to 70, half women, neutral")
    cells = make_cells(plan)
    women = sum(cell.count for cell in cells if "gender woman" in cell.name)
    by_age = [cells[i].count + cells[i + 1].count for i in range(0, 10, 2)]
    assert (women, sum(by_age), max(by_age) - min(by_age)) == (6, 12, 1)
    assert plan.name == "film extras"


@pytest.mark.parametrize(("brief", "people"), [("1,000 men", 1000), ("2 thousand men", 2000), ("a hundred men", 100)])
def test_large_numbers_are_read(brief: str, people: int):
    assert parse_brief(brief).people == people


def test_shares_are_rounded_to_whole_people():
    assert apportion([0.5, 0.5], 3, [{}, {}]) in ([2, 1], [1, 2])
    assert sum(apportion([1 / 7] * 7, 1_000_000, [{}] * 7)) == 1_000_000


@pytest.mark.parametrize(
    ("brief", "attributes"),
    [
        (
            "12 smiling women, 30 % with glasses",
            {"smile": "smiling", "gender": "woman", "glasses": {"glasses": 0.3, "no": 0.7}},
        ),
        ("six children", {"age": "child"}),
        ("9 people, a third bearded", {"beard": {"yes": 1 / 3, "no": 2 / 3}}),
        ("8 extras, 2 with glasses, no hats", {"glasses": {"glasses": 0.25, "no": 0.75}, "hat": "no"}),
        ("10 people, half not smiling", {"smile": {"no": 0.5, "yes": 0.5}}),
        ("5 men, looking left, over 60", {"gender": "man", "yaw": "looking left", "age": "over 60"}),
    ],
)
def test_briefs_are_understood(brief: str, attributes: dict):
    found = parse_brief(brief).attributes
    assert set(found) == set(attributes)
    for name, value in attributes.items():
        assert found[name] == (pytest.approx(value) if isinstance(value, dict) else value)


@pytest.mark.parametrize(
    "brief",
    ["people", "12 extras, halff women", "12 smilling people", "20 babies, aged 90", "12 extras, half androgynous", ""],
)
def test_briefs_that_are_not_understood_are_refused(brief: str):
    with pytest.raises(PlanError):
        parse_brief(brief)


def test_people_who_resemble_an_earlier_one_are_found():
    identities = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [0, 1], [1, 0.1], [0.1, 1], [-1, 0]]), dim=1)
    assert find_alike(identities, 0.9) == [2, 3]
    assert alike_limit(10) < alike_limit(1000) < alike_limit(10**6) == 0.92
