"""Sound files: WAV, FLAC and MP3 are read, others are refused, and generated sounds are marked."""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

import av

from faceloom.errors import MissingExtra, SoundError
from faceloom.marks.credentials import can_sign, read_credentials
from faceloom.marks.source_type import read_marks
from faceloom.sounds.read import open_sound_file
from faceloom.sounds.save import save_sound
from faceloom.sounds.spectrogram import Sound

RATE = 22_050


def make_tone(seconds: float = 1.0, hertz: float = 440.0) -> Sound:
    """Return a sine."""
    return Sound(np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32), RATE)


def write_encoded(path: Path, codec: str) -> Path:
    """Write a tone as FLAC or MP3."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=44_100)
        stream.layout = "stereo"
        levels = (np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100) * 16_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(levels, 2)[None], format="s16", layout="stereo")
        frame.rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def loudest_frequency(samples: np.ndarray, rate: int) -> float:
    """Return the frequency of the largest magnitude in Hz."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize("codec", ["flac", "libmp3lame", "wav"])
def test_sounds_are_read_at_one_rate(codec: str, tmp_path: Path):
    path = tmp_path / {"flac": "a.flac", "libmp3lame": "a.mp3", "wav": "a.wav"}[codec]
    if codec == "wav":
        save_sound(make_tone(), path, ai_generated=False)
    else:
        write_encoded(path, codec)
    samples = open_sound_file(path, 8000)
    assert len(samples) == pytest.approx(8000, abs=500)
    assert loudest_frequency(samples, 8000) == pytest.approx(440, abs=2)
    assert samples.dtype == np.float32


def test_other_files_are_refused(tmp_path: Path):
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").touch()
    whole = save_sound(make_tone(), tmp_path / "a.wav", ai_generated=False).read_bytes()
    (tmp_path / "header.wav").write_bytes(whole[:30])
    (tmp_path / "none.flac").write_bytes(b"fLaC" + b"\xff" * 400)
    with wave.open(str(tmp_path / "zero.wav"), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
    messages = {"text.wav": "is not a sound", "empty.wav": "is empty", "absent.wav": "there is no file"}
    messages |= {"header.wav": "damaged", "none.flac": "damaged", "zero.wav": "a length of zero", ".": "cannot read"}
    for name, message in messages.items():
        with pytest.raises(SoundError, match=message):
            open_sound_file(tmp_path / name, 8000)
    with pytest.raises(SoundError, match=r"longer than 0\.5 s"):
        open_sound_file(tmp_path / "a.wav", 8000, max_seconds=0.5)


def test_a_truncated_sound_ends_at_its_last_whole_part(tmp_path: Path):
    whole = save_sound(make_tone(), tmp_path / "a.wav", ai_generated=False).read_bytes()
    (tmp_path / "half.wav").write_bytes(whole[: len(whole) // 2])
    assert len(open_sound_file(tmp_path / "half.wav", RATE)) == pytest.approx(RATE / 2, abs=2000)


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save_sound(make_tone(), tmp_path / "a.wav", ai_generated=False)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match="video"):
        open_sound_file(path, 8000)


def test_generated_sounds_are_marked(tmp_path: Path):
    plain = save_sound(make_tone(), tmp_path / "a.wav", ai_generated=False)
    path = save_sound(make_tone(), tmp_path / "b.wav", ai_generated=True)
    marks = read_marks(path.read_bytes())
    assert marks.source_type == "trainedAlgorithmicMedia"
    assert not read_marks(plain.read_bytes()).source_type
    with wave.open(str(path)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (RATE, RATE, 1)
    with av.open(str(path)) as container:
        assert "trainedAlgorithmicMedia" in container.metadata["comment"]
    assert np.array_equal(open_sound_file(path, RATE), open_sound_file(plain, RATE))
    if can_sign():
        assert marks.layers == ("metadata", "credentials")
        credentials = read_credentials(path.read_bytes(), "audio/wav")
        assert (credentials.state, credentials.actions) == ("valid", ("c2pa.created",))


def test_sounds_that_cannot_be_saved(tmp_path: Path):
    with pytest.raises(SoundError, match=r"cannot save a sound as '\.mp3'"):
        save_sound(make_tone(), tmp_path / "a.mp3", ai_generated=True)
    with pytest.raises(SoundError, match="not finite"):
        save_sound(Sound(np.array([np.nan], np.float32), RATE), tmp_path / "a.wav", ai_generated=True)
    assert save_sound(Sound(np.zeros(9, np.float32), RATE), tmp_path / "z.wav", ai_generated=False).exists()
