"""Cameras: addresses by platform, and a camera that is not there."""

from __future__ import annotations

import pytest

from faceloom.errors import ImageError
from faceloom.images.camera import camera_address, camera_frames


@pytest.mark.parametrize(
    ("platform", "address"), [("linux", ("v4l2", "/dev/video2")), ("darwin", ("avfoundation", "2"))]
)
def test_addresses(platform, address):
    assert camera_address(2, platform) == address


def test_a_missing_camera_is_an_error():
    with pytest.raises(ImageError, match="camera 61"):
        next(camera_frames(61))
    with pytest.raises(ImageError, match="no camera 99"):
        next(camera_frames(99))
