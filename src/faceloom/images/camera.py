"""Frames of a webcam, through PyAV. Needs the extra `video`. Frames are yielded and not kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from faceloom.errors import ImageError, MissingExtra
from faceloom.images.tensors import Pixels

MAX_CAMERA = 63  # highest number of a camera


def camera_address(number: int, platform: str = sys.platform) -> tuple[str, str]:
    """Return FFmpeg's format and address of a camera by its number, from 0. Raises ImageError for another number."""
    if not 0 <= number <= MAX_CAMERA:
        raise ImageError(f"there is no camera {number}", "the first camera is 0")
    if platform == "darwin":
        return "avfoundation", str(number)
    if platform == "win32":
        return "vfwcap", str(number)
    return "v4l2", f"/dev/video{number}"


def camera_frames(number: int) -> Iterator[tuple[float, Pixels]]:
    """Yield the time in seconds and each frame of a camera, uint8 `[h, w, 3]`, RGB, until it is closed.

    Raises ImageError when the camera cannot be opened, MissingExtra without PyAV.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading a camera", "video") from error
    format, address = camera_address(number)
    try:
        container: Any = av.open(address, format=format)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ImageError(f"camera {number} cannot be opened: {error}", "is it plugged in and free?") from error
    with container:
        start = time.monotonic()
        try:
            for frame in container.decode(video=0):
                yield time.monotonic() - start, np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
        except av.FFmpegError as error:
            raise ImageError(f"camera {number} has stopped: {error.strerror}", "is it still plugged in?") from error
