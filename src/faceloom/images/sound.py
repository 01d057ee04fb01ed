"""The sound track of a film (PyAV): copied from another film packet by packet, or encoded from a sound file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from faceloom.errors import SoundError
from faceloom.files import open_regular
from faceloom.images.clip import can_copy_sound, open_container
from faceloom.sounds.read import CONVERT, detect_sound_format

CODEC, BIT_RATE, RATE = "aac", 192_000, 44_100  # of a track that is encoded


class SoundTrack(Protocol):
    """The sound track of a film that is being written."""

    def write_until(self, seconds: float) -> None:
        """Write the sound that starts before a time, in seconds from the first frame."""
        ...

    def finish(self) -> None:
        """Write what the encoder still holds."""
        ...


@contextmanager
def open_track(path: Path, target: Any) -> Iterator[SoundTrack | None]:
    """Open a film or a sound file as the sound track of the container `target`.

    A film's sound is copied; yield None when it has none that an MP4 can hold. A WAV, FLAC or MP3 file is encoded.
    Raises as `open_clip`, and SoundError for a sound file that is damaged.
    """
    format = _read_sound_format(path)
    if not format:
        with open_sound(path) as source:
            yield SoundCopy(source, target) if source else None
        return
    import av

    with open_regular(path) as file:
        try:
            source = av.open(file, format=format)
        except av.FFmpegError as error:
            raise SoundError(f"{path.name} is damaged: {error.strerror}", CONVERT) from error
        with source:
            yield SoundEncoding(source, target)


def _read_sound_format(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return detect_sound_format(file.read(16))
    except OSError:
        return ""  # opening it as a film says why


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

    def write_until(self, seconds: float) -> None:
        """Copy the packets that start before a time, in seconds from the first frame."""
        packet = self.pending if self.pending is not None else next(self.packets, None)
        end = self.start_seconds + seconds
        while packet is not None and packet.pts is not None and float(packet.pts * self.time_base) < end:
            self._copy(packet)
            packet = next(self.packets, None)
        self.pending = packet

    def finish(self) -> None:
        """Do nothing: all packets are written."""

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


class SoundEncoding:
    """Encodes the sound of an open sound file into an open film as AAC."""

    def __init__(self, source: Any, target: Any) -> None:
        import av

        self.target = target
        self.frames = _read_frames(source)
        self.stream = target.add_stream(CODEC, rate=RATE)
        self.stream.bit_rate = BIT_RATE
        self.stream.layout = "stereo"
        self.resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        self.samples = 0  # that the encoder has received

    def write_until(self, seconds: float) -> None:
        """Encode the frames that start before a time, in seconds."""
        while self.samples < seconds * RATE:
            frame = next(self.frames, None)
            if frame is None:
                return
            frame.pts = None
            for part in self.resampler.resample(frame):
                self._encode(part)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        for part in self.resampler.resample(None):
            self._encode(part)
        self.target.mux(self.stream.encode(None))

    def _encode(self, frame: Any) -> None:
        from fractions import Fraction

        frame.pts, frame.time_base = self.samples, Fraction(1, RATE)
        self.samples += frame.samples
        self.target.mux(self.stream.encode(frame))


def _read_frames(container: Any) -> Iterator[Any]:
    """Yield the decoded frames up to the first damaged one."""
    import av

    try:
        yield from container.decode(audio=0)
    except av.FFmpegError:
        return
