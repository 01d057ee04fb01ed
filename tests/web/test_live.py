"""The live mirror and the short films: frames are answered and not stored, and the usual protection holds."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.web.tiny_server import Client, Server, as_jpeg, photo

FLAT = as_jpeg(Image.new("RGB", (320, 240), (90, 90, 90)))


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return server.client()


@pytest.fixture(scope="module")
def person(client: Client) -> str:
    return str(client.play(photo(5))["people"][0]["id"])


def send(client: Client, person: str, frame: bytes, **query: object):
    return client.post(f"/people/{person}/live", params=query, content=frame, headers={"Content-Type": "image/jpeg"})


def test_a_frame_is_answered_with_a_picture_of_the_size(client, person):
    answer = send(client, person, photo(1, 320, 240), size=256)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-faceloom-face"] == "1"
    assert Image.open(io.BytesIO(answer.content)).size == (256, 256)


def test_a_frame_without_a_face_is_answered_too(client, person):
    answer = send(client, person, FLAT)
    assert answer.status_code == 200
    assert answer.headers["x-faceloom-face"] == "0"


def test_a_stream_is_answered_with_the_picture_of_the_frame_before(client, person):
    answers = [send(client, person, frame, years=1, ahead=1) for frame in (photo(1, 320, 240), FLAT, FLAT)]
    assert [answer.headers["x-faceloom-face"] for answer in answers] == ["1", "1", "0"]


def test_years_change_the_picture(client, person):
    now, older = (
        np.asarray(Image.open(io.BytesIO(send(client, person, FLAT, years=years).content)), dtype=float)
        for years in (0, 40)
    )
    assert np.abs(now - older).mean() > 0.2


def test_nothing_of_a_frame_is_stored(server, client, person):
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in server.home.rglob("*.jpg")}

    before = files()
    for seed in range(3):
        send(client, person, photo(seed, 320, 240), years=-20)
    assert files() == before


@pytest.mark.parametrize(
    ("query", "status"), [({"years": 60}, 422), ({"size": 2048}, 422), ({"mix": 2}, 422), ({"friend": "nobody"}, 404)]
)
def test_wrong_looks_are_refused(client, person, query, status):
    assert send(client, person, FLAT, **query).status_code == status


def test_other_bodies_are_refused(client, person):
    assert send(client, person, b"no picture").status_code in (400, 415, 422)
    assert send(client, person, b"\xff" * (200 << 10)).status_code == 413


def test_other_visits_have_no_mirror_of_the_person(server, client, person):
    stranger = server.client()
    assert send(stranger, person, FLAT).status_code == 404
    stranger.play(photo(6))
    assert send(stranger, person, FLAT).status_code == 404


def test_a_page_of_another_site_cannot_send_frames(server, client, person):
    answer = client.post(f"/people/{person}/live", content=FLAT, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    del client.headers["X-Faceloom"]
    refused = send(client, person, FLAT).status_code
    client.headers["X-Faceloom"] = "1"
    assert refused == 403


def test_too_many_frames_are_refused(client, person, monkeypatch):
    monkeypatch.setattr("faceloom.web.routes.live.MAX_FRAMES", 0)
    assert send(client, person, FLAT).status_code == 429


@pytest.mark.parametrize(("kind", "animated"), [("reveal", False), ("boomerang", True)])
def test_a_show_is_a_job_that_ends_in_a_download(client, person, kind, animated):
    job = client.post(f"/people/{person}/show", json={"kind": kind, "animated": animated})
    assert job.status_code == 202, job.text
    end = time.monotonic() + 120
    while (state := client.get(f"/jobs/{job.json()['id']}").json())["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.1)
    assert state["state"] == "done", state
    film = client.get(f"/downloads/{state['result']['take']}")
    assert film.headers["content-type"] == ("image/webp" if animated else "video/mp4")
    assert len(film.content) > 1000
