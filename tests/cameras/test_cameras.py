"""Cameras: each adapter against a stand-in for its library, since tests have no camera; and the newest frame."""

from __future__ import annotations

import io
import sys
import time
from contextlib import closing
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from faceloom.cameras import NewestFrame, is_camera, open_camera
from faceloom.cameras.button import open_button
from faceloom.cameras.webcam import Webcam, camera_address
from faceloom.errors import FaceloomError, ImageError, MissingExtra
from tests.cameras.stand_ins import COLOR, PHOTO, VIEW, GPhoto2, GpioZero, Picamera2Module

FRAME = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def gphoto2(monkeypatch) -> GPhoto2:
    module = GPhoto2()
    monkeypatch.setitem(sys.modules, "gphoto2", module)
    return module


@pytest.fixture
def picamera2(monkeypatch) -> Picamera2Module:
    module = Picamera2Module()
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module


@pytest.mark.parametrize("name", ["dslr", "pi"])
def test_a_camera_shows_a_live_view_takes_a_photo_and_ends(name, gphoto2, picamera2):
    with closing(open_camera(name)) as camera:
        frames = camera.frames()
        (first, pixels), (second, _) = islice(frames, 2)
        assert first < second
        assert pixels.shape == (VIEW[1], VIEW[0], 3)
        assert np.abs(pixels.astype(int).mean(axis=(0, 1)) - COLOR).max() < 3  # red, green, blue in this order
        photo = Image.open(io.BytesIO(camera.take_photo()))
        assert (photo.format, photo.size) == ("JPEG", PHOTO)
    assert list(frames) == []


@pytest.mark.parametrize("name", ["dslr", "pi"])
def test_a_camera_is_closed_while_another_thread_reads(name, gphoto2, picamera2):
    camera = open_camera(name)
    newest = NewestFrame(camera.frames())
    assert newest.read(10) is not None
    camera.close()
    newest.thread.join(10)
    assert not newest.thread.is_alive()
    assert newest.error is None


def test_no_photo_stays_in_the_dslr(gphoto2):
    with closing(open_camera("dslr")) as camera:
        camera.take_photo()
        assert gphoto2.stored == set()
        gphoto2.photo, gphoto2.name = b"II*\0 raw", "DSC_0002.NEF"
        with pytest.raises(ImageError, match=r"DSC_0002\.NEF and no JPEG"):
            camera.take_photo()
        assert gphoto2.stored == set()
    assert gphoto2.closings == 1


def test_a_dslr_that_is_busy_or_unplugged_is_an_error(gphoto2):
    camera = open_camera("dslr")
    gphoto2.is_unplugged = True
    with pytest.raises(ImageError, match="does not answer"):
        next(camera.frames())
    gphoto2.is_busy = True
    with pytest.raises(ImageError, match="Could not claim"):
        open_camera("dslr")


def test_the_pi_camera_is_configured_started_and_given_back(picamera2):
    open_camera("pi").close()
    assert picamera2.calls == [("video", "BGR888"), "start", "stop", "close"]
    picamera2.count = 0
    with pytest.raises(ImageError, match="Raspberry Pi does not answer"):
        open_camera("pi")


@pytest.mark.parametrize(("name", "module", "extra"), [("dslr", "gphoto2", "dslr"), ("pi", "picamera2", "pi")])
def test_a_camera_without_its_library_names_the_extra(name, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=f"'{extra}'"):
        open_camera(name)


def test_names_of_cameras():
    assert [name for name in ("0", "12", "webcam", "dslr", "pi", "talk.mp4", "") if not is_camera(name)] == [
        "talk.mp4",
        "",
    ]
    with pytest.raises(ImageError, match=r"talk\.mp4"):
        open_camera("talk.mp4")


@pytest.mark.parametrize(
    ("platform", "address"), [("linux", ("v4l2", "/dev/video2")), ("darwin", ("avfoundation", "2"))]
)
def test_addresses_of_webcams(platform, address):
    assert camera_address(2, platform) == address


def test_a_missing_webcam_is_an_error():
    with pytest.raises(ImageError, match="camera 61"):
        Webcam(61)
    with pytest.raises(ImageError, match="no camera 99"):
        Webcam(99)


def test_a_webcam_reads_a_device_and_photographs_its_newest_frame(tmp_path, monkeypatch):
    film = tmp_path / "camera.mkv"
    _write_film(film)
    monkeypatch.setattr("faceloom.cameras.webcam.camera_address", lambda number: ("matroska", str(film)))
    with closing(Webcam(0)) as camera:
        assert Image.open(io.BytesIO(camera.take_photo())).size == (64, 48)
        frames = [pixels for _, pixels in camera.frames()]
    assert frames[0].shape == (48, 64, 3)
    assert list(camera.frames()) == []


def _write_film(path) -> None:
    import av

    with av.open(str(path), "w") as film:
        stream = film.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for level in range(4):
            picture = np.full((48, 64, 3), 60 * level, np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode())


def test_a_slow_reader_gets_the_newest_frame():
    newest = NewestFrame((i / 100, FRAME + i) for i in range(50))
    newest.thread.join()
    seen = [moment for moment, _ in newest]
    assert seen == [0.49]
    assert newest.count == 50


def test_a_source_that_sends_nothing_is_not_waited_for_longer_than_asked():
    def slow():
        time.sleep(0.3)
        yield 0.0, FRAME

    newest = NewestFrame(slow())
    assert newest.read(0.05) is None
    newest.close()


def test_the_errors_of_a_source_are_raised_where_it_is_read():
    def broken():
        yield 0.0, FRAME
        raise ImageError("unplugged", "plug it in")

    with pytest.raises(ImageError, match="unplugged"):
        list(NewestFrame(broken()))


def test_a_button_calls_what_it_is_told_to(monkeypatch):
    board = GpioZero()
    monkeypatch.setitem(sys.modules, "gpiozero", board)
    presses = []
    button = open_button(17)
    button.when_pressed = lambda: presses.append(1)
    board.buttons[0].when_pressed()
    assert presses == [1]
    with pytest.raises(FaceloomError, match="pin 40 cannot be read"):
        open_button(40)
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(MissingExtra, match="'gpio'"):
        open_button(17)
