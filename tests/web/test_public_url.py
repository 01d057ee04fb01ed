"""A server behind a reverse proxy, with and without a path: every address that it gives begins with the public URL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from faceloom.errors import FaceloomError
from faceloom.web.app import PAGE_FOLDER
from faceloom.web.public_url import PublicUrl
from tests.web.test_security import send
from tests.web.tiny_server import PIN, TOKEN, Client, Server, photo, served

PUBLIC, HOST, BASE = "https://events.example/booth", "events.example", "/booth"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("proxied"), public_url=PUBLIC) as running:
        yield running


class ProxiedClient(Client):
    """A browser behind a proxy that passes the Host on: it sends its cookies, although the proxy speaks plain HTTP."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.jar)
        if cookies:
            request.headers["Cookie"] = cookies
        return super().send(request, **options)


def client_of(server: Server, prefix: str, **headers: str) -> ProxiedClient:
    all_headers = {"X-Faceloom": "1", "Host": HOST, "Origin": "https://events.example", **headers}
    client = ProxiedClient(base_url=f"{server.base}{prefix}/api/v1", headers=all_headers, timeout=60, trust_env=False)
    server.clients.append(client)
    server.booth.rate_limiter.requests.clear()
    return client


def addresses(value: Any) -> Iterator[str]:
    """Yield every address in an answer."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from addresses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from addresses(inner)
    elif isinstance(value, str) and ("/api/" in value or "://" in value):
        yield value


def assert_below_base(value: Any, at_least: int = 1) -> None:
    found = list(addresses(value))
    assert len(found) >= at_least
    assert all(address.startswith((f"{BASE}/api/v1/", f"{PUBLIC}/")) for address in found), found


@pytest.mark.parametrize("prefix", [BASE, ""], ids=["the proxy keeps the path", "the proxy removes the path"])
def test_every_address_of_a_visit_is_below_the_public_url(proxied, prefix):
    client = client_of(proxied, prefix)
    visit = client.play(photo(300))
    assert_below_base(visit, 5)
    assert visit["phone"].startswith(f"{PUBLIC}/phone/")
    (person,) = visit["people"]
    for kind in ("image", "crop", "found"):
        assert client.get(proxied.base + person[kind].removeprefix("" if prefix else BASE)).status_code == 200
    edited = client.post(f"/people/{person['id']}/edit", json={"age": 9}).json()
    assert_below_base(edited, 4)
    download = client.post("/visit/finish", json={"person": person["id"]}).json()
    assert_below_base(download, 4)
    assert download["page"].startswith(f"{PUBLIC}/download/")
    assert download["reachable"]
    assert_below_base(client.get("/visit/downloads").json(), 4)
    assert_below_base(client.get("/samples").json(), 4)
    job = client.post("/film", json={"person": person["id"]}).json()
    while job["state"] == "running":
        job = client.get(f"/jobs/{job['id']}").json()
    assert_below_base(job)
    body = {"seed": 1, "person": person["id"], "handles": [[0.4, 0.4]], "targets": [[0.6, 0.5]]}
    drag = client.post("/lab/drags", json=body).json()
    while drag["state"] == "running" and not drag["image"]:
        drag = client.get(f"/lab/drags/{drag['id']}").json()
    assert_below_base(drag)
    with client.stream("GET", "/visit/events") as stream:
        first = next(line for line in stream.iter_lines() if line.startswith("data:"))
    assert_below_base(json.loads(first.removeprefix("data:")), 5)
    page = client.get(proxied.base + prefix + download["page"].removeprefix(PUBLIC)).text
    assert re.findall(r'(?:src|href)="([^"]*)"', page)
    for address in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert address.startswith((f"{BASE}/api/v1/downloads/", "../download.css"))
    assert client.delete("/visit").status_code == 204


def test_addresses_of_the_api_are_below_the_public_url(proxied):
    client = client_of(proxied, BASE, Authorization=f"Bearer {TOKEN}")
    likeness = client.post("/generate", json={"seed": 1}).json()
    assert_below_base(likeness, 2)
    assert client.get(proxied.base + likeness["image"]).status_code == 200
    assert client.get("/openapi.json").json()["servers"] == [{"url": BASE}]
    reference = client.get("/docs").text
    assert not re.findall(r'(?:src|href)="/', reference)
    assert client.delete(f"/likenesses/{likeness['likeness']}").status_code == 204


def test_cookies_are_for_the_path_and_for_https(proxied):
    client = client_of(proxied, "")
    visit = client.post("/visits").headers["set-cookie"]
    assert "Path=/booth/;" in f"{visit};"
    assert all(word in visit for word in ("Secure", "HttpOnly", "SameSite=strict"))
    operator = client.post("/operator/login", json={"pin": PIN}).headers["set-cookie"]
    assert "Path=/booth/api/v1/operator;" in f"{operator};"
    assert "Secure" in operator
    deleted = client.delete("/visit").headers["set-cookie"]
    assert "Path=/booth/;" in f"{deleted};"


def test_cookies_without_a_public_url_are_for_every_path(server):
    client = server.client()
    cookie = client.post("/visits").headers["set-cookie"]
    assert "Path=/;" in f"{cookie};"
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": HOST, "Origin": "https://events.example"}, 201),  # the proxy passes the Host on
        ({"Host": f"{HOST}:443", "Origin": "https://events.example"}, 201),
        ({"Host": "127.0.0.1:8000", "Origin": "https://events.example"}, 201),  # the proxy writes its own Host
        ({"Host": HOST}, 201),  # a program
        ({"Host": HOST, "Origin": "http://events.example"}, 403),
        ({"Host": HOST, "Origin": "https://evil.example"}, 403),
        ({"Host": HOST, "Origin": "https://events.example:8443"}, 403),
        ({"Host": HOST, "Origin": "null"}, 403),
        ({"Host": "evil.example", "Origin": "https://events.example"}, 403),
        ({"Host": "evil.example", "Origin": "https://evil.example"}, 403),
        ({"Host": "127.0.0.1", "Origin": "https://evil.example"}, 403),
        ({"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000"}, 201),  # the operator at the machine
    ],
)
def test_only_the_public_host_and_this_machine_are_accepted(proxied, headers, status):
    proxied.booth.rate_limiter.requests.clear()
    all_headers = {"X-Faceloom": "1", "Content-Length": "0", **headers}
    assert send(proxied, "POST", "/api/v1/visits", all_headers)[0] == status
    assert send(proxied, "POST", "/booth/api/v1/visits", all_headers)[0] == status


@pytest.mark.skipif(not (PAGE_FOLDER / "index.html").is_file(), reason="the page was not built")
@pytest.mark.parametrize(
    "path", ["/booth", "/booth/", "/booth/phone/abc", "/", "/lab", "/index.html", "/booth/index.html"]
)
def test_the_page_loads_from_below_the_path(proxied, path):
    status, page = send(proxied, "GET", path, {"Host": HOST})
    assert status == 200
    assert '<meta name="base-path" content="/booth"' in page
    files = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(files) >= 3
    for file in files:
        assert file.startswith("/booth/")
        for address in (file, file.removeprefix(BASE)):
            assert send(proxied, "GET", address, {"Host": HOST})[0] == 200


@pytest.mark.skipif(not (PAGE_FOLDER / "index.html").is_file(), reason="the page was not built")
def test_the_page_of_a_server_without_a_path(server):
    for path in ("/", "/phone/abc"):
        page = send(server, "GET", path, {"Host": "127.0.0.1"})[1]
        assert '<meta name="base-path" content=""' in page
        assert all(file.startswith("/") for file in re.findall(r'(?:src|href)="([^"]*)"', page))


def test_no_file_of_the_page_names_the_root():
    for path in PAGE_FOLDER.glob("assets/*.css"):
        assert "url(/" not in path.read_text()
    for path in PAGE_FOLDER.glob("assets/*.js"):
        assert not re.search(r"""["'`]/assets/""", path.read_text())


