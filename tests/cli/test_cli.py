"""The command line: exit statuses, one line for an error, JSON on standard output alone, and no torch for help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app

COMMANDS = ("detect", "align", "encode", "edit", "mix", "morph", "generate", "video", "demo")


def faceloom(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    code = "from faceloom.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, timeout=300, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_two_examples(command: str):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert result.stdout.count(f"faceloom {command}") >= 2
    assert "--json" in result.stdout


LIGHT = """
import sys
sys.argv = ["faceloom", "FLAG"]
from faceloom.cli.main import run
try:
    run()
except SystemExit:
    pass
assert "torch" not in sys.modules and "numpy" not in sys.modules
"""


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_do_not_load_torch(flag: str):
    subprocess.run([sys.executable, "-c", LIGHT.replace("FLAG", flag)], check=True, capture_output=True)


def test_a_users_error_is_one_line_and_exit_1(tmp_path: Path):
    result = faceloom("edit", "nobody.likeness", "--age", "+20", "-o", "out.png", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "nobody.likeness" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["edit"],
        ["generate", "--seeds", "5-1", "-o", "x"],
        ["generate", "--seeds", "a", "-o", "x"],
        ["morph", "seed:1", "-o", "x.webp"],
        ["encode", "x.jpg", "--space", "z"],
        ["edit", "seed:1", "--direction", "age", "-o", "x.png"],
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], tmp_path: Path):
    result = faceloom(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.models
def test_generate_edit_mix_and_morph(tmp_path: Path):
    """Run the commands that need no photo."""
    made = faceloom("generate", "--seeds", "3,5", "--size", "128", "--sheet", "-o", "people", "--json", cwd=tmp_path)
    facts = json.loads(made.stdout)
    assert [picture["seed"] for picture in facts["pictures"]] == [3, 5]
    assert {path.name for path in (tmp_path / "people").iterdir()} == {"seed0003.png", "seed0005.png", "sheet.png"}

    edited = faceloom("edit", "seed:3", "--age", "+20", "--smile", "0.1", "-o", "old.likeness", "--json", cwd=tmp_path)
    facts = json.loads(edited.stdout)
    assert facts["changes"] == {"age": 20.0, "smile": 0.1}
    assert facts["reached"]["age"] > 8  # two wishes at once may meet half-way
    assert 0 < facts["identity"] < 1
    mixed = faceloom(
        "mix", "old.likeness", "seed:5", "--layers", "fine", "--size", "128", "-o", "mix.png", cwd=tmp_path
    )
    assert (mixed.returncode, mixed.stdout) == (0, "mix.png\n")
    film = faceloom(
        "morph", "old.likeness", "seed:5", "--seconds", "0.2", "--fps", "10", "--size", "64", "-o", "m.webp", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(film.stdout)["frames"] == 3
    assert (tmp_path / "m.webp").stat().st_size > 0


@pytest.mark.models
def test_an_unknown_direction_lists_the_known_ones(tmp_path: Path):
    result = faceloom("edit", "seed:1", "--direction", "wings=1", "-o", "out.png", cwd=tmp_path)
    assert result.returncode == 1
    assert "age" in result.stderr
    assert not (tmp_path / "out.png").exists()
