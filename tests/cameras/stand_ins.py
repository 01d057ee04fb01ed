"""Stand-ins for the libraries of cameras and pins: small modules with the few calls that the adapters use."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

PHOTO = (480, 320)  # width and height of the photos of all stand-ins
VIEW = (96, 64)  # width and height of the live view
COLOR = (200, 40, 90)


def jpeg(size: tuple[int, int] = PHOTO) -> bytes:
    """Return a JPEG of one color."""
    buffer = io.BytesIO()
    Image.new("RGB", size, COLOR).save(buffer, "JPEG")
    return buffer.getvalue()


class GPhoto2(ModuleType):
    """`gphoto2`: one camera, which stores `photo` as `name` when its shutter is released."""

    GP_CAPTURE_IMAGE, GP_FILE_TYPE_NORMAL = 0, 1

    class GPhoto2Error(Exception):
        """An error of libgphoto2."""

    def __init__(self, photo: bytes | None = None, name: str = "DSC_0001.JPG") -> None:
        super().__init__("gphoto2")
        self.photo, self.name = photo or jpeg(), name
        self.stored: set[str] = set()
        self.is_busy = self.is_unplugged = False
        self.openings = self.closings = 0

    def Camera(self) -> Any:  # noqa: N802
        """Return the camera."""
        return SimpleNamespace(
            init=self._init,
            capture_preview=lambda: self._file(jpeg(VIEW), wait=0.005),
            capture=self._capture,
            file_get=lambda folder, name, kind: self._file(self.photo),
            file_delete=lambda folder, name: self.stored.remove(f"{folder}/{name}"),
            exit=self._exit,
        )

    def _init(self) -> None:
        if self.is_busy:
            raise self.GPhoto2Error("[-53] Could not claim the USB device")
        self.openings += 1

    def _exit(self) -> None:
        self.closings += 1

    def _capture(self, kind: int) -> Any:
        assert kind == self.GP_CAPTURE_IMAGE
        self.stored.add(f"/store/{self.name}")
        return SimpleNamespace(folder="/store", name=self.name)

    def _file(self, data: bytes, wait: float = 0.0) -> Any:
        if self.is_unplugged:
            raise self.GPhoto2Error("[-105] Unknown model")
        time.sleep(wait)
        return SimpleNamespace(get_data_and_size=lambda: data)


class Picamera2Module(ModuleType):
    """`picamera2`: a camera module, or none with `count` 0."""

    def __init__(self, count: int = 1) -> None:
        super().__init__("picamera2")
        self.count = count
        self.calls: list[Any] = []

    def Picamera2(self) -> Any:  # noqa: N802
        """Open the camera."""
        if not self.count:
            raise IndexError("list index out of range")
        return SimpleNamespace(
            create_video_configuration=lambda main: ("video", main["format"]),
            create_still_configuration=lambda: "still",
            configure=lambda configuration: self.calls.append(configuration),
            capture_array=self._view,
            switch_mode_and_capture_file=self._capture,
            **{name: self._note(name) for name in ("start", "stop", "close")},
        )

    def _view(self, name: str) -> Any:
        time.sleep(0.005)
        return np.full((*VIEW[::-1], 3), COLOR, np.uint8)

    def _note(self, name: str) -> Callable[[], None]:
        return lambda: self.calls.append(name)

    def _capture(self, configuration: str, file: io.BytesIO, format: str) -> None:
        assert (configuration, format) == ("still", "jpeg")
        file.write(jpeg())


class GpioZero(ModuleType):
    """`gpiozero`: a board with pins up to 27."""

    class GPIOZeroError(Exception):
        """An error of gpiozero."""

    def __init__(self) -> None:
        super().__init__("gpiozero")
        self.buttons: list[Any] = []

    def Button(self, pin: int, bounce_time: float) -> Any:  # noqa: N802
        """Open a pin."""
        if pin > 27:
            raise self.GPIOZeroError(f"GPIO{pin} is not a valid pin name")
        self.buttons.append(SimpleNamespace(pin=pin, when_pressed=None, close=lambda: None))
        return self.buttons[-1]
