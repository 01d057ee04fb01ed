"""Reading of untrusted sound files: WAV, FLAC and MP3, bounded in size, mixed to one channel, resampled to one rate.

Needs PyAV, the extra `video`. The format is detected by the content.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from faceloom.errors import MissingExtra, SoundError
from faceloom.files import read_regular
from faceloom.sounds.spectrogram import MAX_RATE, MIN_RATE, Samples

SOUND_ENDINGS = (".wav", ".flac", ".mp3")
"""Endings of files that are read as sounds in folders and archives."""

MAX_BYTES = 512 << 20  # maximum size of a sound file
MAX_SECONDS = 600.0  # maximum length of a sound
CONVERT = "convert it to WAV, FLAC or MP3 with any sound program"


def open_sound_file(path: Path | str, rate: int, max_seconds: float = MAX_SECONDS) -> Samples:
    """Read a sound file as float32 `[n]`, -1...1, one channel of `rate` samples per second.

    Raises SoundError for a missing file, another kind of file, a damaged, empty or silent sound, and one longer than
    `max_seconds`; MissingExtra without PyAV.
    """
    path = Path(path)
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError as error:
        raise SoundError(f"there is no file {path}", "check the path") from error
    except OSError as error:
        raise SoundError(f"cannot read {path}: {error.strerror or error}", "give the path of a sound") from error
    return decode_sound(data, path.name, rate, max_seconds)


def decode_sound(data: bytes, name: str, rate: int, max_seconds: float = MAX_SECONDS) -> Samples:
    """Read the content of a sound file; `name` is for messages. The other arguments and errors as `open_sound_file`."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise SoundError(f"a rate of {rate} samples per second", f"use {MIN_RATE} to {MAX_RATE}")
    format = detect_sound_format(data)
    if not data:
        raise SoundError(f"{name} is empty", "choose another sound")
    if not format:
        raise SoundError(f"{name} is not a sound: expected WAV, FLAC or MP3", CONVERT)
    parts, count = list[Samples](), 0
    for part in _decode(data, name, format, rate):
        parts.append(part)
        count += len(part)
        if count > max_seconds * rate:
            raise SoundError(f"{name} is longer than {max_seconds:g} s", "cut it with any sound program")
    if not count:
        raise SoundError(f"{name} is damaged, or has a length of zero", "choose another sound")
    samples = np.concatenate(parts)
    if not np.isfinite(samples).all():
        raise SoundError(f"{name} holds values that are not finite", CONVERT)
    return samples


def detect_sound_format(data: bytes) -> str:
    """Return FFmpeg's name of a sound's format by the first bytes: wav, flac or mp3; '' for another one."""
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    is_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x06
    return "mp3" if data[:3] == b"ID3" or is_frame else ""


def _decode(data: bytes, name: str, format: str, rate: int) -> Iterator[Samples]:
    """Yield the samples part by part, up to the first part that is damaged."""
    av = _import_av()
    try:
        with av.open(BytesIO(data), format=format) as container:
            if not container.streams.audio:
                raise SoundError(f"{name} holds no sound", CONVERT)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
            for frame in _frames(container, av):
                yield from (_to_samples(part) for part in resampler.resample(frame))
            yield from (_to_samples(part) for part in resampler.resample(None))
    except (av.FFmpegError, ValueError) as error:  # ValueError: a header without channels or a rate
        raise SoundError(f"{name} is damaged: {getattr(error, 'strerror', error)}", CONVERT) from error


def _frames(container: Any, av: Any) -> Iterator[Any]:
    try:
        for frame in container.decode(audio=0):
            frame.pts = None  # gaps in damaged time stamps would be filled with silence
            yield frame
    except av.FFmpegError:
        return


def _to_samples(frame: Any) -> Samples:
    return np.asarray(frame.to_ndarray(), np.float32).reshape(-1)


def _import_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading sounds", "video") from error
    return av
