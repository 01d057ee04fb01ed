"""Fuzzing of the server: requests as text, sent to the application in this process, on a tiny generator.

An input is a request as HTTP writes it: method and address, headers, an empty line, and the body. Headers that every
page sends are added unless the input has them. The ids of a visit, a person, a likeness and a download are always the
same, so that inputs reach every route.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import torch

from bench.fuzz_targets import PAUSE, RESUME
from bench.fuzz_targets.pictures import encode
from faceloom.store.models import Person, Recipe, Visit
from faceloom.web.booth.booth import Booth
from faceloom.web.openapi import openapi_document
from faceloom.web.security import HEADERS
from faceloom.web.worker.messages import PersonRef
from tests.datasets.picture_files import make_picture
from tests.web.in_process import InProcessClient
from tests.web.tiny_booth import SECONDS, TinyStudio, tiny_app

VISIT, LIKENESS, PERSON, OTHER, DOWNLOAD, TOKEN, PIN, OPERATOR = (
    "visit0", "likeness0", "person0", "person1", "download0", "token0", "123456", "operator0"
)  # fmt: skip
LIFE = 2000  # requests after which the booth is made again
LIMIT_SECONDS = 60.0  # of one request; a machine that does other work as well is slow
DEFAULTS = {
    b"host": b"127.0.0.1",
    b"x-faceloom": b"1",
    b"cookie": f"visit={VISIT}; operator={OPERATOR}".encode(),
    b"authorization": f"Bearer {TOKEN}".encode(),
    b"content-type": b"application/json",
}
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x20-\x7e\x80-\xff]{0,8000})")
_LINE = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS) (/[\x21-\x7e]{0,8000})")


def seeds(folder: Path) -> dict[str, bytes]:
    """Return one valid request for every operation of the API, and requests for the page."""
    document = openapi_document()
    contents = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            contents[name] = _example(method.upper(), path, operation, document)
    for path in ("/", "/index.html", "/operator", f"/download/{DOWNLOAD}", "/download.css", "/api/v1/docs"):
        contents[f"page {path}"] = f"GET {path}\n\n".encode()
    return contents


def _example(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> bytes:
    for name, value in _ids(path).items():
        path = path.replace(f"{{{name}}}", value)
    required = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
    query = "&".join(f"{name}={PERSON if name in 'ab' else '1'}" for name in required[:4])
    kinds = operation.get("requestBody", {}).get("content", {})
    head = f"{method} {path}?{query}" if query else f"{method} {path}"
    if "application/json" in kinds:
        body = json.dumps(_value(kinds["application/json"]["schema"], document))
        return f"{head}\n\n{body}".encode()
    picture = encode(make_picture(1, (64, 64)), "JPEG", quality=30)
    if "multipart/form-data" in kinds:
        part = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n' + picture + b"\r\n--b--\r\n"
        return f"{head}\ncontent-type: multipart/form-data; boundary=b\n\n".encode() + part
    return head.encode() + b"\n\n" + (picture if kinds else b"")


def _ids(path: str) -> dict[str, str]:
    id = LIKENESS if "likenesses" in path else DOWNLOAD if "downloads" in path else PERSON
    return {"id": id, "kept": "1", "token": "phone0", "name": "x"}


def _value(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """Return a plausible value of a schema."""
    if "$ref" in schema:
        return _value(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], document)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("type") == "object":
        return {name: _field(name, field, document) for name, field in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        return [_value(item, document) for item in items]
    return {"string": "seed:7", "boolean": True, "integer": 1, "number": 1.0}.get(schema.get("type", ""))


def _field(name: str, schema: dict[str, Any], document: dict[str, Any]) -> Any:
    known = {"likeness": LIKENESS, "a": PERSON, "b": OTHER, "person": PERSON, "pin": PIN, "layers": "coarse"}
    return known.get(name, _value(schema, document))


def words() -> Iterable[str]:
    """Return the ids, headers and numbers that requests are made of."""
    return (
        VISIT, LIKENESS, PERSON, OTHER, DOWNLOAD, TOKEN, "/api/v1/", "content-type: ", "multipart/form-data",
        "boundary=b", "origin: ", "host: ", "content-length: ", "last-event-id: ", "range: bytes=0-",
        "cookie: visit=", "%00", "%2e%2e/", "NaN", "1e999", "9" * 50, "seed:7", "sample:1", '{"', "null", "true",
        "authorization: Bearer ",
    )  # fmt: skip


class FuzzedBooth:
    """A booth that is made again after LIFE requests, or when a request has erased what the others need."""

    def __init__(self, home: Path) -> None:
        self.home, self.count = home, 0
        self.loop = asyncio.new_event_loop()
        self.studio = TinyStudio()
        self.open()

    def open(self) -> None:
        """Make the booth with a visit, two people, a likeness and a download."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.app = tiny_app(self.home, pin=PIN, token=TOKEN, make_client=lambda _: InProcessClient(lambda: self.studio))
        self.lifespan = self.app.router.lifespan_context(self.app)
        self.loop.run_until_complete(self.lifespan.__aenter__())
        self.app.openapi()  # FastAPI evaluates annotations here, which the canary would hear
        self.booth: Booth = self.app.state.booth
        self.booth.settings = self.booth.settings.model_copy(update={"improve_seconds": 0, "gallery": True})
        self.booth.rate_limiter.check = lambda *_: None
        self.app.state.operator_sessions[OPERATOR] = time.monotonic() + 1e9
        for name, kind, people in ((VISIT, "booth", (PERSON, OTHER)), (LIKENESS, "api", ("person2",))):
            self._add_visit(name, kind, people)
        (self.home / "takes").mkdir(exist_ok=True)
        path = self.home / "takes" / f"{DOWNLOAD}.jpg"
        make_picture(1).save(path)
        self.booth.store.add_download(DOWNLOAD, VISIT, path, 1e9, Recipe(form="single"))

    def _add_visit(self, name: str, kind: Any, people: tuple[str, ...]) -> None:
        state: InProcessClient = self.booth.worker  # type: ignore[assignment]
        visit = self.booth.store.begin(kind, "play", 1e9)
        self.booth.store.database.rows("UPDATE visits SET id = ? WHERE id = ?", (name, visit.id))
        visit = Visit(id=name, kind=kind, state="play", created=visit.created, expires=visit.expires, phone="phone0")
        folder = str(self.booth.store.folder_of(name))
        for number, person in enumerate(people):
            likeness = self.studio.generate(number)
            state.state.likenesses.save(PersonRef(folder, person), likeness)
            visit.people.append(Person(id=person, visit=name, number=number, playable=True))
        self.booth.visits[name] = visit
        self.booth.publish(visit)

    def close(self) -> None:
        """End the booth."""
        self.loop.run_until_complete(self.lifespan.__aexit__(None, None, None))

    @property
    def is_whole(self) -> bool:
        """Return whether every id still exists."""
        visit, store = self.booth.visits.get(VISIT), self.booth.store
        return (
            self.count % LIFE > 0
            and visit is not None
            and LIKENESS in self.booth.visits
            and {PERSON, OTHER} <= {person.id for person in visit.people}
            and visit.state == "play"
            and len(self.booth.visits) < 50
            and any(download.id == DOWNLOAD for download in store.downloads())
        )

    def ask(self, data: bytes) -> tuple[int, dict[bytes, bytes]] | None:
        """Send one request, and return status and headers, or None for what is no request."""
        self.count += 1
        if not self.is_whole:
            sys.audit(PAUSE)
            self.close()
            self.open()
            sys.audit(RESUME)
        parsed = parse(data)
        return self.loop.run_until_complete(self._send(*parsed)) if parsed else None

    async def _send(self, scope: dict[str, Any], body: bytes) -> tuple[int, dict[bytes, bytes]]:
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        answers: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            answers.append(message)

        await asyncio.wait_for(self.app(scope, receive, send), LIMIT_SECONDS)  # type: ignore[arg-type]
        return answers[0]["status"], dict(answers[0]["headers"])


