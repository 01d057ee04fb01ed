"""A full disk: what a visitor deletes is deleted as soon as the disk allows it, and no page says otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.store.test_erasing import broken_disk
from tests.web.test_privacy import secrets_of, traces
from tests.web.tiny_server import TOKEN, Client, photo, served

FAULTS = ("every statement", "unlink", "everything", "DELETE FROM visits", "PRAGMA wal_checkpoint")


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def make_something(client: Client, seed: int) -> dict:
    """Play, edit and make a download; return the visit."""
    visit = client.play(photo(seed))
    name = visit["people"][0]["id"]
    assert client.post("/visit/finish", json={"person": name, "form": "single"}).status_code == 200
    return visit


@pytest.mark.parametrize("fault", FAULTS)
def test_delete_everything_on_a_full_disk(tmp_path, fault):
    with served(tmp_path) as server:
        client, operator = server.client(), server.client()
        operator.post("/operator/login", json={"pin": "123456"})
        secrets = secrets_of(server, make_something(client, 200))
        with broken_disk(fault, tmp_path):
            answer = client.delete("/visit")
            assert answer.status_code == 507
            assert answer.json()["error"]["code"] == "erase_pending"
            assert "tries again" in answer.json()["error"]["hint"]
            assert client.get("/visit").status_code == 404  # the visit is over, and can be shown to no one
            assert client.delete("/visit").status_code == 507  # still
            assert operator.delete("/operator/visits").status_code == 507
            assert operator.get("/operator/state").json()["unerased"] >= 1
            if fault in ("every statement", "DELETE FROM visits", "PRAGMA wal_checkpoint"):
                assert not list((tmp_path / "visits").glob("*/*"))  # the files are gone all the same
                assert not list((tmp_path / "takes").glob("*"))
            time.sleep(2.5)  # a sweep, which fails as well
        wait_for(lambda: operator.get("/operator/state").json()["unerased"] == 0)
        assert not traces(tmp_path, secrets)
        assert client.delete("/visit").status_code == 404
        assert operator.delete("/operator/visits").status_code == 204
    assert not traces(tmp_path, secrets)


def test_a_full_disk_while_visits_expire(tmp_path):
    with served(tmp_path) as server:
        secrets = [secret for seed in (201, 202) for secret in secrets_of(server, server.client().play(photo(seed)))]
        with broken_disk("every statement", tmp_path):
            server.booth.store.clock = lambda: time.time() + 3600
            wait_for(lambda: len(server.booth.ended) == 2)  # one failure does not keep the others from being erased
            wait_for(lambda: not list((tmp_path / "visits").glob("*/*")))
        wait_for(lambda: not server.booth.ended)
        assert not traces(tmp_path, secrets)


def test_the_operator_deletes_every_visit_even_if_one_fails(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        for seed in (203, 204):
            server.client().play(photo(seed))
        client.post("/operator/login", json={"pin": "123456"})
        with broken_disk("DELETE FROM visits", tmp_path):
            assert client.delete("/operator/visits").status_code == 507
            assert not server.booth.visits
            assert not list((tmp_path / "visits").glob("*/*"))
        assert client.delete("/operator/visits").status_code == 204
        assert not server.booth.ended


def test_erasing_goes_on_after_the_end_of_the_server_and_its_next_start(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        secrets = secrets_of(server, make_something(client, 205))
        with broken_disk("unlink", tmp_path):
            assert client.delete("/visit").status_code == 507
            server.stop()
        with served(tmp_path) as again:
            browser = again.client()
            browser.cookies = client.cookies
            assert browser.get("/visit").status_code == 404
            assert not traces(tmp_path, secrets)


def test_a_page_hears_that_something_is_left(server):
    client = server.client()
    visit = client.play(photo(206))
    with client.stream("GET", "/visit/events") as stream, broken_disk("DELETE FROM visits", server.home):
        lines = stream.iter_lines()
        next(lines)
        assert server.client(Cookie=f"visit={visit['id']}").delete("/visit").status_code == 507
        assert any('"wiped"' in line and '"pending":true' in line.replace(" ", "") for line in lines)
    wait_for(lambda: not server.booth.ended)


def test_a_likeness_of_the_api_on_a_full_disk(tmp_path):
    with served(tmp_path) as server:
        client = server.client(Authorization=f"Bearer {TOKEN}")
        name = client.post("/generate", json={"seed": 3}).json()["likeness"]
        with broken_disk("everything", tmp_path):
            assert client.delete(f"/likenesses/{name}").status_code == 507
            assert client.get(f"/likenesses/{name}").status_code == 404
            assert client.delete(f"/likenesses/{name}").status_code == 507
        assert client.delete(f"/likenesses/{name}").status_code == 204
        assert not list((tmp_path / "visits").glob("*"))


def test_a_friend_s_end_on_a_full_disk_erases_what_was_made_of_them(tmp_path):
    with served(tmp_path) as server:
        first, second = server.client(), server.client()
        own, other = (client.play(photo(seed))["people"][0]["id"] for client, seed in ((first, 207), (second, 208)))
        code = first.post("/visit/friends/code").json()["code"]
        assert second.post("/visit/friends", json={"code": code}).status_code == 200
        second.post("/children", json={"a": own, "b": other}).raise_for_status()
        second.post(f"/people/{other}/mix", json={"with": own}).raise_for_status()
        with broken_disk("everything", tmp_path):
            assert first.delete("/visit").status_code == 507
            assert len(second.visit()["people"]) == 1  # children are not shown any more
        folder = server.booth.store.folder_of(second.visit()["id"])
        wait_for(lambda: not server.booth.ended and not server.booth.store.erasures.unfinished)
        assert not [path for path in folder.iterdir() if not path.name.startswith((other, "photo-"))]
        assert not (folder / f"{other}.1.likeness").exists()
