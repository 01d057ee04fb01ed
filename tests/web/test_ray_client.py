"""Several workers behind one server: visits stay with theirs, answers come back; by Ray where it is there."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.web.tiny_booth import tiny_app
from tests.web.tiny_server import Server, photo, served

from faceloom.web.worker.ray_client import Maker, OnRay, Workers


def here(make: Callable[[], Any]) -> Sequence[Maker]:
    """Workers in the server's own process, without Ray."""
    return [Maker(make) for _ in range(3)]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("booth"), workshop=lambda make: Workers(make, here)) as running:
        yield running


def test_visits_are_dealt_out_and_stay_where_they_are(three: Server):
    visitors = [three.client() for _ in range(3)]
    people = [visitor.play(photo(n))["people"][0]["id"] for n, visitor in enumerate(visitors)]
    workshop = three.booth.workshop
    assert workshop.facts["workers"] == 3
    homes = [workshop.pinned[visitor.visit()["id"]] for visitor in visitors]
    assert sorted(homes) == [0, 1, 2]
    for visitor, person in zip(visitors, people, strict=True):
        assert visitor.get(f"/people/{person}/preview", params={"age": 12, "n": 1}).content.startswith(b"\xff\xd8")
        assert visitor.post(f"/people/{person}/controls", json={"age": 10}).json()["controls"]["age"] == 10
    assert homes == [workshop.pinned[visitor.visit()["id"]] for visitor in visitors]
    for visitor in visitors:
        assert visitor.delete("/visit").status_code == 204
    assert not three.booth.visits


def test_an_encoding_is_stopped_where_it_runs(three: Server):
    visitor = three.client()
    visitor.post("/visits")
    visitor.post("/visit/consent", json={"agreed": True})
    visitor.post("/visit/photo", files={"photo": ("me.jpg", photo(5))})
    assert visitor.post("/visit/cancel").status_code == 200
    assert visitor.delete("/visit").status_code == 204
    assert not three.booth.workshop.asked


def test_workers_that_cannot_be_started_are_told(tmp_path: Path):
    def refuse(make: Callable[[], Any]) -> Sequence[Maker]:
        raise RuntimeError("no cluster")

    server = Server(tiny_app(tmp_path, workshop=lambda make: Workers(make, refuse)), tmp_path)
    try:
        client, end = server.client(), time.monotonic() + 20
        while not (said := client.get("/health").json())["error"]:
            assert time.monotonic() < end
        assert said["error"]["code"] == "no_workers"
        assert not said["ready"]
    finally:
        server.stop()


def test_a_worker_that_is_lost_is_told(three: Server, monkeypatch: pytest.MonkeyPatch):
    visitor = three.client()
    person = visitor.play(photo(6))["people"][0]["id"]

    async def broken(self: Maker, message: Any) -> Any:
        raise RuntimeError("gone")
        yield

    monkeypatch.setattr(Maker, "ask", broken)
    answer = visitor.get(f"/people/{person}/preview", params={"age": -7, "n": 9})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "worker_lost"


@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: the extra `scale`")
def test_ray_serves_two(tmp_path: Path):
    with served(tmp_path, workshop=lambda make: Workers(make, OnRay(2, cores=0.1))) as running:
        visitor = running.client()
        person = visitor.play(photo(1))["people"][0]["id"]
        assert visitor.get(f"/people/{person}/image").content.startswith(b"\xff\xd8")
        assert visitor.delete("/visit").status_code == 204
