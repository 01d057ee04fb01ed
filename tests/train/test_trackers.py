"""Tests of the outputs to experiment trackers, with stand-ins for libraries that are not installed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faceloom.errors import MissingExtra, TrainingError
from faceloom.train.trackers import Trackers, check_trackers, open_trackers
from tests.train.tiny_run import tiny_run

LINE = {"nimg": 16, "kimg": 0.016, "time": 5.0, "loss_g": 1.5, "name": "text"}


class FakeModule(ModuleType):
    """A module that records every call as (name, arguments, keywords)."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def record(*arguments: Any, **keywords: Any) -> FakeModule:
            self.calls.append((name, arguments, keywords))
            return self

        return record


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeModule:
    module = FakeModule(request.param)
    monkeypatch.setitem(sys.modules, request.param, module)
    return module


@pytest.mark.parametrize("fake", ["wandb", "mlflow"], indirect=True)
def test_a_run_sends_its_numbers_and_sheets(fake: FakeModule, tmp_path: Path):
    run = tiny_run(tmp_path / "run")
    run.trackers = open_trackers([fake.__name__], tmp_path / "run", {"gamma": 0.5}, "abcd", print)
    run.train()
    names = [name for name, _, _ in fake.calls]
    start, send, finish = {
        "wandb": ("init", "log", "finish"),
        "mlflow": ("start_run", "log_metrics", "end_run"),
    }[fake.__name__]
    assert start in names
    assert names[-1] == finish
    steps = [keywords["step"] for name, _, keywords in fake.calls if name == send]
    assert {0, 16, 80} <= set(steps)
    assert steps == sorted(steps)


@pytest.mark.parametrize("fake", ["wandb"], indirect=True)
def test_only_measured_numbers_are_sent(fake: FakeModule, tmp_path: Path):
    trackers = open_trackers(["wandb"], tmp_path, {}, "abcd", print)
    trackers.add(LINE)
    assert fake.calls[-1] == ("log", ({"loss_g": 1.5, "kimg": 0.016},), {"step": 16})
    assert fake.calls[0][2]["id"] == "abcd"


def test_a_tracker_that_is_not_installed_is_named():
    with pytest.raises(MissingExtra, match="wandb"):
        check_trackers(["wandb"])
    with pytest.raises(MissingExtra, match="mlflow"):
        check_trackers(["tensorboard", "mlflow"])
    with pytest.raises(TrainingError, match="not a tracker"):
        check_trackers(["csv"])


def test_a_tracker_that_fails_is_reported_once_and_left_out():
    class Failing:
        def add(self, line: Any) -> None:
            raise ConnectionError("no network")

        def add_sheet(self, sheet: Path, nimg: int) -> None:
            raise AssertionError("called again")

        def close(self) -> None:
            raise AssertionError("called again")

    messages: list[str] = []
    trackers = Trackers({"wandb": Failing()}, messages.append)
    trackers.add(LINE)
    trackers.add(LINE)
    trackers.add_sheet(Path(__file__), 0)
    trackers.close()
    assert len(messages) == 1
    assert "no network" in messages[0]
