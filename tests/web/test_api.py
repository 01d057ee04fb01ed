"""The REST API for programs."""

from __future__ import annotations

import time

import pytest
from tests.web.tiny_server import TOKEN, photo


@pytest.fixture
def program(server):
    server.booth.rates.seen.clear()
    return server.client(Authorization=f"Bearer {TOKEN}")


def encoded(program, data: bytes) -> dict:
    job = program.post("/encode", files={"photo": ("a", data)}, data={"seconds": "2"}).json()
    while job["state"] == "running":
        time.sleep(0.05)
        job = program.get(f"/jobs/{job['id']}").json()
    assert job["state"] == "done", job
    return job["result"]


@pytest.mark.parametrize("path", ["/find", "/analyze", "/encode", "/edit", "/mix", "/morph", "/generate"])
def test_nothing_without_the_token(server, path):
    assert server.client().post(path).status_code == 401
    assert server.client(Authorization="Bearer wrong").post(path).status_code == 401


def test_find_and_analyze_keep_nothing(program, server):
    assert len(program.post("/find", files={"photo": ("a", photo(80, 960))}).json()["faces"]) == 2
    (face,) = program.post("/analyze", files={"photo": ("a", photo(80))}).json()["faces"]
    assert face["traits"]["age"] == 40
    assert not [visit for visit in server.booth.visits.values() if visit.kind == "api"]
    assert program.post("/find", files={"photo": ("a", b"no picture")}).json()["error"]["code"] == "image_error"


def test_from_a_photo_to_an_edit(program):
    found = encoded(program, photo(81))
    handle = found["likeness"]
    assert found["quality"]["word"] == "good"
    older = program.post("/edit", json={"likeness": handle, "age": 20}).json()
    assert older["traits"]["age"] > found["traits"]["age"] + 10
    assert program.get(f"/likenesses/{handle}/image", params={"size": 64}).headers["content-type"] == "image/jpeg"
    assert len(program.get(f"/likenesses/{handle}/file").content) > 500
    other = program.post("/generate", json={"seed": 3}).json()
    assert program.post("/mix", json={"a": handle, "b": other["likeness"]}).status_code == 200
    assert program.post("/mix", json={"a": handle, "b": "seed:4", "layers": "fine"}).status_code == 200
    job = program.post("/morph", json={"a": handle, "b": other["likeness"]}).json()
    with program.stream("GET", f"/jobs/{job['id']}/events") as stream:
        lines = [line for line in stream.iter_lines() if line.startswith("data:")]
    assert '"done"' in lines[-1]
    assert program.delete(f"/likenesses/{handle}").status_code == 204
    assert program.get(f"/likenesses/{handle}").json()["error"]["code"] == "no_likeness"


def test_a_job_can_be_stopped_and_is_nobody_else_s(program, server):
    job = program.post("/encode", files={"photo": ("a", photo(82))}).json()
    assert server.client().get(f"/jobs/{job['id']}").status_code == 404
    assert program.delete(f"/jobs/{job['id']}").status_code == 204
    assert program.get(f"/jobs/{job['id']}").status_code == 404


def test_a_face_that_is_not_there(program):
    answer = program.post("/encode", files={"photo": ("a", photo(83))}, data={"face": "4"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "face_error")


def test_the_visitors_and_the_programs_do_not_meet(program, server):
    visitor = server.client()
    visitor.play(photo(84))
    assert program.get(f"/likenesses/{visitor.visit()['id']}").status_code == 404
    assert program.post("/mix", json={"a": visitor.visit()["id"], "b": "seed:1"}).status_code == 404
    handle = program.post("/generate", json={"seed": 1}).json()["likeness"]
    visitor.cookies.set("visit", handle, domain="127.0.0.1")
    assert visitor.get("/visit").status_code in (200, 404)
    assert server.client(Cookie=f"visit={handle}").get("/visit").status_code == 404


def test_the_description_is_there_and_whole(program):
    described = program.get("/openapi.json").json()
    paths = set(described["paths"])
    wanted = {"find", "analyze", "encode", "edit", "mix", "morph", "generate", "jobs/{name}"}
    assert {f"/api/v1/{name}" for name in wanted} <= paths
    assert all(
        operation.get("description") or operation.get("summary")
        for path in described["paths"].values()
        for operation in path.values()
    )


def test_the_description_for_people_loads_nothing_from_elsewhere(program):
    page = program.get("/docs").text
    assert "POST /api/v1/encode" in page
    assert "<script" not in page
    assert "http" not in page.replace("<!doctype html>", "")
    assert program.get("/docs.css").headers["content-type"].startswith("text/css")
