"""Opens a film that a stranger gave us, frame by frame: bounded, upright, at one constant rate.

Knows files and decoders (PyAV, the extra `video`), not what a frame shows. A clip holds no frames: each pass over it
decodes them anew, and one at a time is in memory.
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
from faceloom.images.intake import MAX_PIXELS, MIN_SIDE
from faceloom.images.kinds import kind_of
from faceloom.images.tensors import Pixels

MAX_SECONDS = 600.0
MAX_FPS = 60.0  # faster films are reduced to it
MIN_FPS = 1.0
SOUNDS = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")  # what an MP4 may hold, so that it can be copied

CONVERT = "convert it to MP4 (H.264) with any video program"
_FORMATS = {"MP4 video": "mov", "Matroska video": "matroska", "GIF": "gif"}  # kinds -> FFmpeg's names
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # H.273's codes -> swscale's
_ITU601, _ITU709 = 5, 1  # of a film that does not say: 709 from 720 lines on


@dataclass(frozen=True)
class Clip:
    """A film that can be read.

    Convention: `size` is (width, height) of the upright frames, square pixels; `fps` the constant rate that frames are
    given at; `seconds` what the file says of its length, 0 when it does not; `notes` are sentences for the user.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    seconds: float
    notes: tuple[str, ...] = ()

    def frames(self, limit: int | None = None) -> Iterator[Pixels]:
        """Decode the film: uint8 `[h, w, 3]`, RGB, upright, frame i as it was at the time i / fps.

        A film that is cut short ends where it is. Raises ImageError when not even one frame can be decoded.
        """
        return itertools.islice(_upright(self), limit)


def open_clip(path: Path | str) -> Clip:
    """Open an MP4, MOV, Matroska, WebM, AVI or GIF film by its content; frames are read later.

    Raises ImageError for anything else: no such file, a picture, damaged, a frame of more than MAX_PIXELS or a side
    under MIN_SIDE, longer than MAX_SECONDS; MissingExtra without PyAV.
    """
    path = Path(path)
    with opened(path) as container:
        stream = container.streams.video[0]
        frame = next(_decoded(container, stream), None)
        if frame is None:
            raise ImageError(f"{path.name} is damaged, or holds no frames", CONVERT)
        seconds = _length(container, stream)
        if seconds > MAX_SECONDS:
            raise ImageError(f"the film is {seconds / 60:.0f} minutes long", "cut out the seconds that matter")
        size = _shape(frame, float(stream.sample_aspect_ratio or 1))
        fps = float(stream.average_rate or stream.guessed_rate or 25)
        sounds = [sound.codec_context.name for sound in container.streams.audio]
    notes = [f"the film's sound ({sounds[0]}) cannot be kept"] if sounds and not copies(sounds[0]) else []
    if fps > MAX_FPS:
        notes.append(f"{fps:g} frames a second are reduced to {MAX_FPS:g}")
    return Clip(path, size, min(max(fps, MIN_FPS), MAX_FPS), seconds, tuple(notes))


def copies(codec: str) -> bool:
    """Say whether sound of this kind can be carried over into an MP4 as it is."""
    return codec.removesuffix("float") in SOUNDS


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a film's container by PyAV. Raises as `open_clip`; what goes wrong later is not its business."""
    with ExitStack() as stack:
        yield _open(path, stack)


def _open(path: Path, stack: ExitStack) -> Any:
    av = _av()
    try:
        file = stack.enter_context(path.open("rb"))
        kind = _format(file.read(512))
        if not kind:
            raise ImageError(f"{path.name} is no film: expected MP4, MOV, Matroska, WebM, AVI or GIF", CONVERT)
        file.seek(0)
        container = stack.enter_context(av.open(file, format=kind))  # a file, no name: no other file is ever followed
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {path}", "check the path") from error
    except av.FFmpegError as error:
        raise ImageError(f"{path.name} is damaged: {error.strerror}", CONVERT) from error
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}", "give the path of a film") from error
    if not container.streams.video:
        raise ImageError(f"{path.name} has sound alone, no picture", "choose another film")
    return container


def _format(data: bytes) -> str:
    """FFmpeg's name of the container, by the file's first bytes; '' for what is none that we read."""
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "avi"
    if data[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):  # QuickTime before it had brands
        return "mov"
    return _FORMATS.get(kind_of(data), "")


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading films", "video") from error
    return av


def _length(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else 0.0


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """The frames that can be decoded; what is damaged ends the film."""
    av = _av()
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
        raise ImageError(f"the film has {frame.width} x {frame.height} px: expected {limits}", "convert it")


def _upright(clip: Clip) -> Iterator[Pixels]:
    """Show each moment's frame: the last one that began by half a frame after it."""
    with opened(clip.path) as container:
        stream = container.streams.video[0]
        begin, due, held = None, 0, None
        for number, frame in enumerate(_decoded(container, stream)):
            time = number / clip.fps if frame.time is None else frame.time
            begin = time if begin is None else begin
            while held is not None and due + 0.5 <= (time - begin) * clip.fps:
                yield _pixels(held, clip.size)
                due += 1
            held = frame
        if held is not None:
            yield _pixels(held, clip.size)


def _shape(frame: Any, ratio: float) -> tuple[int, int]:
    """The size (width, height) that a frame is to be shown at: upright, with square pixels; `ratio` of those it has."""
    width = round(frame.width * ratio) if 0.25 < ratio < 4 else frame.width
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def _pixels(frame: Any, size: tuple[int, int]) -> Pixels:
    turns = round(frame.rotation / 90) % 4  # anticlockwise
    width, height = size[::-1] if turns % 2 else size
    source = _MATRICES.get(int(frame.colorspace), _ITU709 if frame.height >= 720 else _ITU601)
    shown = frame.reformat(width=width, height=height, format="rgb24", src_colorspace=source)
    return np.ascontiguousarray(np.rot90(shown.to_ndarray(), turns))
