"""Consent before any pixel, the age gate, erasing, and the export of one's own data (items 31, 32 and 33)."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.errors import StoreError
from faceloom.store import SingleServerLock, VisitStore
from faceloom.store.spool import read_job
from faceloom.web.booth.policy import Policy
from faceloom.web.security import RequestRefused
from faceloom.web.settings import BoothSettings
from tests.web.test_privacy import secrets_of, traces
from tests.web.tiny_server import TOKEN, photo, served

ADULT = 40.0  # years: the tiny analyzer's reading of every photo


@pytest.mark.abuse(33)
def test_no_pixel_is_stored_before_a_consent_is_recorded(server, client):
    client.post("/visits")
    name = client.visit()["id"]
    for path, files in (("/visit/photo", {"photo": ("a", photo(1))}), ("/visit/detect", None)):
        answer = client.post(path, files=files) if files else client.post(path, content=photo(1))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "no_consent")
    server.booth.visits[name].consent = server.booth.policy.make_consent("visitor", 0.0)  # without a row of its own
    assert client.post("/visit/photo", files={"photo": ("a", photo(1))}).status_code == 403
    assert not list(server.booth.store.folder_of(name).glob("*"))


@pytest.mark.abuse(33)
def test_every_consent_is_a_row_that_goes_with_the_visit(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        visit = client.play(photo(2))
        program = server.client(Authorization=f"Bearer {TOKEN}")
        program.post("/encode", files={"photo": photo(3)}).raise_for_status()
        kinds = server.booth.store.database.rows("SELECT kind FROM consents ORDER BY kind")
        assert [row[0] for row in kinds] == ["program", "visitor"]
        (consent,) = server.booth.store.consents(visit["id"])
        assert (consent.text, consent.retention_minutes) == ("1", 15)
        client.delete("/visit")
        assert not server.booth.store.consents(visit["id"])
        text = consent.at.encode()
    with sqlite3.connect(tmp_path / "booth.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM consents WHERE kind = 'visitor'").fetchone() == (0,)
    connection.close()
    assert text


@pytest.mark.abuse(33)
def test_consent_to_an_older_text_is_no_consent():
    policy = Policy(BoothSettings())
    old = policy.make_consent("visitor", 0.0).model_copy(update={"text": "0"})
    for consents in ([], [old], [policy.make_consent("guardian", 0.0)]):
        with pytest.raises(RequestRefused, match="not agreed"):
            policy.require_consent(consents)
    policy.require_consent([old, policy.make_consent("visitor", 0.0)])


# -- ages -------------------------------------------------------------------------------------------------------------


@pytest.mark.abuse(32)
def test_a_photo_of_a_minor_needs_a_guardian(tmp_path):
    with served(tmp_path) as server:
        server.booth.settings = BoothSettings(min_age=25)
        server.booth.policy.check_ages([ADULT], [])
        object.__setattr__(server.booth.settings, "min_age", 50)  # above the reading of the tiny analyzer
        client = server.client()
        client.post("/visits")
        assert client.post("/visit/guardian", json={"agreed": True}).status_code == 403  # not before the visitor's own
        client.post("/visit/consent", json={"agreed": True})
        answer = client.post("/visit/photo", files={"photo": ("a", photo(4))})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "guardian_needed")
        visit = client.visit()
        assert visit["state"] == "camera"
        assert not list(server.booth.store.folder_of(visit["id"]).glob("*"))
        assert client.post("/visit/guardian", json={"agreed": True}).status_code == 200
        assert client.post("/visit/photo", files={"photo": ("a", photo(4))}).status_code == 200
        program = server.client(Authorization=f"Bearer {TOKEN}")
        assert program.post("/encode", files={"photo": photo(5)}).status_code == 403
        assert program.post("/encode", files={"photo": photo(5)}, data={"guardian": "true"}).status_code == 202
        assert client.post("/visit/guardian", json={"agreed": False}).json() == {"state": "wiped"}
        assert client.get("/visit").status_code == 404


@pytest.mark.abuse(32)
def test_minors_are_refused_where_the_operator_wants_it():
    policy = Policy(BoothSettings(min_age=18, minors="refuse"))
    policy.check_ages([18.0, 60.0], [])
    with pytest.raises(RequestRefused) as refused:
        policy.check_ages([60.0, 17.9], [policy.make_consent("guardian", 0.0)])
    assert refused.value.code == "too_young"
    Policy(BoothSettings()).check_ages([3.0], [])  # without a gate


# -- erasing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put `lp` and `cancel` on the path, as CUPS has them; `cancel` writes down its arguments."""
    programs, calls = tmp_path / "programs", tmp_path / "calls"
    programs.mkdir()
    scripts = {"lp": 'echo "request id is Canon-12 (1 file(s))"', "cancel": f'echo "$@" >> {calls}'}
    for name, line in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return calls


