"""`faceloom booth` and `faceloom serve`, as far as they go without being served."""

from __future__ import annotations

import socket

import pytest
from typer.testing import CliRunner

from faceloom.cli.booth import addresses, hosts
from faceloom.cli.main import app
from faceloom.errors import FaceloomError


def test_help_is_there():
    for command, words in (("booth", ("--port", "--no-browser", "--home", "--lan", "PIN")), ("serve", ("--token",))):
        run = CliRunner().invoke(app, [command, "--help"])
        assert run.exit_code == 0
        assert all(word in run.output for word in words)


@pytest.mark.parametrize("command", [["booth", "--no-browser"], ["serve"]])
def test_a_port_that_is_taken(command, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = CliRunner().invoke(app, [*command, "--port", port, "--home", str(tmp_path)])
    assert isinstance(run.exception, FaceloomError)
    assert "--port" in run.exception.hint


def test_only_this_machine_unless_told_otherwise():
    assert addresses(8000, False) == {"address": "http://127.0.0.1:8000", "lan": ""}
    assert hosts("") == []
    assert hosts("http://192.0.2.7:8000")[0] == "192.0.2.7"
