"""The booth and the API mark every picture and film that leaves, verify uploads, and remove no mark silently."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import ModuleType
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from faceloom.images import save_picture
from faceloom.marks.credentials import read_credentials
from faceloom.marks.source_type import LAYERS, read_marks
from faceloom.web.booth import api_sessions, printing
from faceloom.web.routes import verify
from faceloom.web.settings import Language
from faceloom.web.worker.label import add_label
from faceloom.web.worker.messages import LabelPlace, VisibleLabel
from tests.marks.test_watermark import make_scene
from tests.web.tiny_server import PIN, TOKEN, photo

pytest.importorskip("c2pa")
PLACES: tuple[LabelPlace, ...] = ("bottom right", "bottom left", "top right", "top left")


@pytest.fixture
def operator(server):
    """A client that is logged in as the operator; the settings are restored."""
    server.booth.rate_limiter.requests.clear()
    client = server.client()
    client.post("/operator/login", json={"pin": PIN}).raise_for_status()
    before = client.get("/operator/settings").json()
    yield client
    client.put("/operator/settings", json=before).raise_for_status()


@pytest.fixture
def program(server):
    """A client that sends the token."""
    client = server.client()
    client.headers["authorization"] = f"Bearer {TOKEN}"
    return client


def set_up(operator, **changes):
    settings = operator.get("/operator/settings").json() | changes
    operator.put("/operator/settings", json=settings).raise_for_status()


def assert_marked(data: bytes, mime: str = "image/jpeg") -> None:
    assert read_marks(data).layers == LAYERS
    found = read_credentials(data, mime)
    assert (found.state, found.is_ours) == ("valid", True)


def finish(client, person: str, form: str) -> tuple[bytes, str]:
    """Make a download and return its content and media type."""
    view = client.post("/visit/finish", json={"person": person, "form": form}).json()
    end = time.monotonic() + 120
    while "download" not in view and time.monotonic() < end:
        job = client.get(f"/jobs/{view['id']}").json()
        assert job["state"] != "failed", job
        if job["state"] == "done":
            view = next(take for take in client.get("/visit/downloads").json()["takes"] if take["id"] in str(job))
        time.sleep(0.1)
    answer = client.get(view["download"].removeprefix("/api/v1"))
    return answer.content, answer.headers["content-type"]


@pytest.mark.parametrize("form", ["single", "strip", "4x6", "paste_back", "film"])
def test_every_download_is_marked(client, form: str):
    person = client.play(photo())["people"][0]["id"]
    data, mime = finish(client, person, form)
    assert_marked(data, mime)


def record_warnings(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[str]:
    """Return a list that receives the warnings of a module's logger, whatever other tests did to logging."""
    warnings: list[str] = []
    monkeypatch.setattr(module.log, "warning", lambda text, *values: warnings.append(text))
    return warnings


def test_pictures_of_the_page_and_of_programs_are_marked(client, program, operator, monkeypatch):
    warnings = record_warnings(monkeypatch, api_sessions)
    person = client.play(photo())["people"][0]["id"]
    assert_marked(client.get(f"/people/{person}/image").content)
    assert_marked(client.get("/random?seed=5").content)
    likeness = program.post("/generate", json={"seed": 3}).json()["likeness"]
    address = f"/likenesses/{likeness}/image"
    assert_marked(program.get(address).content)
    refused = program.get(f"{address}?marks=off")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "marks_required")
    set_up(operator, unmarked_api=True)
    bare = program.get(f"{address}?marks=off").content
    assert read_marks(bare).layers == ()
    assert any("without marks" in text for text in warnings)
    assert_marked(program.get(address).content)


def test_previews_carry_metadata(client):
    person = client.play(photo())["people"][0]
    slider = person["sliders"][0]
    answer = client.post(f"/people/{person['id']}/preview", json={"values": {slider["name"]: slider["max"]}})
    if answer.status_code == 200:
        assert read_marks(answer.content).source_type == "trainedAlgorithmicMedia"


def test_an_upload_is_verified(client, tmp_path: Path):
    path = save_picture(make_scene(384), tmp_path / "a.jpg", ai_generated=True)
    data = path.read_bytes()
    found = client.post("/verify", files={"file": ("a.jpg", data)}).json()
    assert (found["verdict"], [layer["state"] for layer in found["layers"]]) == ("marked", ["present"] * 3)
    changed = data[:-500] + bytes([data[-500] ^ 1]) + data[-499:]
    assert client.post("/verify", files={"file": ("a.jpg", changed)}).json()["verdict"] == "tampered"
    plain = io.BytesIO()
    make_scene(128).save(plain, "JPEG")
    assert client.post("/verify", files={"file": ("b.jpg", plain.getvalue())}).json()["verdict"] == "unmarked"


def test_verification_refuses_what_it_cannot_read(client, server):
    assert client.post("/verify", files={"file": ("a.txt", b"text")}).status_code == 422
    bare = server.client()
    bare.headers.pop("x-faceloom", None)
    assert bare.post("/verify", files={"file": ("a.txt", b"text")}).status_code == 403


def test_the_page_loads_only_its_own_files(client):
    base = str(client.base_url).removesuffix("/").removesuffix("/api/v1")
    page = client.get(f"{base}/verify").text
    assert "http" not in page
    for name, kind in (("verify.js", "text/javascript"), ("verify.css", "text/css")):
        assert name in page
        assert client.get(f"{base}/{name}").headers["content-type"].startswith(kind)


def test_the_page_speaks_the_languages_of_the_booth(client):
    assert set(verify.WORDS) == set(get_args(Language))
    assert len({frozenset(texts) for texts in verify.WORDS.values()}) == 1
    base = str(client.base_url).removesuffix("/").removesuffix("/api/v1")
    script = client.get(f"{base}/verify.js").text
    for texts in verify.WORDS.values():
        assert texts["title"] in script
        assert {"marked", "incomplete", "tampered", "marked by another program", "unmarked"} <= set(texts)


def test_the_operator_chooses_the_label(client, operator, monkeypatch):
    warnings = record_warnings(monkeypatch, printing)
    person = client.play(photo())["people"][0]["id"]
    set_up(operator, label_place="top left", label_text="Made by a machine")
    data, _ = finish(client, person, "single")
    assert b"Made by a machine" in data
    assert_marked(data)
    assert not warnings
    set_up(operator, label_shown=False)
    assert_marked(finish(client, person, "single")[0])
    assert any("without the visible label" in text for text in warnings)
    refused = operator.get("/operator/settings").json() | {"label_text": ""}
    assert operator.put("/operator/settings", json=refused).status_code == 422


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("color", [0, 128, 255])
def test_a_label_is_legible_in_its_corner_only(place: LabelPlace, color: int):
    before = Image.new("RGB", (512, 640), (color,) * 3)
    after = np.asarray(add_label(before, VisibleLabel("Words", place)), int)
    rows, columns = np.nonzero(np.abs(after - color).max(2))
    assert (rows.max() < 320) == place.startswith("top")
    assert (columns.max() < 256) == place.endswith("left")
    assert rows.max() - rows.min() < 40
    letters = after[rows.min() : rows.max(), columns.min() : columns.max()]
    assert letters.max() - letters.min() >= 90
    assert add_label(before, VisibleLabel(shown=False)).tobytes() == before.tobytes()
