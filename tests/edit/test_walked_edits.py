"""Walks of turns and of expressions on a tiny generator, whose attributes are read from the colors of its picture."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit import walked_edits
from faceloom.edit.directions import Direction
from faceloom.edit.regions import BasePicture, RegionalEdit
from faceloom.edit.steer import SteeringResult
from faceloom.edit.walk import measure_space
from faceloom.edit.walked_edits import WalkSetting, can_turn, join_results, keeps_bounds, turn, walk_on
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


def test_a_guess_that_reaches_the_target_is_the_turn():
    known, first = turn(edit_of("yaw"), setting(0.0), {"yaw": 5.0})
    turned, result = turn(edit_of("yaw"), setting(0.0), {"yaw": 5.0}, guess=known)
    assert turned is known
    assert result.kept
    assert result.readings < first.readings
    assert result.after["yaw"] == pytest.approx(first.after["yaw"], abs=1e-3)


def test_a_walk_begins_at_a_guess_that_is_near():
    known, _ = turn(edit_of("yaw"), setting(0.0), {"yaw": 4.0})
    turned, result = turn(edit_of("yaw"), setting(0.0), {"yaw": 8.0}, guess=known)
    assert turned is not known
    assert result.kept
    assert result.after["yaw"] - result.before["yaw"] == pytest.approx(8, abs=2)


def test_a_guess_in_the_wrong_direction_is_not_where_a_walk_begins():
    wrong, _ = turn(edit_of("yaw"), setting(0.0), {"yaw": -5.0})
    turned, _ = turn(edit_of("yaw"), setting(0.0), {"yaw": 5.0}, guess=wrong)
    fresh, _ = turn(edit_of("yaw"), setting(0.0), {"yaw": 5.0})
    torch.testing.assert_close(turned.w_plus, fresh.w_plus)


def test_a_turn_that_bounds_stop_early_is_tried_with_a_part_of_the_way(monkeypatch: pytest.MonkeyPatch):
    asked: list[float] = []

    def walk(edit, setting, values, **rest):
        asked.append(values["yaw"])
        reached = 9.0 if values["yaw"] == 30 else values["yaw"]
        shown = {"yaw": 0.0}
        limits = ("mouth_open",) if reached < values["yaw"] else ()
        return edit, SteeringResult({}, shown, {"yaw": reached}, {"yaw": values["yaw"]}, 0.9, limits, 5)

    monkeypatch.setattr(walked_edits, "_walk", walk)
    _, result = turn(edit_of("yaw"), setting(0.0), {"yaw": 30.0})
    assert asked == [30, pytest.approx(20)]
    assert result.after["yaw"] == pytest.approx(20)
    assert result.targets["yaw"] == 30
    assert result.limited_by == ("mouth_open",)
    assert result.readings == 10


def test_the_results_of_a_turn_and_of_an_edit_are_joined():
    shown, turned, older = ({"yaw": yaw, "age": age} for yaw, age in ((0.0, 40.0), (20.0, 41.0), (19.0, 61.0)))
    first = SteeringResult({"turn": 1.0}, shown, turned, shown | {"yaw": 20.0}, 0.9, (), 9)
    second = SteeringResult({"age": 18.0}, turned, older, turned | {"age": 61.0}, 0.8, ("smile",), 7)
    both = join_results(first, second, ["yaw"], 0.75)
    assert (both.before, both.after) == (shown, older)
    assert both.targets == {"yaw": 20.0, "age": 61.0}
    assert both.coefficients == {"turn": 1.0, "age": 18.0}
    assert (both.identity, both.limited_by, both.readings) == (0.75, ("smile",), 16)
    assert keeps_bounds(both, {"yaw": 20.0, "age": 20.0})
    assert not keeps_bounds(both, {"yaw": 20.0})  # of a turn alone, the years are held
    assert keeps_bounds(both, {"yaw": 20.0}, force=True)
    assert not keeps_bounds(both, {"yaw": 20.0}, keep_identity=0.8, force=True)


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
