"""Random requests, valid and invalid by the OpenAPI document: the server never answers with an error of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from tests.web.tiny_booth import tiny_app
from tests.web.tiny_server import PIN, TOKEN, Client, Server, photo

# The shape checker, in the thread of the server, uses `random` to choose which items of a list it checks.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisWarning")

SHUTDOWN_DELAY = 1.5  # seconds after which the signal of the last request to shut down was sent
EVENT_STREAMS = r"/events$"  # these answers end with the visit or the job


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """Yield a browser with a visit and an operator's session, without a limit of requests.

    A request to shut the booth down does not end the tests.
    """
    server.booth.rate_limiter.check = lambda *_, **__: None
    client = server.client(Authorization=f"Bearer {TOKEN}")
    client.play(photo(1))
    client.post("/operator/login", json={"pin": PIN}).raise_for_status()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("faceloom.web.routes.operator.signal.raise_signal", lambda _: None)
        yield client
        time.sleep(SHUTDOWN_DELAY)


schema = schemathesis.openapi.from_dict(tiny_app(Path("nowhere")).openapi()).exclude(path_regex=EVENT_STREAMS)


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
    url = str(client.base_url).removesuffix("/api/v1/")
    response = case.call(base_url=url, headers=dict(client.headers), cookies=dict(client.cookies), timeout=60)
    case.validate_response(response, checks=[not_a_server_error])
