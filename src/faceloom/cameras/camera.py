"""The protocol of cameras, and the opening of a camera by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from faceloom.cameras.dslr import Dslr
from faceloom.cameras.frames import Frame
from faceloom.cameras.pi import PiCamera
from faceloom.cameras.webcam import Webcam
from faceloom.errors import ImageError


@runtime_checkable
class Camera(Protocol):
    """An open camera. Its methods may be called from different threads, and raise ImageError when it stops."""

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of the live view, which are not stored, until the camera is closed."""

    def take_photo(self) -> bytes:
        """Take a photo in the camera's full resolution, and return it as JPEG. Nothing stays in the camera."""

    def close(self) -> None:
        """Give the camera back to other programs."""


def is_camera(name: str) -> bool:
    """Return whether a name is that of a camera: the number of a webcam, `webcam`, `dslr` or `pi`."""
    return name.isdecimal() or name in ("webcam", "dslr", "pi")


def open_camera(name: str) -> Camera:
    """Open a camera: a webcam by its number from 0, `webcam` for the first one, `dslr`, or `pi`.

    Raises ImageError when it cannot be opened, MissingExtra without its library.
    """
    if name == "dslr":
        return Dslr()
    if name == "pi":
        return PiCamera()
    if not is_camera(name):
        raise ImageError(f"there is no camera '{name}'", "cameras are 0, 1, ..., dslr and pi")
    return Webcam(int(name) if name.isdecimal() else 0)
