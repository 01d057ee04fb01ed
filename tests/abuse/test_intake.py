"""Pictures and requests of attackers at the server: only pixels are kept, names are ignored, forms are bounded."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.web.test_privacy import contents
from tests.web.tiny_server import as_jpeg, photo

PAYLOADS = {
    "web page": b"<html><script>alert(1)</script></html>",
    "zip": b"PK\x03\x04payload in a zip",
    "program": b"#!/bin/sh\nrm -rf payload\n",
}
NAMES = [
    "../../evil.sh",
    "C:\\x.jpg",
    "a\0b.jpg",
    "\u202egpj.exe",
    "x" * 4000,
    "\N{PILE OF POO}.jpg",
    "CON",
    "/etc/passwd",
]


def camera(client) -> str:
    """Begin a visit and agree; return its id."""
    client.post("/visits")
    return client.post("/visit/consent", json={"agreed": True}).json()["id"]


@pytest.mark.abuse(11)
@pytest.mark.parametrize("name", PAYLOADS)
def test_a_polyglot_is_stored_as_pixels_alone(server, client, name):
    visit = camera(client)
    assert client.post("/visit/photo", files={"photo": ("a.jpg", photo(31) + PAYLOADS[name])}).status_code == 200
    stored = contents(server.booth.store.folder_of(visit).iterdir()).values()
    assert stored
    assert not [content for content in stored if PAYLOADS[name][-12:] in content]
    answer = client.get("/visit/photo")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "image/jpeg"


@pytest.mark.abuse(1)
def test_the_place_of_a_photo_leaves_it_before_it_is_stored(server, client):
    visit = camera(client)
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera Maker"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo(32))).save(buffer, "JPEG", exif=exif, comment=b"a secret comment")
    assert b"Secret Camera" in buffer.getvalue()
    assert client.post("/visit/photo", files={"photo": ("a", buffer.getvalue())}).status_code == 200
    client.until(lambda seen: seen["state"] == "play")
    for content in contents(server.booth.store.folder_of(visit).iterdir()).values():
        assert b"ecret" not in content
        if content[:3] == b"\xff\xd8\xff":
            assert not Image.open(io.BytesIO(content)).getexif()


@pytest.mark.abuse(13)
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_of_uploads_are_ignored(server, client, name):
    visit = camera(client)
    quoted = name.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    body = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="' + quoted + b'"\r\n\r\n' + photo(33)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/visit/photo", content=body + b"\r\n--b--\r\n", headers=kind)
    assert answer.status_code in (200, 400)  # the form's reader refuses some of them
    files = [path.name for path in server.booth.store.folder_of(visit).glob("*")]
    assert all(file.startswith("photo-") or file.endswith((".jpg", ".likeness")) for file in files)
    assert not list(server.home.parent.glob("*evil*"))


@pytest.mark.abuse(15)
def test_forms_of_too_many_parts_are_refused(server, client):
    camera(client)
    picture = photo(34, 64, 64)
    many_files = [("photo", (f"{n}", b"x")) for n in range(1001)]
    many_fields = [("photo", ("a", picture)), *((f"field{n}", (None, "x")) for n in range(1001))]
    long_field = [("photo", ("a", picture)), ("text", (None, "x" * (10 << 20)))]
    for files in (many_files, many_fields, long_field):
        answer = client.post("/visit/photo", files=files)
        assert 400 <= answer.status_code < 500, answer.text
    assert client.post("/visit/photo", files={"photo": ("a", photo(35))}).status_code == 200


@pytest.mark.abuse(31)
def test_the_event_s_name_is_inert_on_the_phone_s_page(server, client):
    visit = client.play(photo(36))
    made = client.post("/visit/finish", json={"person": visit["people"][0]["id"], "form": "single"}).json()
    before = server.booth.settings
    server.booth.settings = before.model_copy(update={"event": "<img src=x onerror=alert(1)>"})
    page = client.get(f"{server.base}/download/{made['id']}").text
    server.booth.settings = before
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.abuse(7)
@pytest.mark.parametrize("data", [b"", b"\xff", b"hello, I am a text", as_jpeg(Image.new("RGB", (64, 64)))[:40]])
def test_what_is_no_picture_is_answered_in_words(client, data):
    camera(client)
    answer = client.post("/visit/photo", files={"photo": ("photo.jpg", data)})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]
    assert client.visit()["state"] == "camera"
