"""Hostile files run nothing, use little memory, and raise an error with a message and a hint.

A canary file exists if a gadget ran. `python -m bench.hostile` measures the time of each file.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.sandbox import process
from faceloom.errors import CheckpointError, CorruptFile
from tests.checkpoints import foreign_files
from tests.checkpoints.hostile import FILES, FORMS, make_reporting_start, peak_memory, write_valid

MAX_MEGABYTES = 500


def read_refused(path: Path, canary: Path) -> CheckpointError:
    """Return the error that reading the file raises."""
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert not canary.exists()
    assert caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from Linux's /proc")
@pytest.mark.parametrize("name", FILES)
def test_hostile_file_raises_and_runs_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make, error = FILES[name]
    canary, path = tmp_path / "canary", tmp_path / "file.pkl"
    monkeypatch.setattr(process, "_START", make_reporting_start(tmp_path / "status"))
    path.write_bytes(make(tmp_path, f"touch {canary}"))
    caught = read_refused(path, canary)
    assert isinstance(caught, error), caught
    assert "too much memory or time" not in caught.message  # the child process itself must raise
    assert peak_memory(tmp_path / "status") < MAX_MEGABYTES


def test_gadget_runs_in_plain_pickle(tmp_path: Path):
    canary = tmp_path / "canary"
    content = FILES["reduce"][0](tmp_path, f"touch {canary}")
    pickle.loads(content)
    assert canary.exists()


@pytest.mark.parametrize("form", FORMS)
def test_truncated_files_are_refused(form: str, tmp_path: Path):
    path = write_valid(form, tmp_path)
    content = path.read_bytes()
    read_checkpoint(path)
    for percent in range(0, 100, 5):
        path.write_bytes(content[: len(content) * percent // 100])
        read_refused(path, tmp_path / "canary")


def test_child_that_hangs_or_aborts_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = foreign_files.save_torch(tmp_path / "x.pt", {})
    monkeypatch.setattr(process, "CPU_SECONDS", 0.1)
    monkeypatch.setattr(process, "_START", "import time; {path}; time.sleep(60)")
    with pytest.raises(CorruptFile, match="took too much memory or time"):
        read_checkpoint(path)
    monkeypatch.setattr(process, "_START", "import os; {path}; os.abort()")
    with pytest.raises(CorruptFile, match="took too much memory or time"):
        read_checkpoint(path)


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits work on Linux only")
def test_memory_limit_of_child(tmp_path: Path):
    code = process._START.format(path=sys.path).split("; from")[0]
    code += "; import faceloom.checkpoints.sandbox.process as s, numpy; s._set_limits(0)\n"
    code += "try: numpy.ones(500 << 20, 'u1')\n"
    code += "except MemoryError: print('no memory')"
    answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "no memory"
