"""The operator: a PIN that survives a restart, counts without personal data, a failure log, sharing and shutdown."""

from __future__ import annotations

import json
import signal
import time

import pytest
from PIL import Image

from faceloom.errors import FaceloomError
from faceloom.store import VisitStore
from faceloom.web.booth.sharing import check_command
from faceloom.web.booth.statistics import Statistics
from faceloom.web.operator_pin import has_own_pin, is_pin, set_pin
from tests.web.tiny_server import PIN, as_jpeg, photo, served


def log_in(client, pin: str) -> int:
    status: int = client.post("/operator/login", json={"pin": pin}).status_code
    return status


def test_a_pin_that_is_set_survives_a_restart(tmp_path):
    with served(tmp_path) as server:
        client = server.client()
        assert client.put("/operator/pin", json={"pin": "4711"}).status_code == 401
        assert log_in(client, PIN) == 204
        assert client.put("/operator/pin", json={"pin": "12"}).json()["error"]["code"] == "weak_pin"
        assert client.put("/operator/pin", json={"pin": "471100"}).status_code == 204
        assert client.get("/operator/state").status_code == 401  # everyone logs in again
        assert (log_in(client, PIN), log_in(client, "471100")) == (401, 204)
        assert client.get("/operator/state").json()["own_pin"]
        assert b"471100" not in (tmp_path / "booth.sqlite").read_bytes()
    with served(tmp_path) as server:
        client = server.client()
        assert (log_in(client, PIN), log_in(client, "471100")) == (401, 204)
        assert client.put("/operator/pin", json={"pin": ""}).status_code == 204
        assert log_in(client, PIN) == 204


def test_a_damaged_pin_lets_nobody_in(tmp_path):
    store = VisitStore(tmp_path)
    set_pin(store, "1234")
    assert has_own_pin(store)
    assert is_pin(store, "1234", "999999")
    store.save_settings({"operator_pin": "zz:zz"})
    assert not is_pin(store, "1234", "999999")
    store.database.close()


def test_counts_and_failures(client, server):
    assert log_in(client, PIN) == 204
    before = client.get("/operator/state").json()["counts"]
    client.play(photo(80))
    visitor = server.client()
    visitor.post("/visits")
    visitor.post("/visit/consent", json={"agreed": True})
    flat = as_jpeg(Image.new("RGB", (300, 300), "teal"))
    visitor.post("/visit/photo", files={"photo": ("a", flat)})
    visitor.post("/visit/photo", files={"photo": ("a", b"text")})
    after = client.get("/operator/state").json()["counts"]
    changed = {name: after[name] - before[name] for name in ("visits", "photos", "refused_photos", "encodings")}
    assert changed == {"visits": 2, "photos": 1, "refused_photos": 2, "encodings": 1}
    assert after["encoding_seconds"] > 0
    lines = client.get("/operator/logs").json()["lines"]
    assert sum("a photo was refused" in line for line in lines) == 2


def test_statistics_are_kept_by_day(tmp_path):
    now = [0.0]
    statistics = Statistics(tmp_path / "s.json", lambda: now[0])
    statistics.add("visits")
    now[0] = 3 * 86400
    statistics.add("visits", 2)
    statistics.save()
    again = Statistics(tmp_path / "s.json")
    assert again.total()["visits"] == 3
    assert len(json.loads((tmp_path / "s.json").read_text())) == 2
    (tmp_path / "s.json").write_text("[1, 2")
    assert Statistics(tmp_path / "s.json").total()["visits"] == 0


def test_finished_pictures_are_given_to_the_operators_command(tmp_path):
    command = f"cp {{file}} {tmp_path}/shared.jpg"
    with served(tmp_path / "home", share_command=command) as server:
        client = server.client()
        (person,) = client.play(photo(81))["people"]
        client.post("/visit/finish", json={"person": person["id"], "form": "single"}).raise_for_status()
        end = time.monotonic() + 20
        while not (tmp_path / "shared.jpg").is_file():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.parametrize("command", ["scp host:", "cp '{file}"])
def test_a_command_that_cannot_share_is_refused(command):
    with pytest.raises(FaceloomError):
        check_command(command)


def test_shutdown_runs_the_command_and_ends_the_server(tmp_path, monkeypatch):
    sent: list[int] = []
    monkeypatch.setattr(signal, "raise_signal", sent.append)
    with served(tmp_path / "home", shutdown_command=f"touch {tmp_path}/off") as server:
        client = server.client()
        assert client.post("/operator/shutdown").status_code == 401
        assert log_in(client, PIN) == 204
        assert client.post("/operator/shutdown").json() == {"machine": True}
        assert (tmp_path / "off").is_file()
        end = time.monotonic() + 10
        while not sent:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert sent == [signal.SIGTERM]
