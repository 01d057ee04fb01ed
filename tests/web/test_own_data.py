"""A visitor's own data on a shared screen: a code leads a phone to it, for one visit and a limited time."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from faceloom.web.booth.visit_codes import VisitCodes
from tests.web.tiny_server import Client, Server, photo

PHONES = "http://192.0.2.7:8000"


@pytest.fixture(autouse=True)
def reachable(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let phones reach the booth, and forget earlier requests."""
    monkeypatch.setattr(server.booth, "lan", PHONES)
    server.booth.rate_limiter.requests.clear()


def begin(server: Server) -> Client:
    """Begin a visit in a new browser."""
    client = server.client()
    client.post("/visits").raise_for_status()
    return client


def make_code(client: Client) -> str:
    """Make a code for the visit of a browser, and return it."""
    return str(client.post("/visit/export/code").json()["page"].rpartition("/")[2])


def exported_visit(answer: bytes) -> str:
    """Return the id of the visit in an export."""
    return str(json.loads(zipfile.ZipFile(io.BytesIO(answer)).read("records.json"))["visit"]["id"])


def test_a_phone_takes_the_data_of_the_visit(server):
    client, phone = server.client(), server.client()
    visit = client.play(photo(50))
    made = client.post("/visit/export/code").json()
    code = made["page"].removeprefix(f"{PHONES}/my-data/")
    assert (len(code), made["reachable"]) == (12, True)
    assert client.get(made["qr"].removeprefix("/api/v1")).headers["content-type"] == "image/svg+xml"
    found = phone.get(f"/exports/{code.lower()}").json()
    assert found["expires"] == made["expires"]
    answer = phone.get(found["file"].removeprefix("/api/v1"))
    assert answer.headers["content-disposition"] == 'attachment; filename="faceloom-my-data.zip"'
    assert f"visit/{visit['people'][0]['id']}.likeness" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert exported_visit(answer.content) == visit["id"]


def test_a_code_opens_its_own_visit_only(server):
    one, other, phone = begin(server), begin(server), server.client()
    codes = [make_code(one), make_code(other)]
    found = [exported_visit(phone.get(f"/exports/{code}/file").content) for code in codes]
    assert found == [one.visit()["id"], other.visit()["id"]]
    assert phone.get("/visit/export/qr.svg").status_code == 404
    assert phone.post("/visit/export/code").status_code == 404
    for wrong in ("A" * 12, codes[0][:-1], one.visit()["id"], "%2e%2e", server.booth.friend_codes.make("x", 0).code):
        answer = phone.get(f"/exports/{wrong}/file")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_export")


@pytest.mark.parametrize("end", ["delete", "end", "new code", "time"])
def test_a_code_lapses(server, end, monkeypatch):
    client, phone = begin(server), server.client()
    if end == "time":
        monkeypatch.setattr(server.booth.export_codes, "seconds", 0.0)
    code = make_code(client)
    if end == "delete":
        client.delete("/visit").raise_for_status()
    elif end == "end":
        client.post("/visit/end").raise_for_status()
    elif end == "new code":
        assert make_code(client) != code
    for path in ("", "/file"):
        answer = phone.get(f"/exports/{code}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_export")
    assert (code in server.booth.export_codes.codes) == (end == "time")  # the sweep drops it


def test_codes_and_exports_are_limited(server):
    client, phone = begin(server), server.client()
    code = make_code(client)
    assert [client.post("/visit/export/code").status_code for _ in range(6)] == [200] * 5 + [429]
    code = server.booth.export_codes.of_visit(client.visit()["id"], 0).code
    assert [phone.get(f"/exports/{code}/file").status_code for _ in range(7)] == [200] * 6 + [429]
    server.booth.rate_limiter.requests.clear()
    assert [phone.get(f"/exports/{'A' * 12}").status_code for _ in range(21)] == [404] * 20 + [429]
    assert phone.get(f"/exports/{code}").status_code == 429


def test_only_this_machine_where_phones_do_not_reach_the_booth(server, monkeypatch):
    monkeypatch.setattr(server.booth, "lan", "")
    made = begin(server).post("/visit/export/code").json()
    assert (made["reachable"], made["page"].startswith(f"{server.booth.address}/my-data/")) == (False, True)


def test_the_page_of_a_phone_does_not_keep_the_visit(server):
    client, phone = begin(server), server.client()
    code, visit = make_code(client), server.booth.visits[client.visit()["id"]]
    expires = visit.expires
    phone.get(f"/exports/{code}/file").raise_for_status()
    assert visit.expires == expires


def test_codes_are_valid_for_their_time():
    codes = VisitCodes(length=6, seconds=60)
    made = codes.make("visit", now=100.0)
    assert codes.find(f" {made.code.lower()} ", 159.0) == made
    assert codes.find(made.code, 160.0) is None
    assert codes.of_visit("visit", 160.0) is None
    codes.drop_expired(160.0)
    assert not codes.codes