def test_a_public_url_without_a_path(tmp_path):
    with served(tmp_path, public_url="http://booth.example:8080/") as server:
        assert (server.booth.address, server.booth.lan) == ("http://booth.example:8080",) * 2
        headers = {"Host": "booth.example:8080", "Origin": "http://booth.example:8080"}
        headers |= {"X-Faceloom": "1", "Content-Length": "0"}
        assert send(server, "POST", "/api/v1/visits", headers)[0] == 201


@pytest.mark.parametrize(
    ("text", "origin", "path"),
    [
        ("https://Events.Example/booth/", "https://events.example", "/booth"),
        ("https://events.example:443", "https://events.example", ""),
        ("http://events.example:8080/a/b-c", "http://events.example:8080", "/a/b-c"),
        ("http://[2001:db8::1]/x", "http://[2001:db8::1]", "/x"),
    ],
)
def test_public_urls(text, origin, path):
    public = PublicUrl.parse(text)
    assert (public.origin, public.path, public.url) == (origin, path, origin + path)


@pytest.mark.parametrize(
    "text",
    [
        "events.example", "ftp://events.example", "https://", "https://e.example/?a=1", "https://e.example/#a",
        "https://me:secret@e.example", "https://e.example/a b", 'https://e.example/"x', "https://e.example/../x//",
        "https://e.example:port", "http://[", "https://a b", "https://ü", "https://e.example//a",
    ],
)  # fmt: skip
def test_what_is_not_a_public_url(text):
    with pytest.raises(FaceloomError, match="not a public URL"):
        PublicUrl.parse(text)


@pytest.mark.parametrize("name", ["api", "lab", "download/x"])
def test_paths_of_the_server_itself_are_refused(name):
    with pytest.raises(FaceloomError, match="server's own"):
        PublicUrl.parse(f"https://events.example/{name}")


def test_the_path_is_removed_once_and_only_whole():
    public = PublicUrl.parse(PUBLIC)
    paths = {"/booth": "/", "/booth/": "/", "/booth/lab": "/lab", "/lab": "/lab", "/boothlab": "/boothlab", "/": "/"}
    paths |= {"/booth/booth/x": "/booth/x"}
    assert {path: public.local_path(path) for path in paths} == paths
