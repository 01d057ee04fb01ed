"""The server is ended, or its worker dies: the visit goes on where it was."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.web.tiny_server import photo, served

from faceloom.errors import StoreError


def again(server, client):
    """The same browser at another server."""
    back = server.client()
    back.cookies = client.cookies
    return back


def test_a_restart_while_playing(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        (person,) = client.play(photo(70))["people"]
        client.post(f"/people/{person['id']}/controls", json={"age": 12})
        picture = client.get(f"/people/{person['id']}/image", params={"size": 128}).content
        before = client.visit()
    with served(tmp_path) as server:
        back = again(server, client)
        after = back.visit()
        assert after["state"] == "play"
        assert after["people"][0]["controls"] == before["people"][0]["controls"]
        assert back.get(f"/people/{person['id']}/image", params={"size": 128}).content == picture
        assert back.post(f"/people/{person['id']}/undo").json()["controls"]["age"] == 0


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
        back = again(server, client)
        assert back.until(lambda visit: visit["state"] == "play")["people"][0]["playable"]


def test_a_worker_that_is_killed_is_replaced_and_the_search_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_BOOTH_SECONDS", "1.5")
    with served(tmp_path) as server:
        client = server.client()
        client.post("/visits")
        client.post("/visit/consent", json={"agreed": True})
        client.post("/visit/photo", files={"photo": ("a", photo(72))})
        time.sleep(0.3)
        os.kill(server.booth.workshop.pid, signal.SIGKILL)
        visit = client.until(lambda visit: visit["state"] == "play", 60)
        assert visit["people"][0]["playable"]
        assert server.booth.workshop.restarts == 1
        assert client.get(visit["people"][0]["image"].removeprefix("/api/v1")).status_code == 200


def test_one_server_a_folder(tmp_path):
    with served(tmp_path):
        from faceloom.web.app import SingleServerLock

        with pytest.raises(StoreError, match="another booth"):
            SingleServerLock(tmp_path).__enter__()
