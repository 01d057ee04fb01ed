"""Reading of untrusted film files frame by frame: bounded in size, upright, at a constant rate.

Needs PyAV, the extra `video`. A clip holds no frames: each pass over it decodes the file again, one frame at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceloom.errors import ImageError, MissingExtra
from faceloom.files import open_regular
from faceloom.images.kinds import detect_file_kind
from faceloom.images.photo import MAX_PIXELS, MIN_SIDE
from faceloom.images.tensors import Pixels

MAX_SECONDS = 600.0  # maximum length of a film
MAX_FPS = 60.0  # films with more frames per second are reduced to this rate
MIN_FPS = 1.0
SOUND_CODECS = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
"""Codecs that an MP4 can hold, so that the sound can be copied."""

CONVERT = "convert it to MP4 (H.264) with any video program"
_FORMATS = {"MP4 video": "mov", "Matroska video": "matroska", "GIF": "gif"}  # file kind -> FFmpeg's format name
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # color matrix: H.273's code -> swscale's
_ITU601, _ITU709 = 5, 1  # default color matrices: 709 from 720 lines on, else 601


@dataclass(frozen=True)
class Clip:
    """A film that can be read.

    Convention: `size` is (width, height) of the upright frames with square pixels; `fps` is the constant rate of
    `frames`; `seconds` is the length stated in the file, 0 when it states none; `notes` are sentences for the user.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    seconds: float
    notes: tuple[str, ...] = ()

    def frames(self, limit: int | None = None) -> Iterator[Pixels]:
        """Decode the film: uint8 `[h, w, 3]`, RGB, upright; frame i is the one shown at the time i / fps.

        A truncated film ends at its last whole frame. Raises ImageError when the file cannot be opened.
        """
        return itertools.islice(_resample(self), limit)


def open_clip(path: Path | str) -> Clip:
    """Open an MP4, MOV, Matroska, WebM, AVI or GIF film detected by its content; frames are read later.

    Raises ImageError for a missing file, another kind of file, a damaged film, frames of more than MAX_PIXELS or with a
    side under MIN_SIDE, or a film longer than MAX_SECONDS; MissingExtra without PyAV.
    """
    path = Path(path)
    with open_container(path) as container:
        stream = container.streams.video[0]
        frame = next(_decode(container, stream), None)
        if frame is None:
            raise ImageError(f"{path.name} is damaged, or holds no frames", CONVERT)
        seconds = _duration(container, stream)
        if seconds > MAX_SECONDS:
            raise ImageError(
                f"the film is {seconds / 60:.0f} minutes long", f"cut it to at most {MAX_SECONDS / 60:.0f} minutes"
            )
        size = _upright_size(frame, float(stream.sample_aspect_ratio or 1))
        fps = float(stream.average_rate or stream.guessed_rate or 25)
        codecs = [track.codec_context.name for track in container.streams.audio]
    notes = [f"the film's sound ({codecs[0]}) cannot be kept"] if codecs and not can_copy_sound(codecs[0]) else []
    if fps > MAX_FPS:
        notes.append(f"{fps:g} frames a second are reduced to {MAX_FPS:g}")
    return Clip(path, size, min(max(fps, MIN_FPS), MAX_FPS), seconds, tuple(notes))


def can_copy_sound(codec: str) -> bool:
    """Return whether sound of this codec can be copied into an MP4."""
    return codec.removesuffix("float") in SOUND_CODECS


@contextmanager
def open_container(path: Path) -> Iterator[Any]:
    """Open a film's container with PyAV. Raises as `open_clip` on opening only, not for later decoding errors."""
    with ExitStack() as stack:
        yield _open(path, stack)


def _open(path: Path, stack: ExitStack) -> Any:
    av = _import_av()
    try:
        file = stack.enter_context(open_regular(path))
        format = _detect_format(file.read(512))
        if not format:
            raise ImageError(f"{path.name} is not a film: expected MP4, MOV, Matroska, WebM, AVI or GIF", CONVERT)
        file.seek(0)
        # FFmpeg gets an open file, so that it cannot open other files named in it
        container = stack.enter_context(av.open(file, format=format))
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {path}", "check the path") from error
    except av.FFmpegError as error:
        raise ImageError(f"{path.name} is damaged: {error.strerror}", CONVERT) from error
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}", "give the path of a film") from error
    if not container.streams.video:
        raise ImageError(f"{path.name} has sound only, no pictures", "choose another film")
    return container


def _detect_format(data: bytes) -> str:
    """Return FFmpeg's name of the container by the file's first bytes; '' for an unsupported one."""
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "avi"
    if data[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):  # old QuickTime files without brands
        return "mov"
    return _FORMATS.get(detect_file_kind(data), "")


def _import_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading films", "video") from error
    return av


def _duration(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else 0.0


def _decode(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the frames up to the first that cannot be decoded."""
    av = _import_av()
    stream.thread_type = "AUTO"
    try:
        for frame in container.decode(stream):
            _check_size(frame)
            yield frame
    except av.FFmpegError:
        return


def _check_size(frame: Any) -> None:
    if frame.width * frame.height > MAX_PIXELS or min(frame.width, frame.height) < MIN_SIDE:
        limits = f"sides from {MIN_SIDE} px, at most {MAX_PIXELS // 10**6} megapixels"
        raise ImageError(f"the film has {frame.width} x {frame.height} px: expected {limits}", CONVERT)


def _resample(clip: Clip) -> Iterator[Pixels]:
    """Yield the frame at each multiple of 1 / fps: the last one that starts within half a frame after that time."""
    with open_container(clip.path) as container:
        stream = container.streams.video[0]
        start, next_index, previous = None, 0, None
        for number, frame in enumerate(_decode(container, stream)):
            time = number / clip.fps if frame.time is None else frame.time
            start = time if start is None else start
            while previous is not None and next_index + 0.5 <= (time - start) * clip.fps:
                yield _to_pixels(previous, clip.size)
                next_index += 1
            previous = frame
        if previous is not None:
            yield _to_pixels(previous, clip.size)


def _upright_size(frame: Any, ratio: float) -> tuple[int, int]:
    """Return (width, height) of a frame, upright and with square pixels; `ratio` is a stored pixel's width / height."""
    width = round(frame.width * ratio) if 0.25 < ratio < 4 else frame.width
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def _to_pixels(frame: Any, size: tuple[int, int]) -> Pixels:
    turns = round(frame.rotation / 90) % 4  # quarter turns, counterclockwise
    width, height = size[::-1] if turns % 2 else size
    color_matrix = _MATRICES.get(int(frame.colorspace), _ITU709 if frame.height >= 720 else _ITU601)
    converted = frame.reformat(width=width, height=height, format="rgb24", src_colorspace=color_matrix)
    return np.ascontiguousarray(np.rot90(converted.to_ndarray(), turns))
