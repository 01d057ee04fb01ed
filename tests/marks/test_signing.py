"""The local key, content credentials and signed cards: made offline, checked, and tampering is noticed."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from faceloom.errors import StoreError
from faceloom.images import save_picture
from faceloom.images.save import encode_picture
from faceloom.likeness import Likeness
from faceloom.marks import keys, signatures
from faceloom.marks.credentials import make_manifest, read_credentials
from faceloom.marks.origin import KINDS, Kind, Origin

pytest.importorskip("c2pa")

PICTURE = Image.linear_gradient("L").resize((128, 128)).convert("RGB")
ORIGIN = Origin("ab" * 32, "tiny", "cd" * 32, is_edited=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set an empty FACELOOM_HOME."""
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    keys.warn_once.cache_clear()
    return tmp_path / "home"


def make_likeness() -> Likeness:
    return Likeness(torch.zeros(1, 8, 16), "0" * 64, "tiny")


def test_the_key_is_made_once_and_is_private(home: Path):
    key = keys.load_signing_key()
    assert keys.load_signing_key() == key
    assert (home / "keys" / keys.KEY_FILE).stat().st_mode & 0o077 == 0
    assert "PRIVATE" not in (home / "keys" / keys.CHAIN_FILE).read_text()
    assert key.chain.count("BEGIN CERTIFICATE") == 2


def test_a_damaged_key_is_told_and_pictures_are_still_saved(home: Path, caplog: pytest.LogCaptureFixture):
    (home / "keys").mkdir(parents=True)
    (home / "keys" / keys.KEY_FILE).write_text("broken")
    (home / "keys" / keys.CHAIN_FILE).write_text("broken")
    with pytest.raises(StoreError, match="damaged"):
        keys.load_signing_key()
    with caplog.at_level(logging.WARNING):
        data = [encode_picture(PICTURE, "a.png", ai_generated=True) for _ in range(2)]
    assert len(caplog.records) == 1
    assert b"trainedAlgorithmicMedia" in data[0]
    assert read_credentials(data[0], "image/png").state == "none"


def test_without_the_extra_two_layers_are_written_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with caplog.at_level(logging.WARNING):
        data = encode_picture(PICTURE, "a.jpg", ai_generated=True)
    assert "faceloom[credentials]" in caplog.text
    assert b"metadata watermark<" in data
    assert signatures.sign_tensors(b"unchanged") == b"unchanged"


@pytest.mark.parametrize(("name", "mime"), [("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.webp", "image/webp")])
@pytest.mark.parametrize("composite", [False, True])
def test_credentials_are_valid_and_say_what_was_done(name: str, mime: str, composite: bool):
    found = read_credentials(encode_picture(PICTURE, name, ai_generated=True, composite=composite, origin=ORIGIN), mime)
    assert (found.state, found.reasons, found.is_ours) == ("valid", (), True)
    assert (found.photo, found.generator) == (ORIGIN.photo, ORIGIN.generator)
    assert found.actions[0] == ("c2pa.opened" if composite else "c2pa.created")
    assert "c2pa.edited" in found.actions
    assert found.source_type == ("compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("origin", [Origin(), ORIGIN])
def test_manifests_hold_no_picture_and_no_address(kind: Kind, origin: Origin):
    text = json.dumps(make_manifest(origin, kind))
    assert "thumbnail" not in text
    assert text.count("http") == text.count("http://cv.iptc.org")


def test_a_changed_pixel_and_a_changed_word_are_told():
    data = bytearray(encode_picture(PICTURE, "a.jpg", ai_generated=True, origin=ORIGIN))
    pixel = bytearray(data)
    pixel[-40] ^= 1
    assert read_credentials(bytes(pixel), "image/jpeg").state == "invalid"
    word = data.replace(b"CreatorTool>faceloom", b"CreatorTool>facelook")
    found = read_credentials(bytes(word), "image/jpeg")
    assert (found.state, found.reasons) == ("invalid", ("the file or its metadata changed after it was signed",))
    cut = data.replace(b"c2pa.edited", b"c2pa.hidden")
    assert read_credentials(bytes(cut), "image/jpeg").state == "invalid"


def test_another_installation_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = encode_picture(PICTURE, "a.png", ai_generated=True)
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "other"))
    found = read_credentials(data, "image/png")
    assert (found.state, found.is_ours) == ("valid", False)


