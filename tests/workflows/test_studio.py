"""The main workflow with a real portrait and the real weights, in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from faceloom import EncodeConfig, Likeness, Photo, Studio, open_photo
from faceloom.cli.main import app
from faceloom.errors import FaceError, LatentError, NoFaceFound

pytestmark = pytest.mark.models

STEPS = EncodeConfig(seconds=None, steps=6)


@pytest.fixture(scope="module")
def portrait() -> Path:
    from faceloom.assets.cache import open_asset

    return open_asset("portraits") / "astronaut.png"


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def person(studio: Studio, portrait: Path) -> Likeness:
    return studio.encode(portrait, config=STEPS)


def test_a_likeness_states_its_quality_and_provenance(studio, person):
    assert 0 < person.quality["lpips"] < 0.45  # the mean face is at 0.43
    assert person.provenance["steps"] == 6
    assert person.geometry.photo_size == (512, 512)
    assert person.generator_hash == studio.generator.hash
    assert person.provenance["face"]["score"] > 0.99
    assert "astronaut" not in json.dumps(dict(person.provenance))  # no path, no name


def test_encoding_is_repeatable(studio, person, portrait):
    again = studio.encode(portrait, config=STEPS)
    assert np.array_equal(again.w_plus.numpy(), person.w_plus.numpy())


def test_edits_change_the_picture_and_compose(studio, person):
    older = studio.step(person, {"age": 20, "smile": 1})
    same = studio.step(studio.step(person, {"smile": 1}), {"age": 20})
    np.testing.assert_allclose(older.w_plus.numpy(), same.w_plus.numpy(), atol=1e-5)
    back = studio.step(older, {"age": -20, "smile": -1})
    np.testing.assert_allclose(back.w_plus.numpy(), person.w_plus.numpy(), atol=1e-5)
    before, after = (np.asarray(studio.render(p, 256), dtype=float) for p in (person, older))
    assert np.abs(before - after).mean() > 2


def test_paste_back_changes_only_the_face(studio, person, portrait):
    photo = open_photo(portrait)
    assert studio.paste_back(person, photo).tobytes() == photo.image.tobytes()  # no edit, no change
    pasted = studio.paste_back(studio.step(person, {"age": 20, "smile": 1}), photo)
    assert pasted.size == photo.image.size
    changed = np.abs(np.asarray(pasted, dtype=int) - np.asarray(photo.image, dtype=int)).sum(axis=2) > 0
    x0, y0, x1, y1 = (round(x) for x in person.provenance["face"]["box"])
    assert changed[y0:y1, x0:x1].mean() > 0.3
    assert not changed[400:].any()  # far below the quad


def test_paste_back_needs_the_photo_that_was_encoded(studio, person):
    with pytest.raises(FaceError, match="64x64"):
        studio.paste_back(person, Photo(Image.new("RGB", (64, 64))))
    with pytest.raises(LatentError, match="not made from a photo"):
        studio.paste_back(studio.generate(1), Photo(Image.new("RGB", (64, 64))))


def test_an_edit_reaches_its_value_and_holds_other_attributes(studio, person):
    before = studio.attributes(person)
    done = studio.edit(person, {"age": 20})
    after = studio.attributes(done.person)
    assert after.age - before.age == pytest.approx(20, abs=5)  # rendered in float32, steered in the faster precision
    assert done.after["age"] - done.before["age"] == pytest.approx(20, abs=4)  # the tolerance of ages
    assert after.smile == pytest.approx(before.smile, abs=0.25)
    assert after.yaw == pytest.approx(before.yaw, abs=4)
    assert done.person.provenance["edits"][0]["wishes"] == {"age": 20}
    assert 0.3 < done.identity < 1


def test_edits_are_undone_exactly(studio, person):
    twice = studio.edit(studio.edit(person, {"age": -10}).person, {"smile": 0.1}).person
    assert len(twice.provenance["edits"]) == 2
    assert np.array_equal(twice.unedited.w_plus.numpy(), person.w_plus.numpy())


def test_an_edit_stops_to_keep_the_identity(studio, person):
    done = studio.edit(person, {"age": 40}, keep_identity=0.9)
    assert done.identity >= 0.9
    assert done.after["age"] < done.before["age"] + 40


def test_every_face_of_a_photo_is_read(studio, portrait):
    (face,) = studio.analyze(open_photo(portrait))  # Eileen Collins, 42, smiling
    assert 28 < face.attributes.age < 56
    assert face.attributes.smile > 0.8
    assert face.attributes.gender < 0.3
    assert face.attributes.glasses < 0.2
    assert abs(face.attributes.yaw) < 20


def test_a_picture_without_a_face_is_rejected(studio):
    with pytest.raises(NoFaceFound):
        studio.encode(Photo(Image.new("RGB", (300, 200), "teal")))


def test_the_same_on_the_command_line(portrait, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(app, ["encode", str(portrait), "--steps", "2", "-o", "p.likeness", "--json"])
    assert run.exit_code == 0, run.output
    facts = json.loads(run.stdout)
    assert {"lpips", "mse", "seconds", "steps", "face"} <= facts.keys()
    options = ["--age", "+20", "--smile", "1", "--paste-into", str(portrait), "-o", "out.png"]
    assert CliRunner().invoke(app, ["edit", "p.likeness", *options]).exit_code == 0
    with Image.open("out.png") as picture:
        assert picture.size == (512, 512)
        assert "compositeWithTrainedAlgorithmicMedia" in str(picture.info)
    run = CliRunner().invoke(app, ["analyze", str(portrait), "missing.jpg", "--json"])
    assert run.exit_code == 1  # of the missing one
    read = json.loads(run.stdout)
    assert {"photo", "box", "age", "smile", "yaw"} <= read["faces"][0].keys()
    assert [error["photo"] for error in read["errors"]] == ["missing.jpg"]
    run = CliRunner().invoke(app, ["detect", str(portrait), "--json"])
    assert [len(entry["faces"]) for entry in json.loads(run.stdout)["photos"]] == [1]
    assert CliRunner().invoke(app, ["align", str(portrait), "--size", "256", "-o", "a.webp"]).exit_code == 0


@pytest.fixture(scope="module")
def tuned(studio: Studio, portrait: Path) -> Likeness:
    return studio.encode(portrait, config=EncodeConfig(seconds=None, steps=14))


def test_tuning_comes_closer_and_fits_the_file(studio, portrait, tuned, tmp_path):
    assert tuned.provenance["method"] == "tune"
    assert tuned.delta
    plain = studio.encode(portrait, config=EncodeConfig(None, 6, tune=False))
    assert plain.provenance["method"] == "optimize"
    assert tuned.quality["lpips"] < plain.quality["lpips"]
    tuned.save(tmp_path / "p.likeness")
    assert (tmp_path / "p.likeness").stat().st_size < 3e6
    back = studio.load(tmp_path / "p.likeness")
    assert np.array_equal(np.asarray(studio.render(back, 256)), np.asarray(studio.render(tuned, 256)))


def test_edits_and_morphs_use_the_tuned_generator(studio, tuned):
    done = studio.edit(tuned, {"age": 10})
    assert done.person.delta.keys() == tuned.delta.keys()
    assert done.after["age"] == pytest.approx(done.before["age"] + 10, abs=3)
    film = list(studio.morph([tuned, studio.generate(1)], 2, size=128))
    first, last = (np.asarray(studio.render(p, 128), float) for p in (tuned, studio.generate(1)))
    assert np.abs(film[0] - first).mean() < 3  # bf16
    assert np.abs(film[-1] - last).mean() < 3


def test_every_face_of_a_photo_is_encoded(studio, portrait):
    one = open_photo(portrait).image
    both = Image.new("RGB", (1024, 512))
    both.paste(one, (0, 0))
    both.paste(one, (512, 0))
    people = list(studio.encode_all(Photo(both), EncodeConfig(None, 1, tune=False)))
    assert [person.provenance["face"]["number"] for person in people] == [0, 1]
    assert people[0].quality["identity"] > 0.3


def test_many_photos_on_the_command_line(portrait, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "in" / "good.png").write_bytes(portrait.read_bytes())
    run = CliRunner().invoke(app, ["encode", "in", "--steps", "1", "-o", "out", "--json"])
    assert run.exit_code == 1  # of the bad one
    facts = json.loads(run.stdout)
    assert [len(facts[key]) for key in ("people", "failed", "skipped")] == [1, 1, 0]
    assert facts["people"][0]["quality"] in ("poor", "fair", "good", "excellent")
    again = json.loads(CliRunner().invoke(app, ["encode", "in", "--steps", "1", "-o", "out", "--json"]).stdout)
    assert [len(again[key]) for key in ("people", "failed", "skipped")] == [0, 1, 1]


@pytest.mark.parametrize("image", ["noise", "black", "half a face"])
def test_images_without_a_face_give_finite_numbers_and_a_poor_rating(studio, tuned, image):
    import torch

    from faceloom.invert.budget import MIN_STEPS_TO_TUNE
    from faceloom.invert.quality import rate_quality

    torch.manual_seed(0)
    img = {"noise": torch.rand(1, 3, 256, 256) * 2 - 1, "black": -torch.ones(1, 3, 256, 256)}.get(image)
    if img is None:
        img = torch.from_numpy(np.asarray(studio.render(tuned, 256)).copy()).permute(2, 0, 1)[None] / 127.5 - 1
        img[..., 100:] = 1.0
    inversion = studio.invert(img, EncodeConfig(None, MIN_STEPS_TO_TUNE))
    assert all(torch.isfinite(tensor).all() for tensor in (inversion.w_plus, *inversion.delta.values()))
    assert np.isfinite([*inversion.lpips, *inversion.mse]).all()
    if image == "noise":
        assert rate_quality({"lpips": inversion.lpips[0], "identity": 0.0}) == "poor"


def test_a_turn_comes_before_the_other_changes_of_an_edit(studio, person):
    done = studio.edit(person, {"smile": 0.2, "yaw": 12.0})
    wishes = [edit["wishes"] for edit in done.person.provenance["edits"]]
    assert wishes in ([{"yaw": 12.0}, {"smile": 0.2}], [{"smile": 0.2, "yaw": 12.0}])  # or both at once, within bounds
    assert done.reached["yaw"] == pytest.approx(12, abs=4)
    assert done.before["smile"] == pytest.approx(studio.measure(person)["smile"], abs=0.05)
    assert 0.3 < done.identity < 1
    assert done.kept == (not done.limited_by)
    kept = studio.edit(person, {"smile": 0.2, "yaw": 12.0}, keep_identity=0.9)
    assert kept.identity >= 0.9
    with pytest.raises(LatentError, match="smle"):
        studio.edit(person, {"smle": 0.2, "yaw": 12.0})


def test_a_turn_holds_other_attributes(studio, person):
    done = studio.edit(person, {"yaw": -15.0})
    assert done.kept, done.limited_by
    assert done.reached["yaw"] == pytest.approx(-15, abs=3)
    assert abs(done.after["age"] - done.before["age"]) <= 4
    assert abs(done.after["smile"] - done.before["smile"]) <= 0.15
