"""`faceloom booth` and `faceloom serve`, without starting a server."""

from __future__ import annotations

import socket

import pytest
from typer.testing import CliRunner

from faceloom.cli.booth import addresses, names
from faceloom.cli.main import app
from faceloom.errors import FaceloomError


def test_help_has_examples():
    for command, words in (("booth", ("--port", "--no-browser", "--home", "--lan", "PIN")), ("serve", ("--token",))):
        run = CliRunner().invoke(app, [command, "--help"])
        assert run.exit_code == 0
        assert all(word in run.output for word in words)


@pytest.mark.parametrize("command", [["booth", "--no-browser"], ["serve"]])
def test_a_port_in_use_is_refused(command, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = CliRunner().invoke(app, [*command, "--port", port, "--home", str(tmp_path)])
    assert isinstance(run.exception, FaceloomError)
    assert "--port" in run.exception.hint


def test_listens_on_localhost_by_default():
    assert addresses(8000, False) == {"address": "http://127.0.0.1:8000", "lan": ""}
    assert names("", "") == {"hosts": []}
    assert names("http://192.0.2.7:8000", "")["hosts"][0] == "192.0.2.7"
    assert names("http://192.0.2.7:8000", "https://events.example/booth") == {
        "public_url": "https://events.example/booth"
    }


@pytest.mark.abuse(29)
@pytest.mark.parametrize("reach", [["--lan"], ["--public-url", "https://events.example"]])
def test_a_short_token_is_refused_where_other_machines_reach_the_server(reach):
    answer = CliRunner().invoke(app, ["serve", "--token", "secret", *reach])
    assert isinstance(answer.exception, FaceloomError)
    assert "at least 20" in answer.exception.message
