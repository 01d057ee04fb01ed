"""Copying of a film's sound track into another film, packet by packet, without re-encoding (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faceloom.images.clip import can_copy_sound, open_container


@contextmanager
def open_sound(path: Path) -> Iterator[Any]:
    """Open a film for its sound; yield None when it has no sound that an MP4 can hold. Raises as `open_clip`."""
    with open_container(path) as container:
        tracks = container.streams.audio
        yield container if tracks and can_copy_sound(tracks[0].codec_context.name) else None


class SoundCopy:
    """Copies the first sound track of `source` into `target`, in step with the frames. Both containers are open."""

    def __init__(self, source: Any, target: Any) -> None:
        track, video = source.streams.audio[0], source.streams.video[0]
        self.target = target
        self.stream = target.add_stream_from_template(track)
        self.packets = _read_packets(source, track)
        self.start_seconds = float((video.start_time or 0) * video.time_base)  # the source's first frame
        self.time_base = track.time_base
        self.pending: Any = None

    def copy_until(self, seconds: float) -> None:
        """Copy the packets that start before a time, in seconds from the first frame."""
        packet = self.pending if self.pending is not None else next(self.packets, None)
        end = self.start_seconds + seconds
        while packet is not None and packet.pts is not None and float(packet.pts * self.time_base) < end:
            self._copy(packet)
            packet = next(self.packets, None)
        self.pending = packet

    def _copy(self, packet: Any) -> None:
        packet.pts -= round(self.start_seconds / self.time_base)
        packet.dts = packet.pts
        if packet.pts >= 0:
            packet.stream = self.stream
            self.target.mux(packet)


def _read_packets(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets up to the first damaged one."""
    import av

    try:
        yield from container.demux(stream)
    except av.FFmpegError:
        return
