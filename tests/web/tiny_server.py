"""A booth on the tiny generator, served inside the test's own process; its worker is a real one. And its visitors."""

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
from tests.web.tiny_booth import tiny_app

PIN, TOKEN = "123456", "a-token-of-the-tests"


class Client(httpx.Client):
    """A browser, or a program, at the booth."""

    def visit(self) -> dict[str, Any]:
        """The visit as it is."""
        return self.get("/visit").json()

    def until(self, done: Callable[[dict[str, Any]], bool], seconds: float = 30) -> dict[str, Any]:
        """Wait until the visit is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if done(visit := self.visit()):
                return visit
            time.sleep(0.02)
        raise AssertionError(f"still {visit}")

    def play(self, data: bytes, chosen: list[int] | None = None) -> dict[str, Any]:
        """From the door to playing."""
        assert self.post("/visits").status_code == 201
        assert self.post("/visit/consent", json={"agreed": True}).json()["state"] == "camera"
        answer = self.post("/visit/photo", files={"photo": ("photo.jpg", data)})
        assert answer.status_code == 200, answer.text
        if answer.json()["state"] == "who":
            self.post("/visit/faces", json={"chosen": chosen or [0]})
        return self.until(lambda visit: visit["state"] == "play")


class Server:
    """One running server."""

    def __init__(self, app: Any, home: Path) -> None:
        self.app, self.home = app, home
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
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
        """What the server is about."""
        return self.app.state.booth

    def client(self, **headers: str) -> Client:
        """A new browser, without cookies."""
        given = {"X-Faceloom": "1", **headers}
        client = Client(base_url=f"{self.base}/api/v1", headers=given, timeout=60, trust_env=False)
        self.clients.append(client)
        return client

    def ready(self) -> Server:
        """Wait for the worker."""
        client = self.client()
        end = time.monotonic() + 120
        while not client.get("/health").json()["ready"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End it, as Ctrl-C would."""
        for client in self.clients:
            client.close()
        self.uvicorn.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def served(home: Path, **options: Any) -> Iterator[Server]:
    """A server that is ended whatever happens."""
    server = Server(tiny_app(home, pin=PIN, token=TOKEN, **options), home)
    try:
        yield server.ready()
    finally:
        server.stop()


def photo(seed: int = 0, width: int = 640, height: int = 640) -> bytes:
    """A picture with a 'face', or with two when it is wide: another for every seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
    return as_jpeg(Image.fromarray(pixels).resize((width, height)))


def as_jpeg(image: Image.Image) -> bytes:
    """Written as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
