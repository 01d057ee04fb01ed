"""Marks of origin: written by faceloom and by others, in every format, and absent from plain pictures."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from faceloom.images import open_photo, save_picture
from faceloom.marks.source_type import AI_SOURCE_TYPES, LAYERS, Marks, is_ai_source_type, read_marks

PICTURE = Image.new("RGB", (64, 64), (90, 120, 80))
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("composite", [False, True])
def test_our_own_marks_are_read(tmp_path: Path, ending: str, composite: bool) -> None:
    path = save_picture(PICTURE, tmp_path / f"a{ending}", ai_generated=True, composite=composite)
    kind = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
    marks = open_photo(path).marks
    assert (marks.source_type, marks.layers) == (kind, LAYERS)
    assert marks.has_credentials
    assert open_photo(save_picture(PICTURE, tmp_path / f"b{ending}", ai_generated=False)).marks == Marks()


@pytest.mark.parametrize(
    ("text", "source_type"),
    [
        (f'Iptc4xmpExt:DigitalSourceType="{IPTC}trainedAlgorithmicMedia"', "trainedAlgorithmicMedia"),
        (f"<Iptc4xmpExt:DigitalSourceType>{IPTC}digitalCapture</Iptc4xmpExt:DigitalSourceType>", "digitalCapture"),
        (f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{IPTC}compositeSynthetic"/>', "compositeSynthetic"),
        ("<Iptc4xmpExt:DigitalSourceType>trainedAlgorithmicMedia<", "trainedAlgorithmicMedia"),
        (f"qdigitalSourceTypexF{IPTC}trainedAlgorithmicMedia\0", "trainedAlgorithmicMedia"),
        ('"digitalSourceType": "http://c2pa.org/digitalsourcetype/trainedAlgorithmicData"', "trainedAlgorithmicData"),
        (f"{IPTC}digitalCapture {IPTC}compositeWithTrainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"),
        ("no mark: digitalSourceType, digitalsourcetype", ""),
    ],
)
def test_marks_of_others(text: str, source_type: str) -> None:
    assert read_marks(text.encode()) == Marks(source_type)
    assert read_marks(b"", text) == Marks(source_type)
    assert is_ai_source_type(source_type) == (source_type not in ("", "digitalCapture"))


def test_compressed_metadata_of_a_png() -> None:
    info, file = PngInfo(), io.BytesIO()
    info.add_itxt("XML:com.adobe.xmp", f"DigitalSourceType>{IPTC}trainedAlgorithmicMedia<", zip=True)
    PICTURE.save(file, "PNG", pnginfo=info)
    assert b"trainedAlgorithmicMedia" not in file.getvalue()
    assert open_photo(file.getvalue()).marks == Marks("trainedAlgorithmicMedia")


def test_content_credentials() -> None:
    assert read_marks(b"\xff\xeb\0\x20JP\0\1jumb\0\0\0\x1ejumdc2pa\0\x11") == Marks("", has_credentials=True)


def test_reading_is_fast_and_tolerates_any_bytes() -> None:
    start = time.process_time()
    read_marks(b"digitalSourceType>http://" * 400_000)
    read_marks(b"\xff\xd8" + bytes(64 << 20), "\ud800")
    assert time.process_time() - start < 10
    assert all(is_ai_source_type(kind.upper()) for kind in AI_SOURCE_TYPES)
