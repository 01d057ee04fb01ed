"""Printing over HTTP: pictures that differ, printers and their states, copies, quotas, reprints and artwork."""

from __future__ import annotations

import io
import os
import stat

import numpy as np
import pytest
from PIL import Image

from faceloom.web.booth.printing import parse_printers
from tests.web.tiny_server import PIN, photo

LPSTAT = """printer Canon_CP1500 is idle.  enabled since Fri Nov 27 10:00:00 2026
printer DNP disabled since Fri Nov 27 09:00:00 2026 -
\tPaper out
printer Office now printing Office-12.  enabled since Fri Nov 27 10:00:00 2026
"""


def open_download(client, view) -> Image.Image:
    answer = client.get(view["download"].removeprefix("/api/v1"))
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content)).convert("RGB")


def finish(client, person: str, form: str) -> Image.Image:
    return open_download(client, client.post("/visit/finish", json={"person": person, "form": form}).json())


def pictures_of_strip(strip: Image.Image) -> list[np.ndarray]:
    """Return the four pictures of a strip, as small arrays."""
    boxes = [(102, 24 + n * 408, 498, 24 + n * 408 + 396) for n in range(4)]
    return [np.asarray(strip.crop(box).resize((32, 32)), float) for box in boxes]


@pytest.fixture
def operator(server):
    """A client that is logged in as the operator."""
    server.booth.rate_limiter.requests.clear()
    client = server.client()
    client.post("/operator/login", json={"pin": PIN}).raise_for_status()
    yield client
    settings = client.get("/operator/settings").json() | {"printer": "", "copies": 1, "print_quota": 0}
    client.put("/operator/settings", json=settings).raise_for_status()


@pytest.fixture
def cups(tmp_path, monkeypatch):
    """Programs in place of CUPS: `lp` writes its arguments to a file, `lpstat` lists three printers."""
    for name, text in {"lp": f'echo "$@" >> {tmp_path}/jobs', "lpstat": f"cat <<'E'\n{LPSTAT}E"}.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("edits", [{}, {"age": 12}], ids=["as encoded", "edited"])
def test_a_strip_is_full_and_shows_no_picture_twice(client, edits):
    (person,) = client.play(photo(70))["people"]
    if edits:
        client.post(f"/people/{person['id']}/edit", json=edits)
    pictures = pictures_of_strip(finish(client, person["id"], "strip"))
    assert all(picture.std() > 1 for picture in pictures)  # none is empty paper
    distances = [np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[:i]]
    assert min(distances) > 1


def test_kept_versions_are_on_the_strip(client):
    (person,) = client.play(photo(71))["people"]
    name = person["id"]
    for age in (10, -10):
        client.post(f"/people/{name}/edit", json={"age": age}).raise_for_status()
        client.post(f"/people/{name}/keep").raise_for_status()
    client.post(f"/people/{name}/reset")
    visit = client.visit()
    kept = [
        client.get(f"/people/{name}/image", params={"kept": k["id"], "size": 512}).content
        for k in visit["people"][0]["kept"]
    ]
    pictures = pictures_of_strip(finish(client, name, "strip"))
    for place, data in enumerate(kept, start=1):
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((32, 32)), float)
        assert np.abs(pictures[place] - expected).mean() < 12  # two resizings and JPEG
    assert finish(client, name, "4x6").size == (1200, 1800)


def test_printers_are_listed_with_their_states(operator, cups):
    printers = operator.get("/operator/printers").json()["printers"]
    assert [(p["name"], p["state"], p["reason"]) for p in printers] == [
        ("Canon_CP1500", "idle", ""),
        ("DNP", "stopped", "Paper out"),
        ("Office", "printing", ""),
    ]
    assert parse_printers("lpstat: no destinations added\n") == []


def test_without_cups_there_are_no_printers(operator, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert operator.get("/operator/printers").json() == {"printers": []}


def test_copies_quota_and_reprint(client, operator, cups):
    settings = operator.get("/operator/settings").json() | {"printer": "DNP", "copies": 2, "print_quota": 3}
    assert operator.put("/operator/settings", json=settings).status_code == 200
    assert client.get("/booth").json()["copies"] == 2
    (person,) = client.play(photo(72))["people"]
    made = client.post("/visit/finish", json={"person": person["id"], "form": "4x6"}).json()
    address = f"/downloads/{made['id']}/print"
    assert client.post(address, params={"copies": 3}).json()["error"]["code"] == "too_many_copies"
    assert client.post(address, params={"copies": 2}).json() == {"printed": True, "left": 1}
    assert client.post(address, params={"copies": 2}).json()["error"]["code"] == "print_quota"
    assert client.post(address).json() == {"printed": True, "left": 0}
    (first, second) = operator.get("/operator/prints").json()["prints"]
    assert first["id"] == second["id"] == made["id"]
    assert operator.post(f"/operator/prints/{made['id']}").status_code == 204
    assert operator.post("/operator/prints/nothing").status_code == 404
    jobs = (cups / "jobs").read_text().splitlines()
    assert [job.split()[:4] for job in jobs] == [["-d", "DNP", "-n", n] for n in ("2", "1", "1")]
    assert operator.get("/operator/state").json()["counts"]["prints"] == 4
    client.delete("/visit")
    assert operator.get("/operator/prints").json()["prints"] == []  # what is erased cannot be printed again


def test_a_printer_that_fails_is_counted(client, operator, cups):
    (cups / "lp").write_text("#!/bin/sh\nexit 1\n")
    settings = operator.get("/operator/settings").json() | {"printer": "DNP"}
    operator.put("/operator/settings", json=settings).raise_for_status()
    (person,) = client.play(photo(73))["people"]
    made = client.post("/visit/finish", json={"person": person["id"], "form": "strip"}).json()
    assert client.post(f"/downloads/{made['id']}/print").status_code == 507
    assert operator.get("/operator/state").json()["counts"]["failed_prints"] == 1
    assert client.visit()  # the visit goes on


def test_the_operators_artwork_is_on_the_paper(client, operator):
    frame = Image.new("RGBA", (120, 180), (0, 0, 255, 255))
    frame.paste((0, 0, 0, 0), (10, 10, 110, 170))
    buffer = io.BytesIO()
    frame.save(buffer, "PNG")
    assert operator.put("/operator/artwork/frame", files={"picture": ("a.png", b"no picture")}).status_code == 422
    assert operator.put("/operator/artwork/hat", files={"picture": ("a.png", buffer.getvalue())}).status_code == 422
    assert client.put("/operator/artwork/frame", files={"picture": ("a.png", buffer.getvalue())}).status_code == 401
    assert operator.put("/operator/artwork/frame", files={"picture": ("a.png", buffer.getvalue())}).status_code == 204
    assert operator.get("/operator/state").json()["artwork"] == ["frame"]
    (person,) = client.play(photo(74))["people"]
    blue = finish(client, person["id"], "4x6").getpixel((10, 900))
    assert blue[2] > 200 > 60 > blue[0]
    assert operator.get("/operator/artwork/frame").headers["content-type"] == "image/png"
    assert operator.delete("/operator/artwork/frame").status_code == 204
    assert operator.get("/operator/artwork/frame").status_code == 404
    assert finish(client, person["id"], "4x6").getpixel((10, 900)) == (255, 255, 255)
