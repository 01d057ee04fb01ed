"""The booth's own camera and its shutter button: for the own screen alone, after the consent, and not left open."""

from __future__ import annotations

import io
import json
import sys
import threading
import time

import pytest
from PIL import Image

from faceloom.cameras import open_camera
from faceloom.web.booth import own_camera
from tests.cameras.stand_ins import VIEW, GPhoto2
from tests.web.tiny_server import PIN, photo, served


@pytest.fixture
def gphoto2(server, monkeypatch):
    """A DSLR that the operator chose; its photo shows a face for the tiny detector."""
    module = GPhoto2(photo=photo(3))
    monkeypatch.setitem(sys.modules, "gphoto2", module)
    settings = server.booth.settings
    server.booth.settings = settings.model_copy(update={"camera": "dslr"})
    yield module
    server.booth.settings = settings
    until(lambda: server.booth.camera.opened is None, poke=lambda: look_idle(server.booth.camera))


def look_idle(camera) -> None:
    """Make the camera look as if no page had read from it for long."""
    if camera.opened:
        camera.opened.used = float("-inf")


def until(condition, poke=lambda: None) -> None:
    end = time.monotonic() + 10
    while not condition():
        poke()
        assert time.monotonic() < end
        time.sleep(0.02)


def consented(client):
    client.post("/visits").raise_for_status()
    client.post("/visit/consent", json={"agreed": True}).raise_for_status()
    return client


def size_of(answer) -> tuple[int, int]:
    assert answer.headers["content-type"] == "image/jpeg", answer.text
    assert answer.headers["cache-control"] == "no-store"
    return Image.open(io.BytesIO(answer.content)).size


def test_without_a_choice_the_camera_is_the_browsers(client):
    assert client.get("/booth").json()["camera"] == "browser"
    answer = consented(client).get("/visit/camera/frame")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_camera")


def test_the_camera_opens_after_the_consent_and_takes_the_photo(server, client, gphoto2):
    assert client.get("/booth").json()["camera"] == "dslr"
    client.post("/visits").raise_for_status()
    assert client.get("/visit/camera/frame").status_code == 403
    assert gphoto2.openings == 0
    consented(client)
    assert [size_of(client.get("/visit/camera/frame")) for _ in range(3)] == [VIEW] * 3
    taken = client.post("/visit/camera/photo")
    assert size_of(taken) == (640, 640)
    assert gphoto2.openings == 1
    assert gphoto2.stored == set()
    assert not list(server.home.rglob("*.jpg"))  # the photo is stored when the visitor sends it
    assert client.post("/visit/photo", files={"photo": ("photo.jpg", taken.content)}).status_code == 200


def test_the_camera_is_closed_when_no_page_reads_and_opened_again(server, client, gphoto2):
    consented(client).get("/visit/camera/frame").raise_for_status()
    until(lambda: gphoto2.closings == 1, poke=lambda: look_idle(server.booth.camera))
    client.get("/visit/camera/frame").raise_for_status()
    assert gphoto2.openings == 2


def test_other_screens_do_not_see_the_booths_camera(client, gphoto2, monkeypatch):
    consented(client)
    monkeypatch.setattr("faceloom.web.routes.common.is_this_machine", lambda client: False)
    assert client.get("/booth").json()["camera"] == "browser"
    answer = client.get("/visit/camera/frame")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_here")
    assert client.post("/visit/camera/photo").status_code == 403
    assert gphoto2.openings == 0


def test_the_operator_tests_the_camera_with_the_pin(client, gphoto2):
    assert client.get("/operator/camera/frame").status_code == 401
    client.post("/operator/login", json={"pin": PIN}).raise_for_status()
    assert size_of(client.get("/operator/camera/frame")) == VIEW


def test_a_camera_that_fails_is_told_and_opened_again(client, gphoto2):
    consented(client).get("/visit/camera/frame").raise_for_status()
    gphoto2.is_unplugged = True
    until(lambda: client.get("/visit/camera/frame").status_code == 422)
    assert "DSLR" in client.post("/visit/camera/photo").json()["error"]["message"]
    gphoto2.is_unplugged = False
    until(lambda: client.get("/visit/camera/frame").status_code == 200)


class Stuck:
    """A camera that shows no frame."""

    def frames(self):
        time.sleep(1)
        yield from ()

    def take_photo(self) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_a_camera_that_shows_nothing_is_not_waited_for_forever(server, client, gphoto2, monkeypatch):
    monkeypatch.setattr(own_camera, "FRAME_SECONDS", 0.1)
    monkeypatch.setattr(server.booth.camera, "open", lambda name: Stuck())
    answer = consented(client).get("/visit/camera/frame")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "image_error")
    assert server.booth.camera.opened is None
    monkeypatch.setattr(server.booth.camera, "open", open_camera)


class Button:
    """A button; tests press it in a thread of their own, as gpiozero does."""

    when_pressed = None
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_the_button_reaches_the_own_screen_once(tmp_path):
    button = Button()
    with served(tmp_path, shutter=button) as server:
        client = consented(server.client())
        with client.stream("GET", "/visit/events") as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("event:")) == "event: visit"
            threading.Thread(target=button.when_pressed).start()
            assert next(line for line in lines if line.startswith("event:")) == "event: shutter"
            data = next(line for line in lines if line.startswith("data:"))
            assert json.loads(data.removeprefix("data:")) == {"pressed": True}
        until(lambda: not server.booth.events.own_screens)
        button.when_pressed()  # no one looks: nothing happens
        assert "shutter" not in {event.name for event in server.booth.events.stored[client.visit()["id"]]}
    assert button.is_closed
