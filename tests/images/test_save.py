"""Saving of pictures: atomic, without the source's metadata, with the mark of AI-generated pictures."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from faceloom.errors import ImageError, StoreError
from faceloom.images import open_photo, save_picture, to_img
from faceloom.marks.source_type import make_xmp
from tests.images.icc_profiles import P3, make_rgb_profile

SUFFIXES = (".png", ".jpg", ".JPEG", ".webp")


def make_photo() -> Image.Image:
    """Return a picture with metadata that must not be saved: a location, a comment, a profile."""
    image = Image.linear_gradient("L").resize((80, 64)).convert("RGB")
    image.info = {"comment": b"secret place", "icc_profile": make_rgb_profile(P3, 2.2)}
    exif = image.getexif()
    exif[0x010E] = "secret place"
    image.info["exif"] = exif.tobytes()
    return image


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_pixels_are_saved(tmp_path: Path, suffix: str) -> None:
    path = save_picture(make_photo(), tmp_path / f"out{suffix}", ai_generated=False)
    data = path.read_bytes()
    assert b"secret" not in data
    assert b"trainedAlgorithmicMedia" not in data
    with Image.open(path) as image:
        assert "icc_profile" not in image.info
        assert not image.getexif()
    reopened = np.asarray(open_photo(path).image).astype(int)
    assert np.abs(reopened - np.asarray(make_photo())).max() <= (0 if suffix == ".png" else 6)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("composite", "kind"), [(False, "trainedAlgorithmicMedia"), (True, "compositeWithTrainedAlgorithmicMedia")]
)
def test_ai_mark(tmp_path: Path, suffix: str, composite: bool, kind: str) -> None:
    path = save_picture(to_img(make_photo()), tmp_path / f"out{suffix}", ai_generated=True, composite=composite)
    with Image.open(path) as image:
        packet = image.info["xmp"]
    root = ElementTree.fromstring(re.sub(r"<\?xpacket.*?\?>", "", packet.decode()).strip())
    (source,) = root.iter("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert source.text == f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"


def test_description_is_escaped() -> None:
    packet = make_xmp("generated", '<b>"Ada" & Bob\0\x1b</b> 🙂').decode()
    root = ElementTree.fromstring(re.sub(r"<\?xpacket.*?\?>", "", packet).strip())
    (text,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
    assert text.text == '<b>"Ada" & Bob</b> 🙂'
    assert make_xmp(None) == b""


@pytest.mark.parametrize("name", ["out.gif", "out", "out.tiff", ".png"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match=r"\.png"):
        save_picture(make_photo(), tmp_path / name, ai_generated=False)
    assert not list(tmp_path.iterdir())


def test_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"before")

    def fail(draft: Path, data: bytes) -> None:
        with draft.open("wb") as file:
            file.write(data[:4])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(StoreError, match="disk"):
        save_picture(make_photo(), path, ai_generated=False)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]


def test_folders_are_created(tmp_path: Path) -> None:
    assert save_picture(make_photo(), tmp_path / "a" / "b" / "out.png", ai_generated=False).exists()
