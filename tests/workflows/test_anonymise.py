"""Anonymised photos, with the real weights: the face changes, everything else stays, and the same person stays one."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from faceloom import Studio
from faceloom.cli.main import app
from faceloom.errors import LatentError
from faceloom.images import Photo, open_photo
from faceloom.marks.watermark_reader import read_watermark
from faceloom.workflows.anonymise import BLURRED, REPLACED, AnonymiseConfig, Anonymiser

QUICK = AnonymiseConfig(seed=3, candidates=6, finalists=3, max_similarity=0.9)


def portrait(name: str = "astronaut.png") -> Photo:
    from faceloom.assets.cache import open_asset

    return open_photo(open_asset("portraits") / name)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


def test_settings_are_checked_at_once():
    with pytest.raises(LatentError, match="cannot be kept"):
        Anonymiser(Studio(), AnonymiseConfig(keep=("hat",)))
    with pytest.raises(LatentError, match="default generator"):
        Anonymiser(Studio("another"))


def test_two_anonymisers_without_a_seed_differ():
    assert len({Anonymiser(Studio()).seed for _ in range(5)}) > 1


@pytest.mark.models
def test_the_face_is_replaced_and_the_rest_stays(studio: Studio):
    photo = portrait()
    anonymiser = Anonymiser(studio, QUICK)
    done = anonymiser.photo(photo)
    assert [face.how for face in done.faces] == [REPLACED]
    before, after = (np.asarray(image, dtype=float) for image in (photo.image, done.image))
    x0, y0, x1, y1 = (round(x) for x in done.faces[0].box)
    changed = np.abs(after - before).max(-1) > 0
    assert changed[y0:y1, x0:x1].mean() > 0.5
    assert not changed[250:].any()
    assert done.faces[0].similarity < 0.7
    again = anonymiser.photo(photo)
    assert again.faces[0].person == done.faces[0].person
    assert np.array_equal(np.asarray(again.image), np.asarray(done.image))


@pytest.mark.models
def test_small_faces_are_blurred_and_said(studio: Studio):
    photo = portrait()
    small = Photo(photo.image.resize((190, 190), Image.Resampling.LANCZOS))
    done = Anonymiser(studio, QUICK).photo(small)
    assert [face.how for face in done.faces] == [BLURRED]
    assert done.notes == ("1 blurred: smaller than 40 px",)


@pytest.mark.models
def test_a_folder_is_blurred_without_metadata_and_a_bad_file_is_said(tmp_path: Path):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    portrait().image.save(source / "a.jpg", exif=exif)
    Image.new("RGB", (200, 200), (90, 120, 90)).save(source / "nobody.png")
    (source / "broken.jpg").write_text("not a picture")
    run = CliRunner().invoke(app, ["anonymise", str(source), "-o", str(target), "--blur", "--json"])
    assert run.exit_code == 1
    facts = json.loads(run.stdout)
    assert [len(result["faces"]) for result in facts["results"]] == [1, 0]
    assert facts["failed"][0]["source"].endswith("broken.jpg")
    with Image.open(target / "a.jpg") as written:
        assert not dict(written.getexif())
    assert sorted(path.name for path in target.iterdir()) == ["a.jpg", "nobody.png"]


def test_the_source_is_never_overwritten(tmp_path: Path):
    photo = tmp_path / "a.png"
    Image.new("RGB", (80, 80)).save(photo)
    run = CliRunner().invoke(app, ["anonymise", str(photo), "-o", str(photo), "--blur"])
    assert run.exit_code == 2
    assert "would replace the source" in run.stderr


@pytest.mark.models
def test_the_marks_name_the_generator_and_not_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lenient = partial(AnonymiseConfig, max_similarity=0.9)  # no stand-in is refused, and the face is not blurred
    monkeypatch.setattr("faceloom.workflows.anonymise.AnonymiseConfig", lenient)
    portrait().image.save(tmp_path / "photo.png")
    run = CliRunner().invoke(app, ["anonymise", str(tmp_path / "photo.png"), "-o", str(tmp_path / "a.png")])
    assert run.exit_code == 0, run.stderr
    payload = read_watermark(Image.open(tmp_path / "a.png")).payload
    assert payload is not None
    assert (payload.kind, payload.generator > 0) == ("composite", True)
