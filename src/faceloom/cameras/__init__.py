"""Cameras of this machine behind one protocol, and the button of a shutter. Loads no network and no driver."""

from faceloom.cameras.camera import Camera, is_camera, open_camera
from faceloom.cameras.frames import Frame
from faceloom.cameras.newest import NewestFrame

__all__ = ["Camera", "Frame", "NewestFrame", "is_camera", "open_camera"]
