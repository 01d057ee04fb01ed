"""Restarts of the server and of the worker: a visit continues where it was."""

from __future__ import annotations

import io
import os
import signal
import time

import pytest
from PIL import Image

from faceloom.errors import StoreError
from tests.web.tiny_server import photo, served


def pixels_of(picture: bytes) -> bytes:
    """Return the pixels of a picture."""
    return Image.open(io.BytesIO(picture)).tobytes()


def reconnect(server, client):
    """Return the same browser at another server."""
    browser = server.client()
    browser.cookies = client.cookies
    return browser


def test_a_restart_while_playing(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        (person,) = client.play(photo(70))["people"]
        client.post(f"/people/{person['id']}/edit", json={"age": 12})
        picture = client.get(f"/people/{person['id']}/image", params={"size": 128}).content
        before = client.visit()
    with served(tmp_path) as server:
        browser = reconnect(server, client)
        after = browser.visit()
        assert after["state"] == "play"
        assert after["people"][0]["controls"] == before["people"][0]["controls"]
        again = browser.get(f"/people/{person['id']}/image", params={"size": 128}).content
        assert pixels_of(again) == pixels_of(picture)  # the signature beside the pixels has a time of its own
        assert browser.post(f"/people/{person['id']}/undo").json()["controls"]["age"] == 0


def test_a_restart_in_the_middle_of_an_encoding(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_BOOTH_SECONDS", "5")
    with served(tmp_path) as server:
        client = server.client()
        client.post("/visits")
        client.post("/visit/consent", json={"agreed": True})
        client.post("/visit/photo", files={"photo": ("a", photo(71))})
        assert client.visit()["state"] == "encoding"
    monkeypatch.setenv("TINY_BOOTH_SECONDS", "0.2")
    with served(tmp_path) as server:
        browser = reconnect(server, client)
        assert browser.until(lambda visit: visit["state"] == "play")["people"][0]["playable"]


def test_a_killed_worker_is_replaced_and_the_encoding_is_repeated(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_BOOTH_SECONDS", "1.5")
    with served(tmp_path) as server:
        client = server.client()
        client.post("/visits")
        client.post("/visit/consent", json={"agreed": True})
        client.post("/visit/photo", files={"photo": ("a", photo(72))})
        time.sleep(0.3)
        os.kill(server.booth.worker.pid, signal.SIGKILL)
        visit = client.until(lambda visit: visit["state"] == "play", 60)
        assert visit["people"][0]["playable"]
        assert server.booth.worker.restarts == 1
        assert client.get(visit["people"][0]["image"].removeprefix("/api/v1")).status_code == 200


def test_a_folder_has_one_server(tmp_path):
    with served(tmp_path):
        from faceloom.web.app import SingleServerLock

        with pytest.raises(StoreError, match="another booth"):
            SingleServerLock(tmp_path).__enter__()
