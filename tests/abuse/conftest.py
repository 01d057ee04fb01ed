"""A tiny booth for the tests of a file, and a browser for each test, as in tests/web."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.tiny_server import Client, Server, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a booth for all tests of a file, because the worker needs seconds to start."""
    with served(tmp_path_factory.mktemp("booth")) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Client:
    """Return a new browser."""
    server.booth.rate_limiter.requests.clear()
    return server.client()
