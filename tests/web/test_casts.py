"""Casts over REST: plans and their errors, progress, portraits, replacements, archives, limits, and erasing."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from faceloom.workflows.cast.formats import FORMATS
from tests.web.test_lab import picture, until
from tests.web.tiny_server import TOKEN, Client, Server

FIRST_FILES = {
    "imagefolder": "train/metadata.jsonl",
    "coco": "annotations/faces_train.json",
    "webdataset": "webdataset/train-000000.tar",
    "nvidia": "nvidia-train.zip",
    "parquet": "manifest.parquet",
}
BRIEF = {"brief": "4 extras", "size": 64, "seed": 5}


@pytest.fixture(autouse=True)
def settings(server: Server) -> Iterator[Any]:
    """Return the settings of the booth, which are restored after the test."""
    before = server.booth.settings
    server.booth.rate_limiter.requests.clear()
    yield before
    server.booth.settings = before


def finish(client: Client, cast: dict[str, Any]) -> dict[str, Any]:
    """Wait until the job of a cast is over, and return the cast."""
    name = f"/casts/{cast['id']}"
    done: dict[str, Any] = until(lambda: client.get(name).json(), lambda now: now["job"]["state"] != "running", 120)
    assert done["state"] == "done", done["job"]
    return done


def order(client: Client, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Order a cast, and return it when it is done."""
    answer = client.post("/casts", json=body or BRIEF)
    assert answer.status_code == 202, answer.text
    assert answer.json()["job"]["kind"] == "cast"
    return finish(client, answer.json())


def image_of(person: dict[str, Any]) -> str:
    """Return the address of a person's picture."""
    return str(person["image"]).removeprefix("/api/v1")


def portrait(client: Client, person: dict[str, Any], size: int = 64) -> bytes:
    """Return the pixels of a person's picture."""
    answer = client.get(image_of(person), params={"size": size})
    assert answer.headers["content-type"] == "image/jpeg"
    return picture(answer).tobytes()


def test_from_a_brief_to_archives(client: Client):
    cast = order(client)
    assert [person["number"] for person in cast["cast"]] == [1, 2, 3, 4]
    assert [(cell["cell"], cell["people"], cell["met"]) for cell in cast["cells"]] == [("anybody", 4, 4)]
    pictures = [portrait(client, person) for person in cast["cast"]]
    assert len(set(pictures)) == 4
    for format in FORMATS:
        answer = client.get(f"/casts/{cast['id']}/zip", params={"format": format})
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            report = json.loads(archive.read("cast.json"))
        assert {"README.md", "cast.json", "sheet.png", "latents/000000.npz"} <= set(names)
        assert report["formats"] == [format]
        assert any(name.startswith(FIRST_FILES[format]) for name in names), names
    unknown = client.get(f"/casts/{cast['id']}/zip", params={"format": "gif"})
    assert unknown.json()["error"]["code"] == "invalid"


def test_a_plan_with_splits_and_marked_thumbnails(client: Client):
    plan = {"people": 2, "size": 256, "splits": {"train": 0.5, "test": 0.5}, "credentials": False}
    cast = order(client, {"plan": plan, "seed": 3})
    assert (cast["pictures"], cast["plan"]["seed"], cast["problems"]) == (2, 3, 0)
    thumbnail = client.get(image_of(cast["cast"][0])).content
    marks = client.post("/verify", files={"file": ("a.jpg", thumbnail)}).json()
    layers = {layer["name"]: layer["state"] for layer in marks["layers"]}
    assert layers["metadata"] == layers["watermark"] == "present", marks
    rows = client.get(f"/casts/{cast['id']}/zip", params={"format": "coco"}).content
    assert {"annotations/faces_train.json", "annotations/faces_test.json"} <= set(
        zipfile.ZipFile(io.BytesIO(rows)).namelist()
    )


def test_one_person_is_replaced(client: Client):
    cast = order(client)
    before = [portrait(client, person) for person in cast["cast"]]
    answer = client.post(f"/casts/{cast['id']}/replace", json={"people": [2]})
    assert answer.json()["state"] == "replacing"
    again = finish(client, answer.json())
    after = [portrait(client, person) for person in again["cast"]]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True, True]
    assert [person["image"] != old["image"] for person, old in zip(again["cast"], cast["cast"], strict=True)] == [
        False,
        True,
        False,
        False,
    ]
    for wrong, code in (([5], "no_person"), ([0], "invalid"), ([], "invalid"), ([1] * 13, "cast_limit")):
        refused = client.post(f"/casts/{cast['id']}/replace", json={"people": wrong})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, code)