def parse(data: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Return the ASGI scope and the body of a request, or None for text that an HTTP parser refuses."""
    head, _, body = data.partition(b"\n\n")
    line, *lines = head.split(b"\n")
    start = _LINE.fullmatch(line)
    if start is None:
        return None
    headers = [(found[1].lower(), found[2].rstrip()) for found in map(_HEADER.fullmatch, lines) if found]
    names = {name for name, _ in headers}
    headers += [(name, value) for name, value in DEFAULTS.items() if name not in names]
    path, _, query = start[2].partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": start[1].decode(),
        "path": unquote(path.decode()),
        "raw_path": path,
        "root_path": "",
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    return scope, body


@contextmanager
def reading(scratch: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that sends a request; a failure of the server, or an answer without a header, is a finding."""
    os.environ[SECONDS] = "0"
    torch.set_num_threads(1)
    logger = logging.getLogger("faceloom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    booth = FuzzedBooth(scratch / "booth")

    def read(data: bytes) -> None:
        answer = booth.ask(data)
        if answer is None:
            return
        status, headers = answer
        assert status < 500, f"status {status}"
        for name, value in HEADERS.items():
            assert headers.get(name.lower().encode()) == value.encode(), name

    try:
        yield read
    finally:
        booth.close()
        booth.loop.close()
        logger.setLevel(level)
