"""Films: all frames, the right colors, the mark of AI, and no file after a failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloom.edit.film import save_film
from faceloom.errors import ImageError, MissingExtra, ShapeError

MARK = b"trainedAlgorithmicMedia"


def frames(count: int, height: int = 64, width: int = 48) -> Iterator[np.ndarray]:
    slope = np.linspace(40, 200, width)[None, :, None]
    for i in range(count):
        yield np.broadcast_to(slope + np.array([8 * i, -8 * i, 3 * i]), (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_animation(suffix: str, tmp_path: Path) -> None:
    path = save_film(frames(6), tmp_path / f"film{suffix}", fps=20)
    assert MARK in path.read_bytes()
    with Image.open(path) as film:
        assert film.n_frames == 6
        film.seek(5)
        film.load()
        assert film.info["duration"] == 50
        assert film.info["loop"] == 0
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - list(frames(6))[5]).mean() < 4
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("height", "width"), [(64, 48), (65, 47)])
def test_mp4(height: int, width: int, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = save_film(frames(6, height, width), tmp_path / "film.mp4", fps=12.5)
    assert MARK in path.read_bytes()
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert float(stream.average_rate) == 12.5
        decoded = [
            frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray() for frame in film.decode(stream)
        ]
    assert len(decoded) == 6
    assert decoded[0].shape == (height - height % 2, width - width % 2, 3)
    expected = list(frames(6, height, width))[5][: decoded[5].shape[0], : decoded[5].shape[1]]
    assert np.abs(decoded[5].astype(int) - expected).mean() < 4


def test_mp4_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"faceloom\[video\]"):
        save_film(frames(2), tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


def test_invalid_requests_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"\.avi"):
        save_film(frames(2), tmp_path / "film.avi")
    with pytest.raises(ImageError, match="without frames"):
        save_film([], tmp_path / "film.webp")
    for fps in (0, float("nan"), 1e9):
        with pytest.raises(ImageError, match="frames a second"):
            save_film(frames(2), tmp_path / "film.webp", fps=fps)
    assert not list(tmp_path.iterdir())


@pytest.mark.wrong_types
def test_frames_of_two_sizes_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="expected"):
        save_film([*frames(1), *frames(1, 32)], tmp_path / "film.webp")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_an_interrupted_film_leaves_no_file(suffix: str, tmp_path: Path) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")

    def broken() -> Iterator[np.ndarray]:
        yield from frames(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_film(broken(), tmp_path / f"film{suffix}")
    assert not list(tmp_path.iterdir())