def test_a_dry_run_tells_cells_time_and_space(client: Client):
    found = client.post("/casts/dry-run", json={"brief": "6 extras", "size": 64}).json()
    assert [(cell["people"], cell["can_draw"]) for cell in found["cells"]] == [(6, True)]
    assert found["people"] == 6
    assert found["seconds"] > 0
    assert found["peak_bytes"] >= found["bytes"] > 0


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"brief": "12 extras, half wommen"}, "plan_error", "women"),
        ({"brief": "0 extras, 2 with hats"}, "plan_error", "number"),
        ({"brief": "extras"}, "plan_error", "12 film extras"),
        ({"plan": {"people": 4, "colour": 1}}, "plan_error", "a plan has"),
        ({"plan": {"people": 4, "attributes": {"gender": {"woman": 0.7, "man": 0.7}}}}, "plan_error", "sum to 1"),
        ({"plan": {"people": 4, "attributes": {"age": "child", "beard": "yes"}}}, "plan_error", "older"),
        ({"plan": {"people": 4, "exclude": "/etc"}}, "plan_error", "--exclude-near"),
        ({"plan": {"people": 4, "generator": "other"}}, "plan_error", "generator"),
        ({"plan": {"people": 4, "name": "a\nb"}}, "plan_error", "printable"),
        ({"plan": {"people": 4, "attributes": 5}}, "plan_error", "example"),
        ({"plan": {"people": 4, "pictures": [{"smile": 0.9}] * 5}}, "cast_limit", "command line"),
        ({"brief": "101 extras"}, "cast_limit", "at most 100"),
        ({"brief": "4 extras", "size": 2048}, "cast_limit", "at most 1024"),
        ({"brief": "4 extras", "size": 32}, "invalid", ""),
        ({"brief": "4 extras", "plan": {"people": 4}}, "invalid", "12 film extras"),
        ({}, "invalid", "12 film extras"),
    ],
)
def test_errors_of_a_plan_come_before_any_work(client: Client, body: dict[str, Any], code: str, words: str):
    for path in ("/casts", "/casts/dry-run"):
        answer = client.post(path, json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, code), error
        assert words in error["hint"]
        assert "/" not in error["message"].replace("/etc", "")


def test_the_limits_of_the_settings_hold(server: Server, client: Client, settings: Any):
    assert client.get("/casts").json() == {"people": 100, "size": 1024, "formats": list(FORMATS)}
    server.booth.settings = settings.model_copy(update={"cast_people": 3, "cast_size": 128})
    assert client.post("/casts", json=BRIEF).json()["error"]["code"] == "cast_limit"
    assert client.post("/casts", json={"brief": "3 extras", "size": 256}).json()["error"]["code"] == "cast_limit"
    server.booth.settings = settings.model_copy(update={"cast_space": 10})
    refused = client.post("/casts", json={"brief": "20 extras", "size": 512})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "cast_space")
    server.booth.settings = settings.model_copy(update={"cast_people": 0})
    assert client.post("/casts", json=BRIEF).json()["error"]["code"] == "casts_closed"
    server.booth.settings = settings.model_copy(update={"lab": False})
    assert client.post("/casts", json=BRIEF).json()["error"]["code"] == "lab_closed"
    program = server.client(Authorization=f"Bearer {TOKEN}")
    assert program.get("/casts").status_code == 200
    assert server.client(Authorization="Bearer wrong").get("/casts").status_code == 401


def test_a_running_cast_is_canceled_and_leaves_nothing(server: Server, client: Client):
    answer = client.post("/casts", json={"brief": "100 extras", "size": 64, "seed": 7}).json()
    folder = server.booth.store.folder_of(answer["id"])
    name = f"/casts/{answer['id']}"
    now = until(lambda: client.get(name).json(), lambda cast: cast["cast"])
    assert 0 < now["job"]["progress"] < 1
    assert client.post(f"{name}/replace", json={"people": [1]}).json()["error"]["code"] == "not_yet"
    assert client.get(f"{name}/zip").json()["error"]["code"] == "not_yet"
    assert portrait(client, now["cast"][0])
    assert client.delete(f"/jobs/{now['job']['id']}").status_code == 204
    assert client.get(name).json()["error"]["code"] == "no_cast"
    assert client.get(f"/jobs/{now['job']['id']}").status_code == 404
    time.sleep(0.5)  # a worker that went on would write again
    assert not folder.exists()


def test_a_cast_is_erased_with_the_visit_that_began_it(server: Server, client: Client):
    assert client.post("/visits").status_code == 201
    cast, other = order(client), order(server.client())
    folder = server.booth.store.folder_of(cast["id"])
    assert folder.is_dir()
    assert client.delete("/visit").status_code in (200, 204)
    assert not folder.exists()
    assert client.get(f"/casts/{cast['id']}").status_code == 404
    assert client.get(f"/casts/{other['id']}").status_code == 200
    assert client.delete(f"/casts/{other['id']}").status_code == 204
    assert not server.booth.store.folder_of(other["id"]).exists()


def test_a_visitor_needs_the_header_and_the_id(server: Server, client: Client):
    assert httpx.post(f"{server.base}/api/v1/casts", json=BRIEF).json()["error"]["code"] == "header_missing"
    for path in ("/casts/unknown", "/casts/unknown/zip", "/casts/unknown/people/1/image"):
        assert client.get(path).json()["error"]["code"] == "no_cast"


def test_a_program_follows_the_job(server: Server):
    program = server.client(Authorization=f"Bearer {TOKEN}")
    job = program.post("/casts", json=BRIEF).json()["job"]
    with program.stream("GET", f"/jobs/{job['id']}/events") as stream:
        lines = [line for line in stream.iter_lines() if line.startswith("data:")]
    last = json.loads(lines[-1].removeprefix("data:"))
    assert last["state"] == "done"
    assert program.get(last["url"].removeprefix("/api/v1")).json()["id"] == last["result"]["cast"]
