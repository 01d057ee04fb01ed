"""Long runs: eight hours of a booth pressed into minutes, and an hour of fuzzing for every target (`make soak`).

`make soak FUZZ_MINUTES=5` fuzzes every target for five minutes.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.fuzz_targets import MODULES

ROOT = Path(__file__).parents[2]
FUZZ_MINUTES = os.environ.get("FUZZ_MINUTES", "60")
pytestmark = [pytest.mark.soak, pytest.mark.timeout(3 * 3600)]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a benchmark in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.abuse(25)
def test_two_hundred_visits_with_mishaps_do_not_grow_memory():
    done = run("bench.booth", "--tiny", "--checks", "soak", "--visits", "200", "--mishaps")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.abuse(35)
@pytest.mark.parametrize("target", MODULES)
def test_long_fuzzing_finds_nothing(target: str, tmp_path: Path):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("the fuzzer is not installed: pip install atheris")
    done = run("bench.fuzz", "--target", target, "--minutes", FUZZ_MINUTES, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr[-5000:]
