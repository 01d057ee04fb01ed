"""`faceloom style` and the options of a style: usage, lists and cards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.cli.output import draw_in_style
from faceloom.cli.style import list_pictures
from faceloom.style import Style
from faceloom.workflows.styling import list_styles
from tests.web.tiny_booth import TinyStudio


def test_a_folder_stands_for_its_pictures(tmp_path: Path):
    for name in ("b.png", "a.jpg"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    (tmp_path / "a.likeness").touch()
    assert [path.name for path in list_pictures([tmp_path, tmp_path / "b.png"])] == ["a.jpg", "b.png", "b.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(typer.BadParameter, match="no pictures"):
        list_pictures([tmp_path / "empty"])


def test_styles_are_listed():
    run = CliRunner().invoke(app, ["style", "list", "--json"])
    assert json.loads(run.stdout)["styles"] == list(list_styles())


def test_a_card_is_shown(tmp_path: Path):
    style = Style("ink", {"conv.bias": torch.ones(4)}, "0" * 64, "tiny", provenance={"examples": ["a", "b"]})
    style.save(tmp_path / "ink.style")
    run = CliRunner().invoke(app, ["style", "show", str(tmp_path / "ink.style")])
    assert run.exit_code == 0, run.output
    assert "fitted to 2 pictures" in run.stdout


def test_a_strength_needs_a_style():
    studio = TinyStudio()
    person = studio.generate(1)
    assert draw_in_style(studio, person, None, None) is person
    with pytest.raises(typer.BadParameter, match="--style"):
        draw_in_style(studio, person, None, 0.5)
    style = Style("bright", {"to_img.bias": torch.ones(12)}, studio.generator.hash, "tiny")
    styled = studio.draw_in_style(person, style)
    changed = draw_in_style(studio, styled, None, 0.5)
    assert changed.style is not None
    assert changed.style.strength == 0.5
    assert draw_in_style(studio, styled, "none", None).style is None


def test_blend_refuses_wrong_numbers(tmp_path: Path):
    run = CliRunner().invoke(app, ["blend", "a", "b", "-o", str(tmp_path / "c"), "--ramp", "-1"])
    assert run.exit_code == 2
