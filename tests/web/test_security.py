"""Refused requests: foreign hosts and origins, sizes, rates, and the operator's PIN."""

from __future__ import annotations

import http.client
import time

import pytest

from tests.web.tiny_server import photo


def send(server, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    """Send a request with exactly these headers, and return status and text."""
    host, port = server.base.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test:8000"}, 403),  # DNS rebinding
        ({"Host": ""}, 403),
        ({"Host": "127.0.0.1"}, 201),
        ({"Host": "127.0.0.1", "Origin": "http://evil.test"}, 403),
        ({"Host": "127.0.0.1", "Origin": "null"}, 403),
        ({"Host": "127.0.0.1", "Origin": "http://127.0.0.1"}, 201),
        ({"Host": "localhost", "X-Faceloom": "0"}, 403),
        ({"Host": "127.0.0.1", "Content-Length": "99999999"}, 413),
        ({"Host": "127.0.0.1", "Content-Length": "-1"}, 413),
    ],
)
def test_hosts_origins_and_sizes(server, client, headers, status):
    all_headers = {"X-Faceloom": "1", "Content-Length": "0", **headers}
    assert send(server, "POST", "/api/v1/visits", all_headers)[0] in (status, 400)


def test_pages_load_nothing_from_other_sites(client):
    for path in ("/booth", "/visit", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in client.get("/booth", headers={"Origin": "http://evil.test"}).headers


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/..%2f..%2fpyproject.toml", "/assets/..%2f..%2fapp.py", "/x.py"]
)
def test_no_path_leaves_the_folder_of_the_page(server, path):
    status, text = send(server, "GET", path, {"Host": "127.0.0.1"})
    assert status in (404, 503)
    assert "faceloom" not in text or "import" not in text


def test_a_photo_that_is_too_large(client):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})
    answer = client.post("/visit/photo", files={"photo": ("a", b"\xff\xd8" + bytes(21 << 20))})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_too_many_requests_are_answered_with_a_time_to_wait(client, server):
    answers = [client.post("/visits") for _ in range(31)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["error"]["code"] == "too_often"
    server.booth.rate_limiter.requests.clear()


def test_the_operator_s_page_needs_the_pin(client, server):
    for method, path in (("GET", "/state"), ("GET", "/settings"), ("GET", "/logs"), ("DELETE", "/visits")):
        assert client.request(method, f"/operator{path}").status_code == 401
    tries = [client.post("/operator/login", json={"pin": f"{i:06}"}).status_code for i in range(6)]
    assert tries == [401] * 5 + [429]
    assert client.post("/operator/login", json={"pin": "123456"}).status_code == 429
    server.booth.rate_limiter.requests.clear()
    assert client.post("/operator/login", json={"pin": "123456"}).status_code == 204
    settings = client.get("/operator/settings").json()
    assert client.put("/operator/settings", json={**settings, "event": "<img onerror>"}).status_code == 200
    assert client.get("/booth").json()["event"] == "<img onerror>"  # data, not markup: pages show it as text
    assert client.put("/operator/settings", json={**settings, "countdown": 99}).status_code == 422
    assert client.put("/operator/settings", json={**settings, "printer": "x; rm -rf /"}).status_code == 422
    state = client.get("/operator/state").json()
    assert {"disk", "memory", "model", "queue", "uptime", "visits"} <= state.keys()
    client.put("/operator/settings", json=settings)
    client.post("/operator/logout")
    assert client.get("/operator/state").status_code == 401


def test_the_gallery_is_off_by_default_and_holds_chosen_pictures(client, server):
    (person,) = client.play(photo(60))["people"]
    download = client.post("/visit/finish", json={"person": person["id"]}).json()
    assert client.post(f"/downloads/{download['id']}/gallery", json={"shown": True}).status_code == 409
    server.booth.settings = server.booth.settings.model_copy(update={"gallery": True})
    assert client.post(f"/downloads/{download['id']}/gallery", json={"shown": True}).json()["gallery"]
    assert len(client.get("/gallery").json()["pictures"]) == 1
    assert server.client().post(f"/downloads/{download['id']}/gallery", json={"shown": False}).status_code == 404
    assert not client.post(f"/downloads/{download['id']}/gallery", json={"shown": False}).json()["gallery"]
    assert client.post(f"/downloads/{download['id']}/print").status_code == 409
    client.delete("/visit")


def test_the_server_answers_during_an_encoding(client):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})
    client.post("/visit/photo", files={"photo": ("a", photo(61))})
    slowest = 0.0
    for _ in range(30):
        begin = time.perf_counter()
        client.get("/health")
        slowest = max(slowest, time.perf_counter() - begin)
    assert slowest < 1.0
    client.delete("/visit")
