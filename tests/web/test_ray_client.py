"""Several workers behind one server: each visit stays with its worker; with Ray where it is installed."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from faceloom.web.worker.ray_client import RayClient
from faceloom.web.worker.ray_deployment import DeployedWorker, RayDeployment
from faceloom.web.worker.studio import BoothStudio
from tests.web.tiny_booth import tiny_app
from tests.web.tiny_server import Server, photo, served

MakeStudio = Callable[[], BoothStudio]


class LocalDeployment:
    """Three workers in the server's own process, without Ray."""

    def __init__(self) -> None:
        self.workers: list[DeployedWorker] = []

    def start(self, make_studio: MakeStudio) -> Sequence[DeployedWorker]:
        """Start the workers."""
        self.workers = [DeployedWorker(make_studio) for _ in range(3)]
        return self.workers

    def stop(self) -> None:
        """Cancel all jobs and wait until none runs: torch aborts a process that ends while a thread computes."""
        end = time.monotonic() + 10
        for worker in (deployed.worker for deployed in self.workers):
            while jobs := [*worker.waiting, *worker.running.values()]:
                assert time.monotonic() < end
                for job in jobs:
                    worker.cancel(id=job.id)
                time.sleep(0.01)


class BrokenDeployment(LocalDeployment):
    """A deployment that cannot start."""

    def start(self, make_studio: MakeStudio) -> Sequence[DeployedWorker]:
        """Raise an error."""
        raise RuntimeError("no cluster")


def use_local_workers(make_studio: MakeStudio) -> RayClient:
    return RayClient(make_studio, LocalDeployment())


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("booth"), make_client=use_local_workers) as running:
        yield running


def test_visits_are_distributed_and_stay_with_their_worker(three: Server):
    visitors = [three.client() for _ in range(3)]
    people = [visitor.play(photo(n))["people"][0]["id"] for n, visitor in enumerate(visitors)]
    client = three.booth.worker
    assert client.facts.workers == 3
    places = [client.pinned[visitor.visit()["id"]] for visitor in visitors]
    assert sorted(places) == [0, 1, 2]
    for visitor, person in zip(visitors, people, strict=True):
        assert visitor.get(f"/people/{person}/preview", params={"age": 12, "n": 1}).content.startswith(b"\xff\xd8")
        assert visitor.post(f"/people/{person}/edit", json={"age": 10}).json()["controls"]["age"] == 10
    assert places == [client.pinned[visitor.visit()["id"]] for visitor in visitors]
    for visitor in visitors:
        assert visitor.delete("/visit").status_code == 204
    assert not three.booth.visits


def test_an_encoding_is_canceled_at_its_worker(three: Server):
    visitor = three.client()
    visitor.post("/visits")
    visitor.post("/visit/consent", json={"agreed": True})
    visitor.post("/visit/photo", files={"photo": ("me.jpg", photo(5))})
    assert visitor.post("/visit/cancel").status_code == 200
    assert visitor.delete("/visit").status_code == 204
    assert not three.booth.worker.pending.requests


def test_workers_that_cannot_start_are_reported(tmp_path: Path):
    app = tiny_app(tmp_path, make_client=lambda make_studio: RayClient(make_studio, BrokenDeployment()))
    server = Server(app, tmp_path)
    try:
        client, end = server.client(), time.monotonic() + 20
        while not (health := client.get("/health").json())["error"]:
            assert time.monotonic() < end
        assert health["error"]["code"] == "no_workers"
        assert not health["ready"]
    finally:
        server.stop()


def test_a_lost_worker_is_reported(three: Server, monkeypatch: pytest.MonkeyPatch):
    visitor = three.client()
    person = visitor.play(photo(6))["people"][0]["id"]

    async def fail(self: DeployedWorker, message: Any) -> Any:
        raise RuntimeError("gone")
        yield

    monkeypatch.setattr(DeployedWorker, "ask", fail)
    answer = visitor.get(f"/people/{person}/preview", params={"age": -7, "n": 9})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "worker_lost"


@pytest.mark.filterwarnings("ignore")  # Ray warns about its own code
@pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: the extra `scale`")
def test_ray_serves_two_workers(tmp_path: Path):
    def use_ray(make_studio: MakeStudio) -> RayClient:
        return RayClient(make_studio, RayDeployment(2, cores=0.1))

    with served(tmp_path, make_client=use_ray) as running:
        visitor = running.client()
        person = visitor.play(photo(1))["people"][0]["id"]
        assert visitor.get(f"/people/{person}/image").content.startswith(b"\xff\xd8")
        assert visitor.delete("/visit").status_code == 204
