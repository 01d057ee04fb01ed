"""The booth's own camera, which takes the place of the browser's: a webcam, a DSLR, or that of a Raspberry Pi.

It is opened for the first frame that a page reads, and closed when no page reads any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from faceloom.cameras import Camera, NewestFrame, open_camera
from faceloom.cameras.frames import encode_jpeg
from faceloom.errors import ImageError

IDLE_SECONDS = 8.0  # seconds without a reader after which the camera is closed
FRAME_SECONDS = 5.0  # a camera that shows no frame for so long has failed
VIEW_SIDE = 1280  # pixels of the longer side of the live view at most


@dataclass(eq=False)
class _Opened:
    """An open camera, the newest frame of its live view, and the time when it was used last."""

    name: str
    camera: Camera
    view: NewestFrame
    used: float


class OwnCamera:
    """The camera of the booth. All methods belong to the event loop's thread; the camera is read in others."""

    def __init__(self, open: Callable[[str], Camera] = open_camera) -> None:
        self.open = open
        self.lock = asyncio.Lock()
        self.opened: _Opened | None = None

    async def read_frame(self, name: str) -> bytes:
        """Return the next frame of the live view of a camera as JPEG. Raises ImageError, MissingExtra."""
        opened = await self._open(name)
        try:
            frame = await asyncio.to_thread(opened.view.read, FRAME_SECONDS)
        except ImageError:
            await self.close()
            raise
        if frame is None:
            await self.close()
            raise ImageError("the camera shows no picture", "is it still on?")
        return await asyncio.to_thread(encode_jpeg, frame[1], VIEW_SIDE)

    async def take_photo(self, name: str) -> bytes:
        """Take a photo in full resolution, as JPEG. Raises ImageError, MissingExtra."""
        opened = await self._open(name)
        try:
            return await asyncio.to_thread(opened.camera.take_photo)
        finally:
            opened.used = time.monotonic()

    async def close_when_idle(self) -> None:
        """Close the camera when no page has read from it for IDLE_SECONDS."""
        if self.opened and time.monotonic() - self.opened.used > IDLE_SECONDS:
            await self.close()

    async def close(self) -> None:
        """Close the camera, if it is open."""
        async with self.lock:
            await self._close()

    async def _open(self, name: str) -> _Opened:
        """Return the open camera; another one is closed first."""
        async with self.lock:
            if self.opened and self.opened.name != name:
                await self._close()
            if self.opened is None:
                camera = await asyncio.to_thread(self.open, name)
                self.opened = _Opened(name, camera, NewestFrame(camera.frames()), 0.0)
            self.opened.used = time.monotonic()
            return self.opened

    async def _close(self) -> None:
        opened, self.opened = self.opened, None
        if opened:
            opened.view.close()
            try:
                await asyncio.to_thread(opened.camera.close)
            except ImageError:  # it was unplugged
                return
