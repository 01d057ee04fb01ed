"""The Lab: faces of the generator, discovered axes, inspection of a person, and dragging."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.dragging import path_mask, run_drag
from faceloom.web.worker.lab import heat_colors
from faceloom.web.worker.messages import Drag, LabFace
from faceloom.web.worker.state import WorkerState
from tests.web.tiny_booth import TinyStudio
from tests.web.tiny_server import Client, Server, photo


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    """One browser for all tests of the file, so that its person is encoded once."""
    return server.client()


def picture(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def until(ask: Any, done: Any, seconds: float = 30) -> Any:
    """Ask until `done` accepts the answer."""
    end = time.monotonic() + seconds
    while not done(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def person(client: Client) -> str:
    """The id of a person who was encoded from a photo."""
    return str(client.play(photo(1))["people"][0]["id"])


def test_layers_and_axes(client: Client):
    facts = client.get("/lab/generator").json()
    assert [layer["group"] for layer in facts["layers"]][:3] == ["coarse"] * 3
    for method in ("pca", "sefa"):
        axes = client.get("/lab/axes", params={"method": method}).json()
        assert [axis["number"] for axis in axes] == list(range(1, 9))
        assert axes[0]["explained"] > axes[-1]["explained"]


def test_truncation_and_axes_change_the_face(client: Client):
    def face(**query: Any) -> bytes:
        answer = client.get("/lab/face", params={"size": 64, **query})
        assert picture(answer).size == (64, 64)
        return picture(answer).tobytes()  # the signature in the file differs each time

    assert face(seed=1, psi=0) == face(seed=2, psi=0)  # the mean face
    assert face(seed=1) != face(seed=2)
    assert face(seed=1, psi=0.2, cutoff=0) == face(seed=1, psi=1)
    assert face(seed=1) != face(seed=1, x=2)
    assert face(seed=1, x=2) != face(seed=1, x=2, layers="coarse")
    for wrong in ({"psi": "nan"}, {"x": 99}, {"layers": "hair"}, {"seed": -1}, {"what": 1}):
        assert client.get("/lab/face", params=wrong).status_code == 422
    assert client.get("/lab/face", params={"x_axis": 60, "x": 1}).status_code == 422


def test_dragging_a_generated_face(client: Client):
    begin = {"seed": 3, "size": 64, "handles": [[0.3, 0.4]], "targets": [[0.7, 0.4]]}
    answer = client.post("/lab/drags", json=begin)
    assert answer.status_code == 202
    name = f"/lab/drags/{answer.json()['id']}"
    seen = until(lambda: client.get(name).json(), lambda drag: drag["image"])
    assert picture(client.get(seen["image"].removeprefix("/api/v1"))).size == (64, 64)
    stopped = client.delete(name).json()
    assert stopped["state"] in ("stopped", "done")
    number = until(lambda: client.get(name).json()["number"], lambda n: n >= seen["number"])
    time.sleep(1)
    assert client.get(name).json()["number"] - number <= 400
    assert client.post(f"{name}/keep").status_code in (404, 409)
    assert client.post("/lab/drags", json=begin | {"targets": [[0, 0], [1, 1]]}).status_code == 422
    assert client.post("/lab/drags", json=begin | {"handles": [[2, 0]]}).status_code == 422
    assert client.get("/lab/drags/unknown").status_code == 404


def test_a_drag_of_a_visitor_is_a_step_that_can_be_undone(client: Client, person: str):
    begin = {"person": person, "psi": 1, "size": 64, "handles": [[0.3, 0.4]], "targets": [[0.6, 0.4]], "around": 0.3}
    drag = client.post("/lab/drags", json=begin).json()
    name = f"/lab/drags/{drag['id']}"
    until(lambda: client.get(name).json(), lambda drag: drag.get("number", 0) > 0)
    before = client.get(f"/people/{person}/image").content
    kept = client.post(f"{name}/keep")
    assert kept.status_code == 200, kept.text
    assert kept.json()["can_undo"]
    assert client.get(f"/people/{person}/image").content != before
    client.post(f"/people/{person}/undo").raise_for_status()
    assert client.get(f"/people/{person}/image").content == before


def test_another_browser_cannot_see_a_drag(client: Client, person: str):
    begin = {"person": person, "handles": [[0.3, 0.4]], "targets": [[0.6, 0.4]]}
    drag = client.post("/lab/drags", json=begin).json()
    cookies = dict(client.cookies)
    client.cookies.clear()
    try:
        assert client.get(f"/lab/drags/{drag['id']}").status_code == 404
        assert client.post("/lab/drags", json=begin).status_code == 404
        assert client.get(f"/lab/people/{person}").status_code == 404
    finally:
        client.cookies.update(cookies)
    client.delete(f"/lab/drags/{drag['id']}")


def test_the_mask_around_a_path():
    mask = path_mask([(0.25, 0.5)], [(0.75, 0.5)], 0.1)
    assert mask.shape == (64, 64)
    assert mask[32, 16:48].min() == 1
    assert mask[32, :8].max() == mask[20, 32] == 0
    assert float(mask.mean()) == pytest.approx(0.5 * 0.2 + torch.pi * 0.01, abs=0.01)


def test_heat_colors_go_from_black_over_coral_to_white():
    colors = heat_colors(np.array([[0.0, 0.25, 0.5, 1.0, 9.0]]))[0].tolist()
    assert colors == [[0, 0, 0], [128, 56, 39], [255, 111, 77], [255, 255, 255], [255, 255, 255]]


def test_a_drag_is_dropped_with_its_visit():
    state, context = WorkerState(TinyStudio()), TaskContext(lambda report: None, lambda: None)
    face = LabFace(seed=1, person=None, psi=1.0, cutoff=64, method="pca", along=(), layers="all", size=64)
    task = Drag("a", start=True, face=face, handles=((0.3, 0.3),), targets=((0.9, 0.3),), around=0.0)
    assert run_drag(state, task, context).number > 0
    state.drags["a"].folder = "visit"
    state.forget("other")
    assert "a" in state.drags
    state.forget("visit")
    assert not state.drags
