"""Verification: every layer of every format is read back, and what was stripped or changed is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.edit.film import save_film
from faceloom.errors import ImageError, StoreError
from faceloom.images import save_picture
from faceloom.images.save import save_animation
from faceloom.likeness import Likeness
from faceloom.marks.origin import Origin
from faceloom.marks.signatures import SUFFIX, sign_files
from faceloom.sounds.save import save_sound
from faceloom.sounds.spectrogram import Sound
from faceloom.workflows.verify import Verification, verify_bytes, verify_file, verify_folder
from tests.marks.test_watermark import make_scene

pytest.importorskip("c2pa")
ORIGIN = Origin("abcde" + "0" * 59, "tiny", "12" * 32, is_edited=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set an empty FACELOOM_HOME."""
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))


def save(path: Path, side: int = 512, **options: bool) -> Path:
    return save_picture(make_scene(side), path, ai_generated=True, origin=ORIGIN, **options)


def states(found: Verification) -> list[str]:
    return [layer.state for layer in found.layers]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("composite", [False, True])
def test_a_saved_picture_has_all_layers(tmp_path: Path, suffix: str, composite: bool):
    found = verify_file(save(tmp_path / f"a{suffix}", composite=composite))
    assert (found.verdict, states(found)) == ("marked", ["present"] * 3)
    assert (found.kind, found.generator) == ("composite" if composite else "edited", ORIGIN.generator)
    assert found.facts["layers"][2]["detail"].endswith("signed by this installation")


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_a_film_has_all_layers(tmp_path: Path, suffix: str):
    if suffix == ".mp4":
        pytest.importorskip("av")
    scene = make_scene(400)
    frames = [np.asarray(scene.crop((i, 0, 384 + i, 384))) for i in range(14)]
    found = verify_file(save_film(frames, tmp_path / f"a{suffix}", 24, origin=ORIGIN))
    assert (found.verdict, states(found)) == ("marked", ["present"] * 3)


def test_an_uploaded_film_is_read_as_its_file(tmp_path: Path):
    pytest.importorskip("av")
    path = save_film([np.asarray(make_scene(384))] * 5, tmp_path / "a.mp4")
    found = verify_bytes(path.read_bytes(), "upload")
    assert (found.name, found.verdict) == ("upload", "marked")


def test_a_training_film_has_all_layers(tmp_path: Path):
    path = save_animation([make_scene(384, seed) for seed in range(3)], tmp_path / "a.webp", [100, 100, 500])
    assert verify_file(path).verdict == "marked"


def test_a_picture_without_marks(tmp_path: Path):
    path = save_picture(make_scene(256), tmp_path / "a.jpg", ai_generated=False)
    assert (verify_file(path).verdict, states(verify_file(path))) == ("unmarked", ["missing"] * 3)


def test_marks_of_another_program(tmp_path: Path):
    path = tmp_path / "a.jpg"
    make_scene(256).save(path, xmp=b"DigitalSourceType>trainedAlgorithmicMedia<")
    assert verify_file(path).verdict == "marked by another program"


def test_stripped_metadata_leave_the_watermark(tmp_path: Path):
    with Image.open(save(tmp_path / "a.png")) as image:
        image.convert("RGB").save(tmp_path / "b.jpg", quality=80)
    found = verify_file(tmp_path / "b.jpg")
    assert (found.verdict, states(found)) == ("incomplete", ["missing", "present", "missing"])
    assert (found.kind, found.generator) == ("edited", "abcde")


def test_a_cut_manifest_is_told(tmp_path: Path):
    with Image.open(save(tmp_path / "a.webp")) as image:
        image.save(tmp_path / "b.webp", xmp=image.info["xmp"], quality=90)
    found = verify_file(tmp_path / "b.webp")
    assert found.verdict == "tampered"
    assert found.layers[2].detail == "the file was signed, and the manifest was cut out"


def test_changed_pixels_are_told(tmp_path: Path):
    path = save(tmp_path / "a.jpg")
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    found = verify_bytes(bytes(data), "changed")
    assert (found.verdict, found.layers[2].state) == ("tampered", "tampered")


