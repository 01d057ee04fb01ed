"""One tiny booth for the tests of a file, and a browser for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.web.tiny_server import Client, Server, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a file: starting the worker takes seconds."""
    with served(tmp_path_factory.mktemp("booth")) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Client:
    """A browser of its own."""
    server.booth.rates.seen.clear()
    return server.client()
