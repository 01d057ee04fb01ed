"""Whatever is sent to the API, within its description or against it: the server never ends in an error of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from tests.web.tiny_booth import tiny_app
from tests.web.tiny_server import PIN, TOKEN, Client, Server, photo

ENDLESS = r"/events$"  # streams that end with the visit or the job


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    """A browser with a visit, whose operator has entered the PIN; as often as it likes."""
    server.booth.rates.allow = lambda *_, **__: None
    client = server.client(Authorization=f"Bearer {TOKEN}")
    client.play(photo(1))
    client.post("/operator/login", json={"pin": PIN}).raise_for_status()
    return client


schema = schemathesis.openapi.from_dict(tiny_app(Path("nowhere")).openapi()).exclude(path_regex=ENDLESS)


@schema.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_no_request_breaks_the_server(case: Any, client: Client):
    where = str(client.base_url).removesuffix("/api/v1/")
    response = case.call(base_url=where, headers=dict(client.headers), cookies=dict(client.cookies), timeout=60)
    case.validate_response(response, checks=[not_a_server_error])