def test_a_manifest_of_another_picture_is_told(tmp_path: Path):
    """The credentials of one generator on the pixels of another do not agree with the watermark."""
    marked = Image.open(save(tmp_path / "a.png")).convert("RGB")
    other = Origin("12345" + "0" * 59)
    path = save_picture(marked, tmp_path / "b.png", ai_generated=False)
    from faceloom.marks.credentials import sign

    found = verify_bytes(sign(path.read_bytes(), "image/png", other, "generated"), "b")
    assert (found.verdict, found.layers[1].state) == ("tampered", "tampered")


def test_likenesses_and_generators(tmp_path: Path):
    person = tmp_path / "a.likeness"
    Likeness(torch.zeros(1, 8, 16), "0" * 64, "tiny").save(person)
    assert (verify_file(person).verdict, verify_file(person).kind) == ("marked", "likeness")
    changed = person.read_bytes().replace(b"tiny", b"tinz")
    assert verify_bytes(changed, "changed").verdict == "tampered"
    (tmp_path / "G.onnx").write_bytes(b"weights")
    sign_files([tmp_path / "G.onnx"], tmp_path / f"G{SUFFIX}", {})
    assert verify_file(tmp_path / f"G{SUFFIX}").verdict == "marked"
    (tmp_path / "G.onnx").write_bytes(b"others")
    found = verify_file(tmp_path / f"G{SUFFIX}")
    assert (found.verdict, found.layers[0].detail) == ("tampered", "G.onnx changed")


def test_a_folder_is_verified_and_bad_files_are_named(tmp_path: Path):
    folder = tmp_path / "folder"
    save(folder / "deep" / "a.png")
    shutil.copy(folder / "deep" / "a.png", folder / "b.PNG")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (folder / "notes.txt").write_text("not verified")
    verdicts = {Path(found.name).name: found.verdict for found in verify_folder(folder)}
    assert verdicts == {"a.png": "marked", "b.PNG": "marked", "broken.jpg": "unreadable"}


def test_files_that_cannot_be_verified(tmp_path: Path):
    with pytest.raises(StoreError):
        verify_file(tmp_path / "absent.png")
    with pytest.raises(StoreError):
        list(verify_folder(tmp_path / "absent"))
    (tmp_path / "a.txt").write_text("some text")
    with pytest.raises(ImageError, match="no picture, film, sound, likeness or style"):
        verify_file(tmp_path / "a.txt")


def save_tone(path: Path, *, ai_generated: bool = True) -> Path:
    levels = np.sin(np.arange(8000) / 5).astype(np.float32)
    return save_sound(Sound(levels, 8000), path, ai_generated=ai_generated, origin=ORIGIN)


def test_a_generated_sound_has_both_layers(tmp_path: Path):
    found = verify_file(save_tone(tmp_path / "a.wav"))
    assert (found.verdict, found.generator) == ("marked", ORIGIN.generator)
    assert [(layer.name, layer.state) for layer in found.layers] == [
        ("metadata", "present"),
        ("credentials", "present"),
    ]
    assert found.layers[0].detail == "trainedAlgorithmicMedia"


def test_a_sound_without_marks(tmp_path: Path):
    found = verify_file(save_tone(tmp_path / "a.wav", ai_generated=False))
    assert (found.verdict, states(found)) == ("unmarked", ["missing"] * 2)


def test_a_sound_that_was_changed(tmp_path: Path):
    path = save_tone(tmp_path / "a.wav")
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])  # one bit of one sample
    found = verify_file(path)
    assert (found.verdict, states(found)) == ("tampered", ["present", "tampered"])
    assert found.layers[1].detail == "the file or its metadata changed after it was signed"


def test_a_sound_whose_manifest_was_cut_out(tmp_path: Path):
    path = save_tone(tmp_path / "a.wav")
    whole = path.read_bytes()
    at = whole.index(b"C2PA")
    path.write_bytes(whole[:at] + whole[at + 8 + int.from_bytes(whole[at + 4 : at + 8], "little") :])
    found = verify_file(path)
    assert (found.verdict, states(found)) == ("tampered", ["present", "tampered"])


def test_sounds_of_a_folder_are_verified(tmp_path: Path):
    save_tone(tmp_path / "sounds" / "a.wav")
    save(tmp_path / "sounds" / "b.png", 256)
    (tmp_path / "sounds" / "c.wav").write_bytes(b"RIFF")
    verdicts = [found.verdict for found in verify_folder(tmp_path / "sounds")]
    assert verdicts == ["marked", "marked", "unreadable"]
