"""Tests of the choice of the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from faceloom import threads
from faceloom.threads import choose_threads, fastest, measure_speeds


@pytest.fixture(autouse=True)
def number_of_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the number of threads, and hide the environment's."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_more_threads_must_be_faster_by_a_tenth():
    assert fastest({1: 100.0, 2: 105.0}) == 1
    assert fastest({1: 100.0, 2: 150.0}) == 2
    assert fastest({1: 100.0, 2: 150.0, 4: 20.0}) == 2
    assert fastest({1: 40.0, 2: 8.0}) == 1


def test_threads_that_collapse_are_not_chosen(monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr(threads.time, "perf_counter", lambda: clock[0])

    def work() -> None:
        clock[0] += {1: 1 / 40, 2: 1 / 8}[torch.get_num_threads()]

    assert measure_speeds([1, 2], work) == pytest.approx([40, 8])
    choice = choose_threads(work)
    assert (choice.threads, torch.get_num_threads()) == (1, 1)
    assert "1: 40, 2: 8" in choice.reason


def test_requested_threads_are_not_measured(monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise AssertionError("measured")

    assert choose_threads(fail, requested=2).threads == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert choose_threads(fail).threads == 2
    torch.set_num_threads(1)
    assert choose_threads(fail).threads == 1


def test_measurement_restores_the_number_of_threads():
    measure_speeds([1], threads._small_training_step, seconds=0.01)
    assert torch.get_num_threads() == 2


def test_encode_video_and_the_booth_measure_their_threads():
    """Check that each kind of long work on a CPU uses the same choice."""
    source = Path(threads.__file__).parent
    for name in ("cli/encode.py", "cli/video.py"):
        assert "measure_threads=True" in (source / name).read_text(encoding="utf-8")
    for name in ("cli/output.py", "web/worker/process.py", "workflows/training.py"):
        assert "choose_threads(" in (source / name).read_text(encoding="utf-8")


def test_command_line_lets_waiting_threads_sleep():
    """Check that the variable is set before torch is loaded."""
    code = (
        "import os, sys; from faceloom.cli import main; assert 'torch' not in sys.modules\n"
        "sys.argv = ['faceloom', '--version']\n"
        "try: main.run()\nexcept SystemExit: pass\n"
        "assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE', os.environ; print('ok')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.endswith("ok\n"), result.stderr


def test_long_work_is_replaced_by_a_short_measurement(monkeypatch: pytest.MonkeyPatch):
    calls: list[int] = []
    monkeypatch.setattr(threads, "MAX_WORK_SECONDS", 0.0)
    monkeypatch.setattr(threads, "_small_training_step", lambda: None)
    choose_threads(lambda: calls.append(1))
    assert len(calls) == 2
