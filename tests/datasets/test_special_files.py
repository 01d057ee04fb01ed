"""Tests that FIFOs, sockets and devices are never waited for, wherever a path of the user is opened."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceloom.datasets import Dataset, MakeConfig, SourceConfig, check, make, open_source
from faceloom.errors import ImageError, StoreError
from faceloom.images import open_photo
from faceloom.images.clip import open_clip
from tests.datasets.picture_files import make_folder, make_picture

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs"),
    pytest.mark.timeout(30),
]


@pytest.fixture(params=["fifo", "socket", "device"])
def special(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a special file and return its name in the current folder."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        if request.param == "fifo":
            os.mkfifo("special")
        elif request.param == "socket":
            server.bind("special")
        else:
            Path("special").symlink_to("/dev/zero")
        yield "special"


@pytest.mark.parametrize("ending", ["", ".zip", ".tar", ".mp4", ".png"])
def test_special_source_is_refused(special: str, ending: str):
    path = Path(special).rename(special + ending)
    with pytest.raises((StoreError, ImageError)):
        open_source(path)
    with pytest.raises(StoreError):
        Dataset.open(path)
    with pytest.raises(ImageError):
        open_photo(path)
    with pytest.raises(ImageError):
        open_clip(path)


def test_special_picture_is_left_out(special: str):
    folder = make_folder(Path("photos"), {"a.png": make_picture(1)})
    Path(special).rename(folder / "b.png")
    made = make(folder, Path("d.zip"), MakeConfig((32, 32)))
    assert made.written == 1
    assert [name for name, _ in made.skipped] == ["b.png"]
    assert "not a regular file" in made.skipped[0][1]
    assert [name for name, _ in check(Dataset.open(folder)).faults] == ["b.png"]


@pytest.mark.parametrize("name", ["dataset.json", "metadata.csv", "metadata.jsonl"])
def test_special_table_is_refused(special: str, name: str):
    folder = make_folder(Path("photos"), {"a.png": make_picture(1)})
    with pytest.raises(StoreError, match="cannot read"):
        open_source(folder, SourceConfig(table=Path(special)))
    Path(special).rename(folder / name)
    with pytest.raises(StoreError, match="cannot read"):
        open_source(folder)


@pytest.mark.parametrize("ending", [".tar", ".zip"])
def test_special_archive_in_a_folder_is_refused(special: str, ending: str):
    Path("shards").mkdir()
    Path(special).rename(f"shards/0{ending}")
    with pytest.raises(StoreError, match="not a regular file"):
        open_source(Path("shards"))
