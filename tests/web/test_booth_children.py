"""Children over HTTP: one after the other, at an age, between the parents, playable, and portrayed as a family."""

from __future__ import annotations

import io

import pytest
from PIL import Image

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
