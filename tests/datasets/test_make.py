"""From a source to a dataset: one size, labels as the field writes them, twins and broken pictures told."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from collections_ import encoded, folder_of, nvidia, picture, zip_of
from PIL import Image

from faceloom.datasets import Dataset, MakeConfig, Reading, SourceConfig, make
from faceloom.datasets.crops import crop_to
from faceloom.datasets.layout import encode_labels
from faceloom.errors import ImageError, StoreError

SQUARE = MakeConfig((64, 64))


def portraits(folder: Path) -> Path:
    """What a new user has: pictures of all kinds, and what is none."""
    base = picture(1, (160, 120))
    turned = Image.Exif()
    turned[0x112] = 6
    return folder_of(
        folder,
        {
            "a.png": base,
            "b.jpg": encoded(picture(2, (120, 160)), "JPEG"),
            "cmyk.jpg": encoded(picture(3, (160, 120)).convert("CMYK"), "JPEG"),
            "copy.webp": encoded(base, "WEBP", lossless=True),
            "dot.png": Image.new("RGB", (1, 1)),
            "half.png": encoded(picture(4))[:-400],
            "resaved.jpg": encoded(base.resize((240, 180)), "JPEG", quality=80),
            "text.jpg": "I am no picture",
            "turned.jpg": encoded(picture(5, (160, 120)).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=turned),
        },
    )


def test_a_new_users_folder(tmp_path: Path):
    made = make(portraits(tmp_path / "p"), tmp_path / "d.zip", SQUARE)
    assert made.written == 6
    assert dict(made.skipped).keys() == {"dot.png", "half.png", "text.jpg"}
    twins = {twin.name: (twin.of, twin.levels == 0) for twin in made.duplicates}
    assert twins == {"copy.webp": ("a.png", True), "resaved.jpg": ("a.png", False)}
    dataset = Dataset.open(tmp_path / "d.zip")
    assert (len(dataset), dataset.resolution, dataset.c_dim, dataset.num_classes) == (6, (64, 64), 0, 0)
    upright = np.asarray(crop_to((64, 64), "centre")(picture(5, (160, 120)))[0], float)
    assert np.abs(dataset[5][0] - upright).mean() < 3
    kept = make(tmp_path / "p", tmp_path / "e.zip", MakeConfig((64, 64), drop_duplicates=True))
    assert kept.written == 4


def test_the_same_source_gives_the_same_bytes(tmp_path: Path):
    source = portraits(tmp_path / "p")
    for name in ("a.zip", "b.zip"):
        make(source, tmp_path / name, SQUARE)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_the_layout_is_the_fields(tmp_path: Path):
    """Names, order, stored members, RGB PNGs and labels as NVIDIA's trainers read them; Pillow alone reads it."""
    make(
        folder_of(tmp_path / "p", {"cat/a.png": picture(1), "dog/b.png": picture(2)}),
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


def test_licences_classes_and_origins_survive_a_second_making(tmp_path: Path):
    zip_of(tmp_path / "p.zip", {"a.png": picture(1), "b.png": picture(2), "c.png": picture(3)})
    (tmp_path / "p.csv").write_text("file,label,licence,origin\na.png,x,CC0,here\nb.png,y,MIT,there\nc.png,,,\n")
    first = make(tmp_path / "p.zip", tmp_path / "1.zip", SQUARE)
    assert first.skipped == [("c.png", "it has no label")]
    make(tmp_path / "1.zip", tmp_path / "2.zip", MakeConfig((32, 32)))
    card = Dataset.open(tmp_path / "2.zip").card
    assert card["classes"] == ["x", "y"]
    assert [(row["licence"], row["origin"]) for row in card["images"]] == [("CC0", "here"), ("MIT", "there")]


def test_shapes_that_are_not_square(tmp_path: Path):
    source = folder_of(tmp_path / "p", {"a.png": picture(1, (128, 96)), "b.png": picture(2, (96, 128))})
    made = make(source, tmp_path / "d.zip", MakeConfig((64, 48), "none"))
    assert [name for name, _ in made.skipped] == ["b.png"]
    assert Dataset.open(tmp_path / "d.zip")[0][0].shape == (48, 64, 3)
    assert make(source, tmp_path / "e.zip", MakeConfig((64, 48), "centre")).written == 2
    with pytest.raises(ImageError, match="squares"):
        make(source, tmp_path / "f.zip", MakeConfig((64, 48), "face"))


def test_a_centre_crop_cuts_evenly():
    stripes = np.zeros((40, 100, 3), np.uint8)
    stripes[:, 30:70] = 255
    cut, scale = crop_to((40, 40), "centre")(Image.fromarray(stripes))
    assert np.asarray(cut).min() == 255
    assert scale == 1


def test_small_pictures(tmp_path: Path):
    source = folder_of(tmp_path / "p", {"a.png": picture(1, (40, 40)), "b.png": picture(2, (31, 31))})
    made = make(source, tmp_path / "d.zip", SQUARE)
    assert (made.written, made.enlarged, made.skipped[0][0]) == (1, 1, "b.png")


def test_nothing_that_can_be_used_leaves_no_file(tmp_path: Path):
    with pytest.raises(StoreError, match="no picture of"):
        make(folder_of(tmp_path / "p", {"a.png": "text"}), tmp_path / "d.zip", SQUARE)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_labels():
    assert encode_labels([2, 0]).values == [2, 0]
    named = encode_labels(["b", "a", 7])
    assert (named.values, named.classes) == ([2, 1, 0], ["7", "a", "b"])
    assert encode_labels([(0.5, 1.0), (0.0, 2.0)]).values == [[0.5, 1.0], [0.0, 2.0]]
    with pytest.raises(ValueError, match="vectors"):
        encode_labels([(0.5,), 3])


def test_the_first_so_many_of_a_column(tmp_path: Path):
    source = zip_of(
        tmp_path / "z.zip",
        {f"{i}.png": picture(i) for i in range(5)} | {"dataset.json": nvidia({f"{i}.png": i for i in range(5)})},
    )
    made = make(
        source, tmp_path / "d.zip", MakeConfig((32, 32), source=SourceConfig(reading=Reading("label")), limit=3)
    )
    assert made.labels.values == [0, 1, 2]
