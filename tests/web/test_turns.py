"""Turns of the head in the booth's worker: walks that are stored beside a base, and found again by the curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import CalibrateSlider, Edit, Edited, Generate, PersonRef
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.tasks import run_task
from faceloom.web.worker.turns import SUFFIX, is_turn, load_turns, turn_name
from tests.web.tiny_booth import TinyStudio

CONTEXT = TaskContext(report=lambda report: None, check_cancelled=lambda: None)


@pytest.fixture
def state() -> WorkerState:
    return WorkerState(TinyStudio())


@pytest.fixture
def person(state: WorkerState, tmp_path: Path) -> PersonRef:
    ref = PersonRef(str(tmp_path / "visit"), "0")
    run_task(state, Generate(ref.folder, ref.person, 7, 0.7), CONTEXT)
    return ref


def shown_yaw(state: WorkerState, person: PersonRef, edited: Edited, *names: str) -> float:
    """Return by how many degrees the edited person has turned."""
    moved = replace(person, coefficients=edited.coefficients, edited=names)
    before, after = (state.studio.read_attributes(state.load(each)) for each in (person, moved))
    return after["yaw"] - before["yaw"]


def test_a_turn_is_stored_beside_the_base(state: WorkerState, person: PersonRef):
    edited = run_task(state, Edit(person, {"yaw": 20.0}), CONTEXT)
    assert list(edited.coefficients.values()) == [1.0]
    assert all(is_turn(name) for name in edited.coefficients)
    assert list(load_turns(person.path.with_suffix(SUFFIX))) == list(edited.coefficients)
    assert shown_yaw(state, person, edited, "yaw") == pytest.approx(20, abs=0.1)
    another = WorkerState(TinyStudio())
    assert shown_yaw(another, person, edited, "yaw") == pytest.approx(20, abs=0.1)


def test_a_turn_that_the_curves_predict_is_not_walked_again(state: WorkerState, person: PersonRef):
    first = run_task(state, Edit(person, {"yaw": 20.0}), CONTEXT)
    second = run_task(state, Edit(person, {"yaw": 10.0}), CONTEXT)
    assert second.coefficients == {name: pytest.approx(0.5) for name in first.coefficients}
    assert len(load_turns(person.path.with_suffix(SUFFIX))) == 1


def test_the_other_attributes_of_a_turned_person_are_steered(state: WorkerState, person: PersonRef):
    edited = run_task(state, Edit(person, {"yaw": 20.0, "smile": 0.9}), CONTEXT)
    assert [name for name in edited.coefficients if is_turn(name)] == [turn_name(1, {"yaw": 20.0})]
    assert edited.coefficients["smile"] > 0
    assert shown_yaw(state, person, edited, "yaw", "smile") == pytest.approx(20, abs=1)
    assert edited.outcome.kept


def test_calibration_turns_to_both_sides(state: WorkerState, person: PersonRef):
    while run_task(state, CalibrateSlider(person), CONTEXT).was_missing:
        pass
    names = list(load_turns(person.path.with_suffix(SUFFIX)))
    assert sorted(name.partition(": ")[2] for name in names) == ["pitch +12", "pitch -12", "yaw +20", "yaw -20"]


def test_an_erased_person_has_no_turns(state: WorkerState, person: PersonRef):
    edited = run_task(state, Edit(person, {"yaw": 20.0}), CONTEXT)
    person.path.with_suffix(SUFFIX).unlink()
    state.forget(person.folder)
    assert not state.likenesses.turns
    assert state.likenesses.turn_of(replace(person, coefficients=edited.coefficients)) is None


def test_a_damaged_file_holds_no_turns(tmp_path: Path):
    path = tmp_path / f"0{SUFFIX}"
    path.write_bytes(b"\0" * 40)
    assert load_turns(path) == {}


def test_a_turn_is_a_change_of_every_layer(state: WorkerState, person: PersonRef):
    edited = run_task(state, Edit(person, {"yaw": 20.0}), CONTEXT)
    change = state.likenesses.turn_of(replace(person, coefficients=edited.coefficients))
    assert change is not None
    assert change.shape == state.likenesses.load(person).w_plus.shape
    assert torch.isfinite(change).all()
