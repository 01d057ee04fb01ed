"""A cast on Ray, of which an actor is killed in the middle. Runs alone: `make test-ray` installs Ray."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.models

PROGRAM = """
import hashlib, os, signal, sys
from pathlib import Path
import psutil
from faceloom.workflows.cast.plan import make_plan
from faceloom.workflows.cast.ray_executor import run_on_ray
from faceloom.workflows.cast.run import cast
from faceloom.workflows.studio import Studio

PLAN = make_plan({"people": 4, "size": 64, "seed": 3, "date": "2026-11-27", "credentials": False})
folder, killed = Path(sys.argv[1]), []

def kill_one(part, text):
    for process in psutil.Process().children(recursive=True) if 0.2 < part < 0.8 and not killed else ():
        if "ray::ShardActor" in " ".join(process.cmdline()):
            os.kill(process.pid, signal.SIGKILL)
            killed.append(process.pid)
            return

def digests(path):
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

studio = Studio()
cast(studio, PLAN, folder / "ray", executor=run_on_ray(2), callback=kill_one)
cast(studio, PLAN, folder / "here")
print(len(killed), digests(folder / "ray") == digests(folder / "here"))
"""


def test_an_actor_that_dies_changes_nothing(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert result.stdout.splitlines()[-1:] == ["1 True"], result.stderr[-2000:]
