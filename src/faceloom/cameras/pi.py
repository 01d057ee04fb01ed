"""The camera module of a Raspberry Pi, through Picamera2. Needs the extra `pi`, and libcamera of the system."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from faceloom.cameras.frames import Frame
from faceloom.errors import ImageError, MissingExtra

VIEW = (1280, 720)  # pixels of the live view
RGB = "BGR888"  # Picamera2's name of the format whose bytes are red, green, blue


class PiCamera:
    """The first camera module.

    Raises ImageError when there is none, or another program has opened it, and MissingExtra without Picamera2.
    """

    def __init__(self) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise MissingExtra("the camera of a Raspberry Pi", "pi") from error
        self.lock, self.is_open = Lock(), True
        with self._errors():
            self.camera: Any = Picamera2()
            self.camera.configure(self.camera.create_video_configuration(main={"size": VIEW, "format": RGB}))
            self.still = self.camera.create_still_configuration()
            self.camera.start()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of the live view until the camera is closed. Raises ImageError when it stops."""
        start = time.monotonic()
        while (frame := self._capture()) is not None:
            yield time.monotonic() - start, frame

    def take_photo(self) -> bytes:
        """Take a photo with the whole sensor, and return it as JPEG. The live view pauses. Raises ImageError."""
        buffer = io.BytesIO()
        with self.lock, self._errors():
            self.camera.switch_mode_and_capture_file(self.still, buffer, format="jpeg")
        return buffer.getvalue()

    def close(self) -> None:
        """Stop the camera, and give it back."""
        self.is_open = False
        with self.lock, self._errors():
            self.camera.stop()
            self.camera.close()

    def _capture(self) -> np.ndarray | None:
        """Return the next frame, or None when the camera is closed."""
        with self.lock, self._errors():
            return np.ascontiguousarray(self.camera.capture_array("main")) if self.is_open else None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise ImageError for the errors of libcamera."""
        try:
            yield
        except (RuntimeError, IndexError, OSError) as error:  # IndexError: there is no camera
            hint = "is its cable plugged in, and does `rpicam-hello` show a picture?"
            raise ImageError(f"the camera of the Raspberry Pi does not answer: {error}", hint) from error
