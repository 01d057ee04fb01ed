"""Saving of sounds as WAV: complete or not at all, marked when a model made them."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np

from faceloom.errors import SoundError
from faceloom.files import atomic_write
from faceloom.marks.credentials import MIME_TYPES, can_sign, sign
from faceloom.marks.origin import Origin
from faceloom.marks.source_type import SOUND_LAYERS, make_comment, make_xmp
from faceloom.sounds.spectrogram import GAIN, Sound

SUFFIX = ".wav"
TOP = 32767  # largest value of a 16-bit sample


def save_sound(sound: Sound, path: Path | str, *, ai_generated: bool, origin: Origin | None = None) -> Path:
    """Write a sound as a WAV file of 16 bits and one channel, as loud as GAIN allows, and return the path.

    With `ai_generated`, marks say that a model made the sound: a comment and an XMP packet (IPTC DigitalSourceType),
    and content credentials where the extra 'credentials' is installed. Sounds have no watermark.
    Raises SoundError for another suffix or values that are not finite, StoreError when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise SoundError(f"cannot save a sound as '{path.suffix or path.name}': expected {SUFFIX}", "rename it")
    data = encode_sound(sound, ai_generated=ai_generated, origin=origin)
    with atomic_write(path) as draft:
        draft.write_bytes(data)
    return path


def encode_sound(sound: Sound, *, ai_generated: bool, origin: Origin | None = None) -> bytes:
    """Return a sound as the content of a WAV file, as `save_sound` writes it."""
    samples = sound.samples
    if not np.isfinite(samples).all():
        raise SoundError("the sound holds values that are not finite (NaN or infinity)", "please report this")
    loudest = float(np.abs(samples).max(initial=0.0))
    levels = (samples * (GAIN / loudest if loudest else 0.0) * TOP).round().astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(levels.tobytes())
    if not ai_generated:
        return buffer.getvalue()
    origin = origin or Origin()
    kind, layers = origin.kind(composite=False), SOUND_LAYERS if can_sign() else SOUND_LAYERS[:1]
    data = _add_chunks(buffer.getvalue(), make_comment(kind, layers), make_xmp(kind, layers=layers))
    return sign(data, MIME_TYPES[SUFFIX], origin, kind) if layers == SOUND_LAYERS else data


def _add_chunks(wav: bytes, comment: str, xmp: bytes) -> bytes:
    """Return a WAV file with a comment in a LIST chunk of the type INFO, and an XMP packet in a chunk _PMX.

    Sources: Multimedia Programming Interface 1.0 (RIFF), and the XMP specification, part 3, section "WAV".
    """
    info = b"INFO" + _chunk(b"ICMT", comment.encode() + b"\0") + _chunk(b"ISFT", b"faceloom\0")
    body = wav[8:] + _chunk(b"LIST", info) + _chunk(b"_PMX", xmp)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
