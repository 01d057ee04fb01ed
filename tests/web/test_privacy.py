"""Privacy: no visit shows pictures of another, and after a visit no byte of it is in any file."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.web.tiny_server import Server, photo, served


def contents(paths: Iterable[Path]) -> dict[str, bytes]:
    """Return the content of files by path, without files that vanish meanwhile, as drafts do."""
    content = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                content[str(path)] = path.read_bytes()
    return content


def traces(home: Path, secrets: list[bytes]) -> list[str]:
    """Return the files that contain a piece of a secret."""
    pieces = [piece for secret in secrets if (piece := _piece_of(secret))]
    return [name for name, content in contents(home.rglob("*")).items() if any(piece in content for piece in pieces)]


def _piece_of(secret: bytes) -> bytes:
    """Return 24 bytes from the middle of a secret on, which are not padding; any file has runs of zeros."""
    windows = (secret[at:][:24] for at in range(len(secret) // 2, len(secret), 24))
    return next((window for window in windows if len(set(window)) >= min(8, len(secret))), b"")


def secrets_of(server: Server, visit: dict) -> list[bytes]:
    """Return everything that is stored of a visit: its files, its ids, its downloads."""
    files = [*server.booth.store.folder_of(visit["id"]).iterdir(), *(server.home / "takes").glob("*")]
    ids = [visit["id"], *(person["id"] for person in visit["people"])]
    return [*contents(files).values(), *(name.encode() for name in ids)]


@pytest.mark.parametrize("end", ["delete", "retention", "operator"])
def test_after_the_end_no_byte_is_left(tmp_path, end):
    with served(tmp_path) as server:
        client = server.client()
        visit = client.play(photo(20))
        name = visit["people"][0]["id"]
        client.post(f"/people/{name}/edit", json={"age": 20})
        client.post(f"/people/{name}/mix", json={"with": "seed:5"})
        client.post("/visit/finish", json={"person": name, "form": "strip"})
        secrets = secrets_of(server, visit)
        assert len(traces(tmp_path, secrets)) >= 5
        if end == "delete":
            assert client.delete("/visit").status_code == 204
        elif end == "retention":
            server.booth.store.clock = lambda: time.time() + 3600
            time.sleep(2.5)  # the sweep
        else:
            client.post("/operator/login", json={"pin": "123456"})
            assert client.delete("/operator/visits").status_code == 204
        assert client.get("/visit").status_code == 404
        assert not traces(tmp_path, secrets)
        assert not server.booth.pictures
        assert not server.booth.progress_frames
    assert not traces(tmp_path, secrets)


def test_erased_during_an_encoding(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        client.post("/visits")
        client.post("/visit/consent", json={"agreed": True})
        client.post("/visit/photo", files={"photo": ("a", photo(21))})
        visit = client.visit()
        secrets = secrets_of(server, visit)
        client.delete("/visit")
        time.sleep(1)  # longer than the encoding takes
        assert not traces(tmp_path, secrets)
        assert not list((tmp_path / "visits").glob("*"))


def test_five_visitors_at_once_get_their_own_pictures(server):
    server.booth.rate_limiter.requests.clear()
    results: dict[int, tuple[dict, bytes, bytes]] = {}

    def visit_booth(seed: int) -> None:
        client = server.client()
        visit = client.play(photo(seed))
        (person,) = visit["people"]
        images = (client.get(person[kind].removeprefix("/api/v1")).content for kind in ("crop", "image"))
        results[seed] = (visit, *images)

    threads = [threading.Thread(target=visit_booth, args=(seed,)) for seed in range(30, 35)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 5
    assert len({image for _, _, image in results.values()}) == 5
    for seed, (_, crop, _) in results.items():
        own = Image.open(io.BytesIO(photo(seed))).crop((128, 128, 512, 512)).resize((64, 64))
        shown = Image.open(io.BytesIO(crop)).resize((64, 64))
        assert np.corrcoef(np.ravel(own), np.ravel(shown))[0, 1] > 0.9
    stranger = server.client()
    stranger.post("/visits")
    for visit, _, _ in results.values():
        name = visit["people"][0]["id"]
        for picture in ("image", "crop", "preview"):
            assert stranger.get(f"/people/{name}/{picture}").status_code == 404
        assert stranger.post(f"/people/{name}/edit", json={"age": 1}).status_code == 404
        assert stranger.get("/blend", params={"a": name, "b": name}).status_code == 404


def test_places_in_the_queue_are_sent(server):
    server.booth.rate_limiter.requests.clear()
    clients = [server.client() for _ in range(3)]
    for seed, client in enumerate(clients, start=40):
        client.post("/visits")
        client.post("/visit/consent", json={"agreed": True})
        client.post("/visit/photo", files={"photo": ("a", photo(seed))})
    places = [
        [event.data.place for event in server.booth.events.stored[client.visit()["id"]] if event.name == "queue"]
        for client in clients
    ]
    assert max(places[2], default=0) >= 1
    for client in clients:
        client.until(lambda visit: visit["state"] == "play")


def test_erased_during_a_film(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        (person,) = client.play(photo(22))["people"]
        client.post("/film", json={"person": person["id"]})
        time.sleep(0.05)
        client.delete("/visit")
        time.sleep(1.5)  # longer than the film takes
        assert not list((tmp_path / "takes").glob("*"))
