"""A booth on the tiny generator, served by a thread of the test with a real worker process, and clients for it."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from faceloom.web.connections import server_config
from tests.web.tiny_booth import tiny_app

PIN, TOKEN = "123456", "a-token-of-the-tests"


class Client(httpx.Client):
    """A browser or a program that uses the booth."""

    def visit(self) -> dict[str, Any]:
        """Return the visit."""
        visit: dict[str, Any] = self.get("/visit").json()
        return visit

    def until(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 30) -> dict[str, Any]:
        """Request the visit until the condition holds, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition(visit := self.visit()):
                return visit
            time.sleep(0.02)
        raise AssertionError(f"still {visit}")

    def play(self, data: bytes, chosen: list[int] | None = None) -> dict[str, Any]:
        """Go from the start of a visit to the first picture, and return the visit."""
        assert self.post("/visits").status_code == 201
        assert self.post("/visit/consent", json={"agreed": True}).json()["state"] == "camera"
        answer = self.post("/visit/photo", files={"photo": ("photo.jpg", data)})
        assert answer.status_code == 200, answer.text
        if answer.json()["state"] == "who":
            self.post("/visit/faces", json={"chosen": chosen or [0]})
        return self.until(lambda visit: visit["state"] == "play")


class Server:
    """A running server."""

    def __init__(self, app: Any, home: Path) -> None:
        self.app, self.home = app, home
        config = server_config(app, "127.0.0.1", 0)
        config.timeout_graceful_shutdown = 1
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.uvicorn.serve()), daemon=True)
        self.thread.start()
        end = time.monotonic() + 60
        while not self.uvicorn.started and self.thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        assert self.uvicorn.started
        port = self.uvicorn.servers[0].sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.clients: list[Client] = []

    @property
    def booth(self) -> Any:
        """The booth of the server."""
        return self.app.state.booth

    def client(self, **headers: str) -> Client:
        """Return a new browser, without cookies."""
        all_headers = {"X-Faceloom": "1", **headers}
        client = Client(base_url=f"{self.base}/api/v1", headers=all_headers, timeout=60, trust_env=False)
        self.clients.append(client)
        return client

    def ready(self) -> Server:
        """Wait until the worker is ready."""
        client = self.client()
        end = time.monotonic() + 120
        while not client.get("/health").json()["ready"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """Stop the server as Ctrl-C does."""
        for client in self.clients:
            client.close()
        self.uvicorn.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def served(home: Path, **options: Any) -> Iterator[Server]:
    """Serve a booth; it is stopped at the end of the `with` block."""
    server = Server(tiny_app(home, pin=PIN, token=TOKEN, **options), home)
    try:
        yield server.ready()
    finally:
        server.stop()


def photo(seed: int = 0, width: int = 640, height: int = 640) -> bytes:
    """Return a JPEG with one face for the tiny detector, or two when it is wide; every seed gives another picture."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
    return as_jpeg(Image.fromarray(pixels).resize((width, height)))


def as_jpeg(image: Image.Image) -> bytes:
    """Return an image as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
