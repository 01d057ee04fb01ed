"""Files made to do harm: none runs anything, none takes much memory, each ends in an error that says why.

A canary file would be there if a gadget had run. How long each takes, `python -m bench.hostile` tells.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import forge
import pytest
from hostile import FILES, FORMS, peak_of, start_that_tells, whole

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.sandbox import process
from faceloom.errors import CheckpointError, CorruptFile

MEGABYTES = 500


def refused(path: Path, canary: Path) -> CheckpointError:
    """The error that reading a file ends in."""
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert not canary.exists()
    assert caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.skipif(sys.platform != "linux", reason="reads its own memory's peak as Linux tells it")
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_in_an_error_and_nothing_else(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make, error = FILES[name]
    canary, path = tmp_path / "canary", tmp_path / "file.pkl"
    monkeypatch.setattr(process, "_START", start_that_tells(tmp_path / "status"))
    path.write_bytes(make(tmp_path, f"touch {canary}"))
    caught = refused(path, canary)
    assert isinstance(caught, error), caught
    assert "too much memory or time" not in caught.message  # the child itself must say no
    assert peak_of(tmp_path / "status") < MEGABYTES


def test_the_gadgets_would_work_elsewhere(tmp_path: Path):
    canary = tmp_path / "canary"
    content = FILES["reduce"][0](tmp_path, f"touch {canary}")
    pickle.loads(content)
    assert canary.exists()


@pytest.mark.parametrize("form", FORMS)
def test_files_cut_short_anywhere_are_refused(form: str, tmp_path: Path):
    path = whole(form, tmp_path)
    content = path.read_bytes()
    read_checkpoint(path)
    for percent in range(0, 100, 5):
        path.write_bytes(content[: len(content) * percent // 100])
        refused(path, tmp_path / "canary")


def test_a_child_that_hangs_or_dies_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = forge.saved(tmp_path / "x.pt", {})
    monkeypatch.setattr(process, "CPU_SECONDS", 0.1)
    monkeypatch.setattr(process, "_START", "import time; {path}; time.sleep(60)")
    with pytest.raises(CorruptFile, match="took too much memory or time"):
        read_checkpoint(path)
    monkeypatch.setattr(process, "_START", "import os; {path}; os.abort()")
    with pytest.raises(CorruptFile, match="took too much memory or time"):
        read_checkpoint(path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_the_child_has_little_memory_and_no_children(tmp_path: Path):
    code = process._START.format(path=sys.path).split("; from")[0]
    code += "; import faceloom.checkpoints.sandbox.process as s, numpy; s._set_limits(0)\n"
    code += "try: numpy.ones(500 << 20, 'u1')\n"
    code += "except MemoryError: print('no memory')"
    answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "no memory"
