"""A webcam, through PyAV. Needs the extra `video`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from threading import Lock
from typing import Any

import numpy as np

from faceloom.cameras.frames import Frame, Pixels, encode_jpeg
from faceloom.errors import ImageError, MissingExtra

MAX_CAMERA = 63  # highest number of a camera


class Webcam:
    """A webcam by its number, from 0.

    Raises ImageError when it cannot be opened, MissingExtra without PyAV.
    """

    def __init__(self, number: int = 0) -> None:
        try:
            import av
        except ImportError as error:
            raise MissingExtra("reading a camera", "video") from error
        self.av, self.number, self.lock = av, number, Lock()
        self.newest: Pixels | None = None
        format, address = camera_address(number)
        try:
            self.container: Any = av.open(address, format=format)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise ImageError(f"camera {number} cannot be opened: {error}", "is it plugged in and free?") from error
        self.is_open = True

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of the webcam until it is closed. Raises ImageError when it stops."""
        start, decoder = time.monotonic(), self.container.decode(video=0)
        while (frame := self._decode(decoder)) is not None:
            self.newest = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
            yield time.monotonic() - start, self.newest

    def take_photo(self) -> bytes:
        """Return the newest frame as JPEG: a webcam has no larger photo."""
        newest = self.newest if self.newest is not None else next((pixels for _, pixels in self.frames()), None)
        if newest is None:
            raise ImageError(f"camera {self.number} is closed")
        return encode_jpeg(newest)

    def close(self) -> None:
        """Close the webcam; its frames end."""
        with self.lock:
            self.is_open = False
            self.container.close()

    def _decode(self, decoder: Iterator[Any]) -> Any:
        """Return the next frame, or None when the camera is closed."""
        with self.lock:
            try:
                return next(decoder, None) if self.is_open else None
            except self.av.FFmpegError as error:
                raise ImageError(
                    f"camera {self.number} has stopped: {error.strerror}", "is it still plugged in?"
                ) from error


def camera_address(number: int, platform: str = sys.platform) -> tuple[str, str]:
    """Return FFmpeg's format and address of a webcam by its number, from 0. Raises ImageError for another number."""
    if not 0 <= number <= MAX_CAMERA:
        raise ImageError(f"there is no camera {number}", "the first camera is 0")
    if platform == "darwin":
        return "avfoundation", str(number)
    if platform == "win32":
        return "vfwcap", str(number)
    return "v4l2", f"/dev/video{number}"
