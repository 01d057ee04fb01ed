"""A DSLR or mirrorless camera at the USB port, through libgphoto2. Needs the extra `dslr`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from faceloom.cameras.frames import Frame, decode_jpeg
from faceloom.errors import ImageError, MissingExtra

JPEG = b"\xff\xd8"  # first bytes of a JPEG


class Dslr:
    """The camera that libgphoto2 finds first; its live view is on while frames are read.

    Raises ImageError when there is none, or another program has opened it, and MissingExtra without python-gphoto2.
    """

    def __init__(self) -> None:
        try:
            import gphoto2
        except ImportError as error:
            raise MissingExtra("a DSLR", "dslr") from error
        self.gphoto2, self.lock = gphoto2, Lock()
        self.camera = gphoto2.Camera()
        self.is_open = True
        with self._access() as camera:
            camera.init()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of the live view until the camera is closed. Raises ImageError when it stops."""
        start = time.monotonic()
        while self.is_open:
            with self._access() as camera:
                data = _read(camera.capture_preview()) if self.is_open else b""
            if data:
                yield time.monotonic() - start, decode_jpeg(data)

    def take_photo(self) -> bytes:
        """Release the shutter, return the photo as JPEG, and delete it in the camera. Raises ImageError."""
        with self._access() as camera:
            place = camera.capture(self.gphoto2.GP_CAPTURE_IMAGE)
            try:
                data = _read(camera.file_get(place.folder, place.name, self.gphoto2.GP_FILE_TYPE_NORMAL))
            finally:
                camera.file_delete(place.folder, place.name)
        if not data.startswith(JPEG):
            raise ImageError(f"the camera stores {place.name} and no JPEG", "set its image quality to JPEG alone")
        return data

    def close(self) -> None:
        """End the live view, and give the camera back."""
        self.is_open = False
        with self._access() as camera:
            camera.exit()

    @contextmanager
    def _access(self) -> Iterator[Any]:
        """Give the camera to one thread at a time. Raises ImageError with the reason of libgphoto2."""
        with self.lock:
            try:
                yield self.camera
            except self.gphoto2.GPhoto2Error as error:
                hint = "is it on, awake, and not opened by another program?"
                raise ImageError(f"the DSLR does not answer: {error}", hint) from error


def _read(file: Any) -> bytes:
    """Return the content of a file of libgphoto2."""
    return bytes(memoryview(file.get_data_and_size()))
