"""Kills at random moments lose no item that was acknowledged, and leave nothing broken (item 22)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.abuse.killed_work import WORKS

ROOT = Path(__file__).parents[2]
SOAK_KILLS = 51  # of every kind of work: more than 300 in all


def run_loop(work: str, kills: int, folder: Path) -> dict:
    """Run a loop in a process of its own, which has one thread and may fork."""
    command = [sys.executable, "-m", "tests.abuse.kill_loop", work, str(kills), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.abuse(22)
@pytest.mark.parametrize("work", WORKS)
def test_a_few_kills_lose_nothing(work: str, tmp_path: Path):
    outcome = run_loop(work, 3, tmp_path)
    assert outcome["lost"] == []
    assert outcome["items"] > 0


@pytest.mark.abuse(22)
@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("work", WORKS)
def test_fifty_kills_lose_nothing(work: str, tmp_path: Path):
    outcome = run_loop(work, SOAK_KILLS, tmp_path)
    assert outcome["kills"] == SOAK_KILLS
    assert outcome["lost"] == []
