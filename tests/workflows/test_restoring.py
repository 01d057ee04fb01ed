"""Restoration and several photos with a real portrait and the real weights, in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from typer.testing import CliRunner

from faceloom import EncodeConfig, Studio, open_photo
from faceloom.cli.main import app
from faceloom.errors import ImageError
from faceloom.images import Photo
from faceloom.workflows.restoring import encode_several, paste_restored, restore_photo

pytestmark = pytest.mark.models

STEPS = EncodeConfig(seconds=None, steps=4)


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    from faceloom.assets.cache import open_asset

    return open_photo(open_asset("portraits") / "astronaut.png").image


@pytest.fixture(scope="module")
def old_photo(portrait: Image.Image) -> Image.Image:
    old = portrait.convert("L").filter(ImageFilter.GaussianBlur(2)).convert("RGB")
    ImageDraw.Draw(old).line((150, 20, 330, 230), fill=(240, 240, 240), width=3)
    return old


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


def test_a_gray_scratched_photo_becomes_a_colored_person(studio, old_photo):
    found = restore_photo(studio, Photo(old_photo), config=STEPS)
    text = " ".join(found.damage)
    assert "no colors" in text
    assert "blurred" in text
    assert found.person.provenance["method"] == "restore"
    assert set(found.damage) <= set(found.person.provenance["notes"])
    pixels = np.asarray(studio.render(found.person, 256), dtype=float)
    assert (pixels.max(axis=2) - pixels.min(axis=2)).mean() > 8  # it has colors
    pasted = paste_restored(studio, found.person, Photo(old_photo))
    changed = np.abs(np.asarray(pasted, dtype=int) - np.asarray(old_photo, dtype=int)).sum(axis=2) > 0
    assert changed.any()
    assert not changed[400:].any()  # far below the face


def test_a_mask_must_have_the_size_of_the_photo(studio, old_photo):
    with pytest.raises(ImageError, match="64x64"):
        restore_photo(studio, Photo(old_photo), hidden=Image.new("L", (64, 64)), config=STEPS)


def test_several_photos_make_one_likeness_in_the_pose_of_one(studio, portrait):
    photos = [Photo(portrait), Photo(portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT))]
    person = encode_several(studio, photos, STEPS)
    assert person.provenance["photos"] == 2
    assert person.geometry.photo_size == portrait.size
    assert not [note for note in person.provenance["notes"] if "another person" in note]


def test_the_command_restores_and_joins(tmp_path: Path, portrait, old_photo, monkeypatch):
    monkeypatch.chdir(tmp_path)
    portrait.save("a.png")
    old_photo.save("old.png")
    command = ["encode", "old.png", "--restore", "--steps", "3", "--preview", "new.png", "--paste", "in.png", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["method"] == "restore"
    assert open_photo(Path("in.png")).image.size == old_photo.size
    assert open_photo(Path("new.png")).image.size == (1024, 1024)
    result = CliRunner().invoke(app, ["encode", "a.png", "a.png", "--same-person", "--steps", "3", "--json"])
    assert result.exit_code == 0, result.stderr
    assert Path("a.likeness").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["a.png", "--same-person"],
        ["a.png", "b.png", "--same-person", "--restore"],
        ["a.png", "b.png", "--restore"],
        ["a.png", "--paste", "x.png"],
        ["a.png", "--hidden", "m.png"],
    ],
)
def test_options_that_exclude_each_other_are_wrong_usage(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["encode", *options]).exit_code == 2