def test_garbage_has_no_credentials():
    buffer = io.BytesIO()
    PICTURE.save(buffer, "JPEG")
    assert read_credentials(buffer.getvalue(), "image/jpeg").state == "none"
    broken = buffer.getvalue()[:20] + b"\xff\xeb\x00\x20JP\x00\x01jumb" + bytes(40)
    assert read_credentials(broken, "image/jpeg").state in ("none", "invalid")


def test_a_likeness_is_signed_and_still_loads(tmp_path: Path):
    path = tmp_path / "a.likeness"
    make_likeness().save(path)
    assert Likeness.load(path).generator_name == "tiny"
    check = signatures.check_tensors(path.read_bytes())
    assert (check.state, check.is_ours) == ("valid", True)


@pytest.mark.parametrize(("old", "new"), [(b"tiny", b"tinz"), (bytes(64), b"\1" + bytes(63))])
def test_a_changed_likeness_is_told(tmp_path: Path, old: bytes, new: bytes):
    path = tmp_path / "a.likeness"
    make_likeness().save(path)
    changed = path.read_bytes().replace(old, new, 1)
    assert changed != path.read_bytes()
    check = signatures.check_tensors(changed)
    assert (check.state, check.reasons) == ("invalid", ("the content changed after it was signed",))


def test_an_exported_generator_is_signed(tmp_path: Path):
    for name in ("G.onnx", "G.json"):
        (tmp_path / name).write_text(name)
    target = tmp_path / f"G{signatures.SUFFIX}"
    signatures.sign_files([tmp_path / "G.onnx", tmp_path / "G.json"], target, {"generator": "tiny"})
    assert signatures.check_files(target).state == "valid"
    (tmp_path / "G.json").write_text("other")
    assert signatures.check_files(target).reasons == ("G.json changed",)
    (tmp_path / "G.json").unlink()
    assert signatures.check_files(target).reasons == ("G.json is missing",)
    card = json.loads(target.read_text()) | {"generator": "another"}
    target.write_text(json.dumps(card))
    assert "the content changed after it was signed" in signatures.check_files(target).reasons


def test_files_below_a_card_are_checked_and_others_are_not_read(tmp_path: Path):
    folder = tmp_path / "made"
    (folder / "directions").mkdir(parents=True)
    for path in (folder / "directions" / "age", tmp_path / "age"):
        path.write_text("age")
    target = folder / f"G{signatures.SUFFIX}"
    signatures.sign_files([folder / "directions" / "age"], target, {})
    assert signatures.check_files(target).state == "valid"
    outside = target.read_text().replace("directions/age", "directions/../../age")
    target.write_text(outside)
    assert "age is missing" in signatures.check_files(target).reasons


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"signature": 1, "files": 3}', "\0"])
def test_a_file_that_is_no_signature_is_refused(tmp_path: Path, text: str):
    path = tmp_path / f"a{signatures.SUFFIX}"
    path.write_text(text)
    with pytest.raises(StoreError, match="not a signature"):
        signatures.check_files(path)
    with pytest.raises(StoreError):
        signatures.check_tensors(text.encode())


def test_unsigned_and_broken_signatures(tmp_path: Path):
    path = tmp_path / "a.likeness"
    make_likeness().save(path)
    content = path.read_bytes()
    broken = content.replace(b"ES256", b"ES999")
    assert signatures.check_tensors(broken).state == "invalid"
    assert save_picture(PICTURE, tmp_path / "a.png", ai_generated=False).read_bytes().find(b"c2pa") == -1
