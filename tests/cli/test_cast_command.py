"""`faceloom cast`: the default subcommand, and errors before anything is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.errors import FaceloomError


def run(*arguments: str) -> object:
    return CliRunner().invoke(app, ["cast", *arguments])


def test_help_names_the_subcommands():
    assert "make" in run("--help").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--brief", "12 extras, halff women", "-o", "x"), "halff"),
        (("nobody.toml", "-o", "x"), "cannot read the plan"),
        (("--brief", "2 men", "-o", "x", "--format", "zap"), "no format 'zap'"),
        (("--brief", "2 babies, bearded", "-o", "x"), "has a beard"),
        (("make", "--brief", "10 million people", "-o", "x"), "10,000,000 people are too many"),
    ],
)
def test_mistakes_are_told_before_anything_is_drawn(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert isinstance(result.exception, FaceloomError)
    assert says in str(result.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "x"),
        ("plan.toml", "--brief", "2 men", "-o", "x"),
        ("--brief", "2 men"),
        ("--brief", "2 men", "-o", "x", "--executor", "slurm"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]):
    assert run(*arguments).exit_code == 2
