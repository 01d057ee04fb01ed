"""Walks of turns and of expressions on a tiny generator, whose attributes are read from the colors of its picture."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.directions import Direction
from faceloom.edit.regions import BasePicture, RegionalEdit
from faceloom.edit.steer import SteeringResult
from faceloom.edit.walk import measure_space
from faceloom.edit.walked_edits import WalkSetting, can_turn, turn, walk_on
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from tests.web.tiny_booth import tiny_generator

BASIS = tuple(
    Direction(name, torch.eye(16)[axis], 0.05, "unit", 5.0, "hash", "tiny")
    for axis, name in enumerate(("yaw", "age", "smile"))
)
G = tiny_generator()
SPACE = measure_space(G)


def reader(aging: float):
    """Return a reader of pictures: red turns the head, and `aging` times as many years come with it."""

    def read(img: torch.Tensor) -> Reading:
        red, green, blue = img.mean((0, 2, 3))
        values = torch.zeros(1, len(ATTRIBUTES)) + 0 * red
        values[0, ATTRIBUTES.index("yaw")] = 400 * red
        values[0, ATTRIBUTES.index("age")] = 40 + aging * 400 * red + 20 * green
        return Reading(values, torch.stack([torch.ones(()), red, blue])[None], torch.zeros(0, 0))

    return read


def setting(aging: float) -> WalkSetting:
    return WalkSetting(reader(aging), SPACE)


def edit_of(*edited: str) -> RegionalEdit:
    w_plus = G.mapping(torch.randn(1, 16, generator=torch.Generator().manual_seed(3)))[:, None].repeat(1, 8, 1)
    return RegionalEdit(BasePicture(G, None, w_plus), w_plus, edited, basis=BASIS)


def test_only_edits_of_the_whole_picture_are_turns():
    assert can_turn(edit_of("yaw"), {"yaw": 5.0})
    assert can_turn(edit_of("yaw", "pitch"), {"yaw": 5.0, "pitch": 2.0})
    assert not can_turn(edit_of("yaw", "smile"), {"yaw": 5.0, "smile": 0.9})
    assert not can_turn(edit_of(), {})


def test_a_turn_reaches_its_target_and_holds_the_rest():
    edit, result = turn(edit_of("yaw"), setting(0.0), {"yaw": 5.0})
    assert result.after["yaw"] - result.before["yaw"] == pytest.approx(5, abs=1.25)
    assert abs(result.after["age"] - result.before["age"]) <= 4
    assert result.kept
    assert not result.coefficients
    torch.testing.assert_close(edit.draw_with({})[1], edit.outside)
    assert not torch.equal(edit.outside, edit_of("yaw").outside)


def test_a_turn_that_brings_years_stops_and_says_so():
    _, result = turn(edit_of("yaw"), setting(10.0), {"yaw": 5.0})
    assert abs(result.after["age"] - result.before["age"]) <= 4
    assert not result.kept
    assert "age" in result.limited_by


def test_force_lifts_the_bounds():
    _, bound = turn(edit_of("yaw"), setting(10.0), {"yaw": 5.0})
    _, free = turn(edit_of("yaw"), setting(10.0), {"yaw": 5.0}, force=True)
    assert free.after["yaw"] - free.before["yaw"] >= bound.after["yaw"] - bound.before["yaw"]


def test_no_turn_changes_nothing():
    edit = edit_of("yaw")
    turned, result = turn(edit, setting(0.0), {"yaw": 0.0})
    assert turned is edit
    assert result.kept
    assert result.readings == 1


def stopped(before: float, limited_by: tuple[str, ...] = ("age",)) -> SteeringResult:
    """Return the result of a steered smile that a bound stopped at the start."""
    shown = {"yaw": 0.0, "age": 40.0, "smile": before}
    return SteeringResult({"smile": 0.1}, shown, shown, shown, 1.0, limited_by, 3)


def read_smile(img: torch.Tensor) -> Reading:
    """Read a smile that grows with red."""
    values = torch.zeros(1, len(ATTRIBUTES)) + 0 * img.mean()
    values[0, ATTRIBUTES.index("smile")] = 2000 * img[:, 0].mean() - 167
    return Reading(values, torch.ones(1, 2), torch.zeros(0, 0))


def test_a_stopped_expression_is_walked_on():
    edit = edit_of("smile")
    walked, result = walk_on(edit, WalkSetting(read_smile, SPACE), {"smile": 0.9}, stopped(-1.0))
    assert result.kept
    assert torch.sigmoid(torch.tensor(result.after["smile"])) >= 0.8
    assert result.coefficients == {"smile": 0.1}
    assert result.readings > 3
    change = walked.draw_with({})[1] - edit.draw_with({})[1]
    assert change.abs().max() > 0
    assert not change[:, list(SPACE.groups[0])].any()  # the pose stays


def test_other_edits_stay_as_they_were_steered():
    edit = edit_of("smile")
    setting = WalkSetting(read_smile, SPACE)
    kept, years = stopped(-1.0, ()), stopped(-1.0)
    assert walk_on(edit, setting, {"smile": 0.9}, kept) == (edit, kept)
    assert walk_on(edit, setting, {"age": 20.0}, years) == (edit, years)


def test_half_a_way_on_is_not_taken():
    def read(img: torch.Tensor) -> Reading:
        reading = read_smile(img)
        return Reading(0 * reading.attributes, reading.identity, reading.details)

    edit = edit_of("smile")
    walked, result = walk_on(edit, WalkSetting(read, SPACE), {"smile": 0.9}, stopped(0.0))
    assert walked is edit
    assert result.limited_by == ("age",)
