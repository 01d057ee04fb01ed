"""Children over HTTP: one after the other, at an age, between the parents, playable, and portrayed as a family."""

from __future__ import annotations

import asyncio
import io
import time

import httpx
import pytest
from PIL import Image

from faceloom.web.worker.messages import MakeChild
from tests.web.tiny_server import photo


@pytest.fixture
def parents(client) -> tuple[str, str]:
    """Two people of a photo."""
    a, b = (person["id"] for person in client.play(photo(90, 960), [0, 1])["people"])
    return a, b


def picture_of(client, child) -> bytes:
    """Return the pixels of a child's picture."""
    answer = client.get(child["image"].removeprefix("/api/v1"), params={"size": 64})
    return Image.open(io.BytesIO(answer.content)).convert("RGB").tobytes()


def test_children_come_one_after_the_other_and_do_not_depend_on_how(client, parents):
    a, b = parents
    both = client.post("/children", json={"a": a, "b": b, "seed": 2, "count": 2}).json()["children"]
    (second,) = client.post("/children", json={"a": a, "b": b, "seed": 2, "first": 1, "count": 1}).json()["children"]
    first, again, other = (picture_of(client, child) for child in (both[1], second, both[0]))
    assert first == again != other


def test_a_child_has_sliders(client, parents):
    a, b = parents
    (child,) = client.post("/children", json={"a": a, "b": b, "count": 1}).json()["children"]
    assert {slider["name"] for slider in child["sliders"]} >= {"age", "smile"}
    assert child["traits"]
    assert client.post(f"/people/{child['id']}/edit", json={"smile": 0.9}).json()["can_undo"]


@pytest.mark.parametrize("values", [{"age": 1}, {"age": 31}, {"balance": 1.1}, {"count": 0}, {"count": 10}])
def test_impossible_children_are_refused(client, parents, values):
    a, b = parents
    assert client.post("/children", json={"a": a, "b": b, **values}).status_code == 422


def test_a_family_portrait_is_a_download(client, parents):
    a, b = parents
    children = client.post("/children", json={"a": a, "b": b, "count": 3}).json()["children"]
    body = {"a": a, "b": b, "children": [child["id"] for child in children]}
    made = client.post("/visit/family", json=body).json()
    assert made["form"] == "family"
    answer = client.get(made["download"].removeprefix("/api/v1"))
    assert Image.open(io.BytesIO(answer.content)).size == (1800, 1200)
    assert client.post("/visit/family", json={**body, "children": []}).status_code == 422
    assert client.post("/visit/family", json={**body, "children": ["nobody"]}).status_code == 404


def test_closing_the_connection_cancels_the_other_children(server, client, parents, monkeypatch):
    a, b = parents
    run = server.booth.worker.run

    async def slow(task, **options):
        if isinstance(task, MakeChild) and task.number > 0:
            await asyncio.sleep(30)
        return await run(task, **options)

    monkeypatch.setattr(server.booth.worker, "run", slow)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/children", json={"a": a, "b": b, "seed": 5, "count": 3}, timeout=1.5)
    monkeypatch.undo()
    visit = client.get("/visit").json()
    assert len([person for person in visit["people"] if person["lineage"]]) == 1  # the first one was drawn
    begin = time.monotonic()
    assert client.post("/children", json={"a": a, "b": b, "seed": 6, "count": 1}).status_code == 200
    assert time.monotonic() - begin < 15  # the lock of the visit is free
    folder = server.booth.store.folder_of(visit["id"])
    people = {person["id"] for person in client.get("/visit").json()["people"]}
    assert {path.name.split(".")[0] for path in folder.glob("*.likeness")} == people
