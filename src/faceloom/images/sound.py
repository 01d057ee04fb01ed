"""Carries a film's sound over into another, packet by packet, as it is. Knows PyAV's containers, no pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faceloom.images.clip import copies, opened


@contextmanager
def opened_sound(path: Path) -> Iterator[Any]:
    """Open a film for its sound; None when it has none that an MP4 may hold. Raises as `open_clip`."""
    with opened(path) as container:
        sounds = container.streams.audio
        yield container if sounds and copies(sounds[0].codec_context.name) else None


class SoundCopy:
    """Copies the first sound track of `source` into `target`, both open, in step with the pictures."""

    def __init__(self, source: Any, target: Any) -> None:
        given, picture = source.streams.audio[0], source.streams.video[0]
        self.target = target
        self.stream = target.add_stream_from_template(given)
        self.packets = _readable(source, given)
        self.begin = float((picture.start_time or 0) * picture.time_base)  # of the first frame, in the source's time
        self.base = given.time_base
        self.waiting: Any = None

    def until(self, seconds: float) -> None:
        """Copy what sounds before a time, counted from the first frame."""
        packet = self.waiting if self.waiting is not None else next(self.packets, None)
        while packet is not None and packet.pts is not None and float(packet.pts * self.base) - self.begin < seconds:
            self._copy(packet)
            packet = next(self.packets, None)
        self.waiting = packet

    def _copy(self, packet: Any) -> None:
        packet.pts -= round(self.begin / self.base)
        packet.dts = packet.pts
        if packet.pts >= 0:
            packet.stream = self.stream
            self.target.mux(packet)


def _readable(container: Any, stream: Any) -> Iterator[Any]:
    """The packets up to where the file is damaged."""
    import av

    try:
        yield from container.demux(stream)
    except av.FFmpegError:
        return
