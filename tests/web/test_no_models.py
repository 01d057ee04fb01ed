"""A server whose worker cannot start: it reports the reason and answers requests at once."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from faceloom.errors import AssetError
from tests.web.tiny_server import Server, photo


def fail_to_make_studio() -> NoReturn:
    """Raise the error of a machine without models."""
    raise AssetError("the model files 'mtcnn' are missing", "faceloom models pull mtcnn")


def test_without_models(tmp_path):
    from faceloom.web.app import create_app

    server = Server(create_app(home=tmp_path, make_studio=fail_to_make_studio), tmp_path)
    try:
        client = server.client()
        end = time.monotonic() + 60
        health: dict[str, Any] = {}
        while not health.get("error") and time.monotonic() < end:
            health = client.get("/health").json()
        assert health["error"]["code"] == "asset_error"
        assert not health["ready"]
        client.post("/visits")
        client.post("/visit/consent", json={"agreed": True})
        answer = client.post("/visit/photo", files={"photo": ("a", photo())})
        assert answer.json()["error"]["hint"] == "faceloom models pull mtcnn"
    finally:
        server.stop()
