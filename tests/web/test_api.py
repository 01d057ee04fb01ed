"""The REST API for programs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from faceloom.edit.paraphrase import Paraphraser
from faceloom.workflows import words
from tests.edit.test_paraphrase import embed
from tests.web.tiny_server import TOKEN, Client, Server, photo


@pytest.fixture
def program(server: Server) -> Client:
    server.booth.rate_limiter.requests.clear()
    return server.client(Authorization=f"Bearer {TOKEN}")


def encode(program: Client, data: bytes) -> dict[str, Any]:
    """Encode a photo and return the likeness."""
    job = program.post("/encode", files={"photo": ("a", data)}, data={"seconds": "2"}).json()
    while job["state"] == "running":
        time.sleep(0.05)
        job = program.get(f"/jobs/{job['id']}").json()
    assert job["state"] == "done", job
    return job["result"]


@pytest.mark.parametrize("path", ["/detect", "/analyze", "/encode", "/edit", "/mix", "/child", "/morph", "/generate"])
def test_every_operation_needs_the_token(server, path):
    assert server.client().post(path).status_code == 401
    assert server.client(Authorization="Bearer wrong").post(path).status_code == 401


def test_detect_and_analyze_keep_nothing(program, server):
    assert len(program.post("/detect", files={"photo": ("a", photo(80, 960))}).json()["faces"]) == 2
    (face,) = program.post("/analyze", files={"photo": ("a", photo(80))}).json()["faces"]
    assert face["traits"]["age"] == 40
    assert not [visit for visit in server.booth.visits.values() if visit.kind == "api"]
    assert program.post("/detect", files={"photo": ("a", b"no picture")}).json()["error"]["code"] == "image_error"


def test_an_edit_says_which_words_it_took_for_others(program, monkeypatch):
    monkeypatch.setattr(words, "load_paraphraser", lambda *, is_request: Paraphraser(embed, is_request=is_request))
    likeness = program.post("/generate", json={"seed": 3}).json()["likeness"]
    plain = program.post("/edit", json={"likeness": likeness, "say": "five years younger"}).json()
    assert plain["reworded"] == []
    said = program.post("/edit", json={"likeness": likeness, "say": "older, glum"}).json()
    assert [(each["clause"], each["phrase"]) for each in said["reworded"]] == [("glum", "serious")]
    assert said["controls"]["smile"] < 0.5


def test_from_a_photo_to_an_edit(program):
    encoded = encode(program, photo(81))
    likeness = encoded["likeness"]
    assert encoded["quality"]["word"] == "good"
    limited = program.post("/edit", json={"likeness": likeness, "age": 40}).json()["outcome"]
    assert (limited["limited_by"], limited["kept"]) == (["skin_tone"], False)
    forced = program.post("/edit", json={"likeness": likeness, "age": 40, "force": True}).json()["outcome"]
    assert (forced["limited_by"], forced["kept"]) == ([], True)
    assert forced["reached"]["age"] > limited["reached"]["age"] + 2
    older = program.post("/edit", json={"likeness": likeness, "age": 20}).json()
    assert older["traits"]["age"] > encoded["traits"]["age"] + 10
    said = program.post("/edit", json={"likeness": likeness, "say": "five years younger"}).json()
    assert said["controls"]["age"] == 15
    assert said["traits"]["age"] < older["traits"]["age"]
    for text, message in (("glases", "unknown word"), ("eyes closed", "no slider"), ("older, 50 years old", "contra")):
        error = program.post("/edit", json={"likeness": likeness, "say": text})
        assert error.status_code == 422
        assert message in error.json()["error"]["message"]
    both = program.post("/edit", json={"likeness": likeness, "say": "older", "age": 3}).json()
    assert "ask for the same" in both["error"]["message"]
    assert program.get(f"/likenesses/{likeness}/image", params={"size": 64}).headers["content-type"] == "image/jpeg"
    assert len(program.get(f"/likenesses/{likeness}/file").content) > 500
    other = program.post("/generate", json={"seed": 3}).json()
    before = program.get(f"/likenesses/{likeness}").json()
    mixed = program.post("/mix", json={"a": likeness, "b": other["likeness"]})
    assert mixed.status_code == 201
    assert mixed.json()["likeness"] not in (likeness, other["likeness"])
    assert program.get(f"/likenesses/{likeness}").json() == before  # `a` is not overwritten
    further = program.post("/mix", json={"a": mixed.json()["likeness"], "b": "seed:4", "layers": "fine"})
    assert further.status_code == 201
    for name in (mixed.json()["likeness"], further.json()["likeness"]):
        assert program.get(f"/likenesses/{name}/image", params={"size": 64}).status_code == 200
        assert program.delete(f"/likenesses/{name}").status_code == 204
    job = program.post("/morph", json={"a": likeness, "b": other["likeness"]}).json()
    with program.stream("GET", f"/jobs/{job['id']}/events") as stream:
        lines = [line for line in stream.iter_lines() if line.startswith("data:")]
    assert '"done"' in lines[-1]
    assert program.delete(f"/likenesses/{likeness}").status_code == 204
    assert program.get(f"/likenesses/{likeness}").json()["error"]["code"] == "no_likeness"


def test_a_child_and_a_film(program):
    a, b = (program.post("/generate", json={"seed": seed}).json()["likeness"] for seed in (5, 6))
    made = program.post("/child", json={"a": a, "b": b, "age": 4, "balance": 0.2})
    assert made.status_code == 201
    child = made.json()["likeness"]
    assert {slider["name"] for slider in made.json()["sliders"]} >= {"age"}
    assert program.post("/child", json={"a": a, "b": b, "age": 60}).status_code == 422
    assert program.post("/child", json={"a": a, "b": "nobody"}).json()["error"]["code"] == "no_likeness"
    program.post("/edit", json={"likeness": child, "smile": 0.9}).raise_for_status()
    job = program.post(f"/likenesses/{child}/film").json()
    while job["state"] == "running":
        time.sleep(0.05)
        job = program.get(f"/jobs/{job['id']}").json()
    assert job["state"] == "done", job
    assert len(program.get(job["url"].removeprefix("/api/v1")).content) > 1000


def test_a_job_can_be_canceled_and_is_hidden_from_others(program, server):
    job = program.post("/encode", files={"photo": ("a", photo(82))}).json()
    assert server.client().get(f"/jobs/{job['id']}").status_code == 404
    assert program.delete(f"/jobs/{job['id']}").status_code == 204
    assert program.get(f"/jobs/{job['id']}").status_code == 404


def test_a_face_number_that_does_not_exist(program):
    answer = program.post("/encode", files={"photo": ("a", photo(83))}, data={"face": "4"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "face_error")


def test_visits_and_likenesses_are_separate(program, server):
    visitor = server.client()
    visitor.play(photo(84))
    assert program.get(f"/likenesses/{visitor.visit()['id']}").status_code == 404
    assert program.post("/mix", json={"a": visitor.visit()["id"], "b": "seed:1"}).status_code == 404
    likeness = program.post("/generate", json={"seed": 1}).json()["likeness"]
    visitor.cookies.set("visit", likeness, domain="127.0.0.1")
    assert visitor.get("/visit").status_code in (200, 404)
    assert server.client(Cookie=f"visit={likeness}").get("/visit").status_code == 404


def test_the_openapi_document_is_served(program):
    paths = program.get("/openapi.json").json()["paths"]
    names = ("detect", "analyze", "encode", "edit", "mix", "morph", "generate", "jobs/{id}")
    assert {f"/api/v1/{name}" for name in names} <= set(paths)


def test_the_reference_page_loads_nothing_from_other_sites(program):
    page = program.get("/docs").text
    assert "POST /api/v1/encode" in page
    assert "<script" not in page
    assert "http" not in page.replace("<!doctype html>", "")
    assert program.get("/docs.css").headers["content-type"].startswith("text/css")
