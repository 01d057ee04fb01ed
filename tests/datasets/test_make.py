"""Tests of making datasets: one size, labels, duplicates and broken pictures."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloom.datasets import Dataset, MakeConfig, SourceConfig, TableConfig, inspect, make
from faceloom.datasets.crops import make_crop
from faceloom.datasets.labels import encode_labels
from faceloom.errors import ImageError, StoreError
from faceloom.images import save_picture
from tests.datasets.picture_files import encode_image, make_folder, make_picture, make_tar, make_zip, nvidia_table

SQUARE = MakeConfig((64, 64))


def portraits(folder: Path) -> Path:
    """Make a folder as a new user has it: pictures of all kinds, and files that are not pictures."""
    base = make_picture(1, (160, 120))
    turned = Image.Exif()
    turned[0x112] = 6
    return make_folder(
        folder,
        {
            "a.png": base,
            "b.jpg": encode_image(make_picture(2, (120, 160)), "JPEG"),
            "cmyk.jpg": encode_image(make_picture(3, (160, 120)).convert("CMYK"), "JPEG"),
            "copy.webp": encode_image(base, "WEBP", lossless=True),
            "dot.png": Image.new("RGB", (1, 1)),
            "half.png": encode_image(make_picture(4))[:-400],
            "resaved.jpg": encode_image(base.resize((240, 180)), "JPEG", quality=80),
            "text.jpg": "not a picture",
            "turned.jpg": encode_image(
                make_picture(5, (160, 120)).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=turned
            ),
        },
    )


def test_mixed_folder(tmp_path: Path):
    made = make(portraits(tmp_path / "p"), tmp_path / "d.zip", SQUARE)
    assert made.written == 6
    assert dict(made.skipped).keys() == {"dot.png", "half.png", "text.jpg"}
    finder = {match.name: (match.of, match.levels == 0) for match in made.duplicates}
    assert finder == {"copy.webp": ("a.png", True), "resaved.jpg": ("a.png", False)}
    dataset = Dataset.open(tmp_path / "d.zip")
    assert (len(dataset), dataset.resolution, dataset.c_dim, dataset.num_classes) == (6, (64, 64), 0, 0)
    upright = np.asarray(make_crop((64, 64), "center")(make_picture(5, (160, 120)))[0], float)
    assert np.abs(dataset[5][0] - upright).mean() < 3
    kept = make(tmp_path / "p", tmp_path / "e.zip", MakeConfig((64, 64), drop_duplicates=True))
    assert kept.written == 4


def test_same_source_gives_the_same_bytes(tmp_path: Path):
    source = portraits(tmp_path / "p")
    for name in ("a.zip", "b.zip"):
        make(source, tmp_path / name, SQUARE)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_layout_matches_nvidias(tmp_path: Path):
    """Check names, order, stored members, RGB PNGs and labels as NVIDIA's trainers read them, with Pillow only."""
    make(
        make_folder(tmp_path / "p", {"cat/a.png": make_picture(1), "dog/b.png": make_picture(2)}),
        tmp_path / "d.zip",
        MakeConfig((64, 64), source=SourceConfig(labels="folders")),
    )
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        assert archive.namelist() == ["00000/img00000000.png", "00000/img00000001.png", "dataset.json"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        image = Image.open(io.BytesIO(archive.read("00000/img00000000.png")))
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 64))
        table = json.loads(archive.read("dataset.json"))
    assert table["labels"] == [["00000/img00000000.png", 0], ["00000/img00000001.png", 1]]
    assert table["faceloom"]["classes"] == ["cat", "dog"]


def test_licenses_classes_and_origins_survive_remaking(tmp_path: Path):
    make_zip(tmp_path / "p.zip", {"a.png": make_picture(1), "b.png": make_picture(2), "c.png": make_picture(3)})
    (tmp_path / "p.csv").write_text("file,label,licence,origin\na.png,x,CC0,here\nb.png,y,MIT,there\nc.png,,,\n")
    first = make(tmp_path / "p.zip", tmp_path / "1.zip", SQUARE)
    assert first.skipped == [("c.png", "it has no label")]
    make(tmp_path / "1.zip", tmp_path / "2.zip", MakeConfig((32, 32)))
    card = Dataset.open(tmp_path / "2.zip").card
    assert card["classes"] == ["x", "y"]
    assert [(row["licence"], row["origin"]) for row in card["images"]] == [("CC0", "here"), ("MIT", "there")]


def test_rectangular_datasets(tmp_path: Path):
    source = make_folder(tmp_path / "p", {"a.png": make_picture(1, (128, 96)), "b.png": make_picture(2, (96, 128))})
    made = make(source, tmp_path / "d.zip", MakeConfig((64, 48), "none"))
    assert [name for name, _ in made.skipped] == ["b.png"]
    assert Dataset.open(tmp_path / "d.zip")[0][0].shape == (48, 64, 3)
    assert make(source, tmp_path / "e.zip", MakeConfig((64, 48), "center")).written == 2
    with pytest.raises(ImageError, match="squares"):
        make(source, tmp_path / "f.zip", MakeConfig((64, 48), "face"))


