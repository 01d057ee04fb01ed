"""Reading of films: upright frames at a constant rate, sound, limits, and errors for other files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av")

from bench.moving import write_video
from faceloom.edit.film import save_film
from faceloom.errors import ImageError, MissingExtra
from faceloom.images import clip as clips
from faceloom.images.clip import open_clip


def make_frames(count: int, height: int = 96, width: int = 128) -> list[np.ndarray]:
    """Return frames that get lighter, the left half red."""
    pictures = []
    for i in range(count):
        pixels = np.full((height, width, 3), 20 + 20 * i, dtype=np.uint8)
        pixels[:, : width // 2, 1:] //= 2
        pictures.append(pixels)
    return pictures


def frame_indices(pictures: list[np.ndarray]) -> list[int]:
    """Return the index in `make_frames` of each picture."""
    return [round((float(np.median(picture[..., 0])) - 20) / 20) for picture in pictures]


def test_frames_and_colors(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", make_frames(9), 30))
    assert (clip.size, clip.fps, clip.notes) == ((128, 96), 30, ())
    assert clip.seconds == pytest.approx(0.3, abs=0.02)
    decoded = list(clip.frames())
    assert frame_indices(decoded) == list(range(9))
    assert np.abs(decoded[8].astype(int) - make_frames(9)[8])[:, 8:56].mean() < 4
    assert frame_indices(list(clip.frames(4))) == [0, 1, 2, 3]
    assert frame_indices(list(clip.frames(4))) == [0, 1, 2, 3]  # every pass starts at the first frame


@pytest.mark.parametrize(("rotation", "red"), [(90, "bottom"), (-90, "top"), (180, "right")])
def test_rotated_film_is_turned_upright(rotation: int, red: str, tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", make_frames(3), rotation=rotation))
    assert clip.size == ((96, 128) if rotation % 180 else (128, 96))
    picture = next(clip.frames()).astype(int)
    assert picture.shape[1::-1] == clip.size
    redness = (picture[..., 0] - picture[..., 1]).astype(float)
    quarter = {"top": redness[:30], "bottom": redness[-30:], "right": redness[:, -30:]}[red]
    assert quarter.mean() > redness.mean() + 3


def test_variable_frame_rate(tmp_path: Path) -> None:
    times = [0, 40, 80, 280, 320]  # one frame lasts five times as long
    clip = open_clip(write_video(tmp_path / "a.mkv", make_frames(5), times=times))
    indices = frame_indices(list(clip.frames()))
    assert indices == sorted(indices)
    shown = indices.count(2) / clip.fps
    assert shown == pytest.approx(0.2, abs=1.1 / clip.fps)


def test_sound_is_copied_up_to_the_last_frame(tmp_path: Path) -> None:
    import av

    clip = open_clip(write_video(tmp_path / "a.mp4", make_frames(10), 10, sound=True))
    film_path = save_film(clip.frames(5), tmp_path / "b.mp4", clip.fps, composite=True, sound=clip.path)
    assert b"compositeWithTrainedAlgorithmicMedia" in film_path.read_bytes()
    with av.open(str(film_path)) as film:
        sound = film.streams.audio[0]
        assert sound.codec_context.name == "aac"
        assert float(sound.duration * sound.time_base) == pytest.approx(0.5, abs=0.06)
        assert sum(frame.samples for frame in film.decode(sound)) > 0.4 * 44100
    silent = write_video(tmp_path / "c.mp4", make_frames(3))
    with av.open(str(save_film(make_frames(3), tmp_path / "d.mp4", sound=silent))) as film:
        assert not film.streams.audio


def test_other_files_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (80, 80)).save(tmp_path / "photo.jpg")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "list.m3u8").write_text("#EXTM3U\nfile:///etc/passwd\n")
    whole = write_video(tmp_path / "a.mp4", make_frames(3)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:300])
    for name, message in [
        ("photo.jpg", "not a film"),
        ("empty.mp4", "not a film"),
        ("list.m3u8", "not a film"),
        ("missing.mp4", "no file"),
        ("cut.mp4", "damaged"),
        (".", "cannot read"),
    ]:
        with pytest.raises(ImageError, match=message) as caught:
            open_clip(tmp_path / name)
        assert caught.value.hint


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write_video(tmp_path / "a.mp4", make_frames(5), 5)
    monkeypatch.setattr(clips, "MAX_SECONDS", 0.5)
    with pytest.raises(ImageError, match="minutes long"):
        open_clip(film)
    monkeypatch.setattr(clips, "MAX_SECONDS", 600)
    monkeypatch.setattr(clips, "MAX_PIXELS", 128 * 96 - 1)
    with pytest.raises(ImageError, match="128 x 96"):
        open_clip(film)
    with pytest.raises(ImageError, match="48 x 32"):
        open_clip(write_video(tmp_path / "small.mp4", make_frames(2, 32, 48)))


def test_truncated_film(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.mkv", [*map(np.ascontiguousarray, make_frames(10))], 10).read_bytes()
    (tmp_path / "b.mkv").write_bytes(data[: len(data) * 3 // 4])
    assert 1 <= len(list(open_clip(tmp_path / "b.mkv").frames())) <= 10


def test_missing_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"faceloom\[video\]"):
        open_clip(tmp_path / "a.mp4")