def booth_with_a_visit(folder: Path, seed: int) -> tuple[str, list[bytes]]:
    """Let a visitor play, make a download and put it into the gallery; return the visit's id and its secrets."""
    with served(folder) as server:
        server.booth.settings = BoothSettings(gallery=True)
        client = server.client()
        visit = client.play(photo(seed))
        person = visit["people"][0]["id"]
        made = client.post("/visit/finish", json={"person": person, "form": "single"}).json()
        client.post(f"/downloads/{made['id']}/gallery", json={"shown": True}).raise_for_status()
        server.booth.settings = BoothSettings(gallery=True, printer="Canon")
        client.post(f"/downloads/{made['id']}/print").raise_for_status()
        return visit["id"], secrets_of(server, visit)


@pytest.mark.abuse(33)
@pytest.mark.parametrize("one", [False, True])
def test_forget_leaves_no_byte(tmp_path, spool, one):
    home = tmp_path / "booth"
    visit, secrets = booth_with_a_visit(home, 6)
    assert traces(home, secrets)
    options = ["--visit", visit] if one else ["--all"]
    with SingleServerLock(home):
        answer = CliRunner().invoke(app, ["forget", *options, "--home", str(home)])
        assert isinstance(answer.exception, StoreError)  # a running booth keeps its folder
    answer = CliRunner().invoke(app, ["forget", *options, "--home", str(home)])
    assert answer.exit_code == 0, answer.output
    assert "erased 1 visit" in answer.output
    assert not traces(home, secrets)
    assert spool.read_text().split() == ["-x", "Canon-12"]
    again = CliRunner().invoke(app, ["forget", "--visit", visit, "--home", str(home)])
    assert isinstance(again.exception, StoreError)


@pytest.mark.abuse(33)
def test_forget_needs_one_choice(tmp_path):
    for options in ([], ["--all", "--visit", "x"]):
        assert CliRunner().invoke(app, ["forget", *options]).exit_code == 2
    nothing = CliRunner().invoke(app, ["forget", "--all", "--home", str(tmp_path)])
    assert nothing.exit_code == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.abuse(33)
def test_a_spool_that_does_not_answer_is_tried_again(tmp_path, monkeypatch):
    store = VisitStore(tmp_path)
    visit = store.begin("booth", "play", 60)
    name, path = store.reserve_download(".jpg")
    path.write_bytes(b"picture")
    from faceloom.store.models import Recipe

    store.add_download(name, visit.id, path, 60, Recipe(form="single"))
    store.add_print_job(name, "Canon-7")
    answers = iter([StoreError("no answer"), None])

    def purge(job: str) -> None:
        if error := next(answers):
            raise error

    monkeypatch.setattr("faceloom.store.visit_store.purge_job", purge)
    with pytest.raises(StoreError):
        store.erase(visit.id)
    assert not path.exists()
    store.retry_erasing()
    assert not store.database.rows("SELECT * FROM print_jobs")
    store.database.close()


def test_jobs_are_read_from_the_output_of_lp():
    assert read_job("request id is Canon_SELPHY-12 (1 file(s))\n") == "Canon_SELPHY-12"
    assert read_job("") == read_job("request id is -x; rm (1 file)") == ""


# -- export and logs --------------------------------------------------------------------------------------------------


@pytest.mark.abuse(33)
def test_visitors_get_their_own_data(server, client):
    visit = client.play(photo(7))
    person = visit["people"][0]["id"]
    client.post("/visit/finish", json={"person": person, "form": "single"}).raise_for_status()
    answer = client.get("/visit/export")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        records = json.loads(archive.read("records.json"))
    assert {f"visit/{person}.likeness", f"visit/{person}.jpg", "visit/photo-1.jpg"} <= set(names)
    assert sum(name.startswith("downloads/") for name in names) == 1
    assert records["consents"][0]["text"] == "1"
    assert records["visit"]["people"][0]["id"] == person
    stranger = server.client()
    assert stranger.get("/visit/export").status_code == 404
    program = server.client(Authorization=f"Bearer {TOKEN}")
    likeness = program.post("/generate", json={"seed": 1}).json()["likeness"]
    exported = zipfile.ZipFile(io.BytesIO(program.get(f"/likenesses/{likeness}/export").content))
    assert any(name.endswith(".likeness") for name in exported.namelist())


@pytest.mark.abuse(31)
def test_logs_hold_no_personal_data(tmp_path, caplog):
    with served(tmp_path) as server, caplog.at_level("DEBUG", "faceloom"):
        client = server.client()
        visit = client.play(photo(8))
        client.post("/visit/photo?add=1", files={"photo": ("Grandma\r\nERROR forged.jpg", b"no picture")})
        client.delete("/visit")
        lines = [*server.booth.recent_log.lines, *(record.getMessage() for record in caplog.records)]
        ids = [visit["id"], *(person["id"] for person in visit["people"])]
        assert not [line for line in lines for secret in (*ids, "Grandma", "forged", "127.0.0.1") if secret in line]
        assert not [line for line in lines if "\n" in line or "\r" in line]