def test_a_centre_crop_cuts_evenly():
    stripes = np.zeros((40, 100, 3), np.uint8)
    stripes[:, 30:70] = 255
    cut, scale = make_crop((40, 40), "center")(Image.fromarray(stripes))
    assert np.asarray(cut).min() == 255
    assert scale == 1


def test_small_pictures_are_skipped_or_enlarged(tmp_path: Path):
    source = make_folder(tmp_path / "p", {"a.png": make_picture(1, (40, 40)), "b.png": make_picture(2, (31, 31))})
    made = make(source, tmp_path / "d.zip", SQUARE)
    assert (made.written, made.enlarged, made.skipped[0][0]) == (1, 1, "b.png")


def test_small_pictures_are_enlarged_on_request(tmp_path: Path):
    small = {"a.png": make_picture(1, (31, 31)), "b.png": make_picture(2, (5, 5)), "c.png": make_picture(3, (3, 3))}
    source = make_folder(tmp_path / "p", small | {"d.png": make_picture(4)})
    off = make(source, tmp_path / "d.zip", SQUARE)
    assert (off.written, len(off.skipped)) == (1, 3)
    assert off.notes == ["3 pictures are left out: use larger pictures, a smaller resolution, or --enlarge"]
    on = make(source, tmp_path / "e.zip", MakeConfig((64, 64), enlarge=True))
    assert (on.written, on.enlarged) == (3, 2)
    assert on.skipped == [("c.png", "it is too small (3 x 3 px): it would be enlarged 21.3 times, expected at most 16")]
    assert make_crop((64, 64), "none", enlarge=True)(make_picture(1, (20, 20)))[0].size == (64, 64)


def test_tiff_and_bmp_on_request(tmp_path: Path):
    files = {f"{kind}.{kind}": encode_image(make_picture(i), kind) for i, kind in enumerate(("bmp", "tiff", "png"))}
    source = make_folder(tmp_path / "p", files)
    off = make(source, tmp_path / "d.zip", SQUARE)
    assert (off.written, off.notes) == (
        1,
        ["2 pictures are left out: TIFF and BMP files are read with --also tiff,bmp"],
    )
    for also, count in ((["TIFF"], 2), (["TIFF", "BMP"], 3)):
        made = make(source, tmp_path / "e.zip", MakeConfig((64, 64), source=SourceConfig(also=also)))
        assert made.written == count
    tar = make_tar(tmp_path / "s.tar", files | {"bmp.cls": "0", "tiff.cls": "1", "png.cls": "1"})
    assert make(tar, tmp_path / "f.zip", MakeConfig((64, 64), source=SourceConfig(also=["TIFF", "BMP"]))).written == 3


def test_marks_of_ai_are_carried_through(tmp_path: Path):
    marked = save_picture(make_picture(1), tmp_path / "ai.png", ai_generated=True).read_bytes()
    part = save_picture(make_picture(2), tmp_path / "part.jpg", ai_generated=True, composite=True).read_bytes()
    credentials = (
        encode_image(make_picture(4), "JPEG")
        + b"jumdc2pa http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    )
    table = "file_name,digitalSourceType,split\ntable.png,trainedAlgorithmicMedia,train\n"
    source = make_folder(
        tmp_path / "p",
        {
            "ai.png": marked,
            "camera.jpg": credentials,
            "part.jpg": part,
            "plain.png": make_picture(5),
            "table.png": make_picture(6),
            "metadata.csv": table,
        },
    )
    made = make(source, tmp_path / "1.zip", SQUARE)
    assert made.ai_marked == 3
    assert "3 of 5 pictures are marked as made by AI" in made.notes
    make(tmp_path / "1.zip", tmp_path / "2.zip", MakeConfig((32, 32)))
    for name in ("1.zip", "2.zip"):
        dataset = Dataset.open(tmp_path / name)
        assert [row.get("digitalSourceType") for row in dataset.card["images"]] == [
            "trainedAlgorithmicMedia",
            "digitalCapture",
            "compositeWithTrainedAlgorithmicMedia",
            None,
            "trainedAlgorithmicMedia",
        ]
        found = inspect(dataset)
        assert (found.ai_marked, found.credentials, found.splits) == (3, 3, {"train": 1})


def test_no_usable_picture_leaves_no_file(tmp_path: Path):
    with pytest.raises(StoreError, match="no picture of"):
        make(make_folder(tmp_path / "p", {"a.png": "text"}), tmp_path / "d.zip", SQUARE)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_encode_labels():
    assert encode_labels([2, 0]).values == [2, 0]
    named = encode_labels(["b", "a", 7])
    assert (named.values, named.classes) == ([2, 1, 0], ["7", "a", "b"])
    assert encode_labels([(0.5, 1.0), (0.0, 2.0)]).values == [[0.5, 1.0], [0.0, 2.0]]
    with pytest.raises(ValueError, match="vectors"):
        encode_labels([(0.5,), 3])


def test_limit_and_label_column(tmp_path: Path):
    source = make_zip(
        tmp_path / "z.zip",
        {f"{i}.png": make_picture(i) for i in range(5)}
        | {"dataset.json": nvidia_table({f"{i}.png": i for i in range(5)})},
    )
    made = make(
        source, tmp_path / "d.zip", MakeConfig((32, 32), source=SourceConfig(reading=TableConfig(("label",))), limit=3)
    )
    assert made.labels.values == [0, 1, 2]
