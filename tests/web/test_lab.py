"""The Lab: faces of the generator, discovered axes, insight, dragging with start and stop."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from PIL import Image

from faceloom.web.laboratory import around, heat
from web.serving import served
from web.tiny_booth import TinyAtelier, tiny_app

API = "/api/v1"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(tiny_app(tmp_path_factory.mktemp("booth"), pages=False)) as client:
        yield client


def picture(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def until(ask: Any, done: Any, seconds: float = 30) -> Any:
    """Ask until the answer will do."""
    end = time.monotonic() + seconds
    while not done(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def person(client: httpx.Client) -> str:
    """Somebody found in a photo."""
    client.post(f"{API}/visits").raise_for_status()
    client.post(f"{API}/visit/consent", json={"agreed": True}).raise_for_status()
    file = io.BytesIO()
    Image.effect_mandelbrot((120, 120), (-2, -1, 1, 1), 30).convert("RGB").save(file, "PNG")
    visit = client.post(f"{API}/visit/photo", files={"photo": ("me.png", file.getvalue())}).json()
    if not visit["people"]:
        client.post(f"{API}/visit/faces", json={"chosen": [0]}).raise_for_status()

    def playable() -> Any:
        return client.get(f"{API}/visit").json()

    return until(playable, lambda v: v["people"] and v["people"][0]["playable"])["people"][0]["id"]


def test_layers_and_axes(client: httpx.Client):
    facts = client.get(f"{API}/lab/generator").json()
    assert [layer["group"] for layer in facts["layers"]][:3] == ["coarse"] * 3
    for method in ("pca", "sefa"):
        axes = client.get(f"{API}/lab/axes", params={"method": method}).json()
        assert [axis["number"] for axis in axes] == list(range(1, 9))
        assert axes[0]["explained"] > axes[-1]["explained"]


def test_truncation_and_the_pad_change_the_face(client: httpx.Client):
    def face(**query: Any) -> bytes:
        answer = client.get(f"{API}/lab/face", params={"size": 64, **query})
        assert picture(answer).size == (64, 64)
        return answer.content

    assert face(seed=1, psi=0) == face(seed=2, psi=0)  # the mean face
    assert face(seed=1) != face(seed=2)
    assert face(seed=1, psi=0.2, cutoff=0) == face(seed=1, psi=1)
    assert face(seed=1) != face(seed=1, x=2)
    assert face(seed=1, x=2) != face(seed=1, x=2, layers="coarse")
    for wrong in ({"psi": "nan"}, {"x": 99}, {"layers": "hair"}, {"seed": -1}, {"what": 1}):
        assert client.get(f"{API}/lab/face", params=wrong).status_code == 422
    assert client.get(f"{API}/lab/face", params={"x_axis": 60, "x": 1}).status_code == 422


def test_dragging_somebody_invented(client: httpx.Client):
    begin = {"seed": 3, "size": 64, "handles": [[0.3, 0.4]], "targets": [[0.7, 0.4]]}
    answer = client.post(f"{API}/lab/drags", json=begin)
    assert answer.status_code == 202
    name = f"{API}/lab/drags/{answer.json()['id']}"
    seen = until(lambda: client.get(name).json(), lambda drag: drag["image"])
    assert picture(client.get(seen["image"])).size == (64, 64)
    stopped = client.delete(name).json()
    assert stopped["state"] in ("stopped", "done")
    number = until(lambda: client.get(name).json()["number"], lambda n: n >= seen["number"])
    time.sleep(1)
    assert client.get(name).json()["number"] - number <= 400
    assert client.post(f"{name}/keep").status_code in (404, 409)
    assert client.post(f"{API}/lab/drags", json=begin | {"targets": [[0, 0], [1, 1]]}).status_code == 422
    assert client.post(f"{API}/lab/drags", json=begin | {"handles": [[2, 0]]}).status_code == 422
    assert client.get(f"{API}/lab/drags/nobody").status_code == 404


def test_a_drag_of_a_visitor_is_a_step_that_can_be_undone(client: httpx.Client, person: str):
    begin = {"person": person, "psi": 1, "size": 64, "handles": [[0.3, 0.4]], "targets": [[0.6, 0.4]], "around": 0.3}
    drag = client.post(f"{API}/lab/drags", json=begin).json()
    name = f"{API}/lab/drags/{drag['id']}"
    until(lambda: client.get(name).json(), lambda drag: drag.get("number", 0) > 0)
    before = client.get(f"{API}/people/{person}/image").content
    kept = client.post(f"{name}/keep")
    assert kept.status_code == 200, kept.text
    assert kept.json()["can_undo"]
    assert client.get(f"{API}/people/{person}/image").content != before
    client.post(f"{API}/people/{person}/undo").raise_for_status()
    assert client.get(f"{API}/people/{person}/image").content == before


def test_nobody_elses_drag(client: httpx.Client, person: str):
    begin = {"person": person, "handles": [[0.3, 0.4]], "targets": [[0.6, 0.4]]}
    drag = client.post(f"{API}/lab/drags", json=begin).json()
    cookies = dict(client.cookies)
    client.cookies.clear()
    try:
        assert client.get(f"{API}/lab/drags/{drag['id']}").status_code == 404
        assert client.post(f"{API}/lab/drags", json=begin).status_code == 404
        assert client.get(f"{API}/lab/people/{person}").status_code == 404
    finally:
        client.cookies.update(cookies)
    client.delete(f"{API}/lab/drags/{drag['id']}")


def test_the_area_around_a_way():
    mask = around([(0.25, 0.5)], [(0.75, 0.5)], 0.1)
    assert mask.shape == (64, 64)
    assert mask[32, 16:48].min() == 1
    assert mask[32, :8].max() == mask[20, 32] == 0
    assert float(mask.mean()) == pytest.approx(0.5 * 0.2 + torch.pi * 0.01, abs=0.01)


def test_heat_goes_from_black_to_white():
    import numpy as np

    assert heat(np.array([[0.0, 1 / 3, 2 / 3, 1.0]])).tolist() == [[[0, 0, 0], [255, 0, 0], [255, 255, 0], [255] * 3]]


def test_a_drag_goes_with_its_visit(tmp_path: Path):
    from faceloom.web.laboratory import Laboratory

    laboratory = Laboratory(TinyAtelier())
    wanted = {"id": "a", "begin": True, "seed": 1, "psi": 1.0, "cutoff": 64, "method": "pca", "along": [], "size": 64}
    wanted |= {"layers": "all", "handles": [(0.3, 0.3)], "targets": [(0.9, 0.3)], "around": 0.0}
    assert laboratory.drag(wanted, lambda: None)["number"] > 0
    laboratory.drags["a"].folder = "visit"
    laboratory.forget("other")
    assert "a" in laboratory.drags
    laboratory.forget("visit")
    assert not laboratory.drags
