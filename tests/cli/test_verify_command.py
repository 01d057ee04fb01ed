"""`faceloom verify`, and the marks on every path by which pictures, films, people and generators leave commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.images import save_picture
from tests.marks.test_watermark import make_scene

pytest.importorskip("c2pa")


def run(*arguments: object, status: int = 0) -> str:
    """Run a command and return its standard output."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result.stdout


def test_the_layers_are_printed(tmp_path: Path):
    path = save_picture(make_scene(384), tmp_path / "a.png", ai_generated=True)
    lines = run("verify", path).splitlines()
    assert lines[0] == f"{path}: marked"
    assert [line.split()[:2] for line in lines[1:]] == [
        ["metadata", "present"],
        ["watermark", "present"],
        ["credentials", "present"],
    ]


def test_a_changed_file_fails(tmp_path: Path):
    path = save_picture(make_scene(256), tmp_path / "a.jpg", ai_generated=True)
    data = bytearray(path.read_bytes())
    data[-500] ^= 1
    path.write_bytes(data)
    facts = json.loads(run("verify", tmp_path, "--json", status=1))
    assert [file["verdict"] for file in facts["files"]] == ["tampered"]


def test_a_file_that_is_not_there(tmp_path: Path):
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "absent.png")])
    assert result.exit_code == 1
    assert CliRunner().invoke(app, ["verify"]).exit_code == 2


def test_of_several_files_one_that_cannot_be_read_hides_no_other(tmp_path: Path):
    path = save_picture(make_scene(256), tmp_path / "a.png", ai_generated=True)
    facts = json.loads(run("verify", tmp_path / "absent.png", path, "--json", status=1))
    assert [file["verdict"] for file in facts["files"]] == ["unreadable", "marked"]


def test_an_empty_folder_is_told(tmp_path: Path):
    result = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert result.exit_code == 0
    assert "holds no picture" in result.stderr


COMMANDS: dict[str, list[str]] = {
    "generate": ["generate", "--seeds", "0-1", "--sheet", "-o", "{out}"],
    "mix": ["mix", "seed:1", "seed:2", "-o", "{out}/mix.jpg"],
    "likeness": ["mix", "seed:1", "seed:2", "-o", "{out}/mix.likeness"],
    "edit": ["edit", "seed:3", "--smile", "0.8", "-o", "{out}/edit.webp"],
    "morph": ["morph", "seed:1", "seed:2", "--seconds", "0.4", "--size", "384", "-o", "{out}/morph.mp4"],
    "morph as GIF": ["morph", "seed:1", "seed:2", "--seconds", "0.2", "--size", "384", "-o", "{out}/morph.gif"],
    "children": ["children", "seed:1", "seed:2", "--count", "2", "-o", "{out}/children.png"],
    "children, each": ["children", "seed:1", "seed:2", "--count", "2", "-o", "{out}/each"],
    "search": ["search", "smiling", "--count", "1", "--candidates", "8", "-o", "{out}"],
    "direction": ["direction", "show", "age", "--sheet", "{out}/age.png"],
    "export": ["export", "--format", "safetensors", "-o", "{out}/generator"],
}


@pytest.mark.models
@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_marks_what_it_writes(name: str, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    run(*[argument.format(out=out) for argument in COMMANDS[name]])
    facts = json.loads(run("verify", out, "--json"))
    assert facts["files"]
    assert {file["verdict"] for file in facts["files"]} == {"marked"}, facts
    written = [path for path in out.rglob("*") if path.suffix in (".png", ".jpg", ".webp", ".gif", ".mp4", ".likeness")]
    assert {str(path) for path in written} <= {file["name"] for file in facts["files"]}


@pytest.mark.models
def test_an_edit_of_a_photo_names_the_photo_by_its_hash_only(tmp_path: Path):
    run("generate", "--seeds", "5", "-o", tmp_path)
    photo = tmp_path / "photo.jpg"
    with Image.open(tmp_path / "seed0005.png") as face:
        face.convert("RGB").resize((700, 700)).save(photo, quality=92)
    person, edited = tmp_path / "me.likeness", tmp_path / "out" / "older.jpg"
    run("encode", photo, "--steps", "2", "--no-tune", "-o", person)
    run("edit", person, "--age", "10", "--paste-into", photo, "-o", edited)
    (file,) = json.loads(run("verify", edited.parent, "--json"))["files"]
    assert (file["verdict"], file["kind"]) == ("marked", "composite")
    assert "c2pa.opened" in file["layers"][2]["detail"]
