"""Tests of datasets of gray, 16-bit gray and transparent pictures, and of labels with several columns."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloom.datasets import Dataset, MakeConfig, SourceConfig, TableConfig, check, inspect, make, sheet
from faceloom.datasets.labels import encode_labels
from faceloom.datasets.metadata import LabelRow, parse_facts
from faceloom.errors import ImageError, StoreError
from faceloom.images.channels import COLORS, GRAY, RGB, RGBA, convert
from faceloom.label_columns import LabelColumn
from tests.datasets.picture_files import make_folder, make_picture


def make_icon(seed: int) -> Image.Image:
    icon = make_picture(seed).convert("RGBA")
    icon.putalpha(Image.linear_gradient("L").rotate(90 * seed).resize(icon.size))
    return icon


def of_kind(name: str, seed: int) -> Image.Image:
    return make_icon(seed) if name == "rgba" else convert(make_picture(seed), COLORS[name])


def make_mixed(folder: Path, kinds: Sequence[str]) -> Path:
    return make_folder(folder, {f"{i}.png": of_kind(kind, i) for i, kind in enumerate(kinds)})


@pytest.mark.parametrize("name", COLORS)
def test_colors_are_kept(tmp_path: Path, name: str):
    source = make_mixed(tmp_path / "p", [name] * 3)
    made = make(source, tmp_path / "d.zip", MakeConfig((32, 32)))
    dataset = Dataset.open(tmp_path / "d.zip")
    assert made.colors == dataset.colors == COLORS[name]
    pixels, _ = dataset[0]
    assert pixels.shape == (32, 32, COLORS[name].channels)
    assert pixels.dtype == (np.uint16 if name == "gray16" else np.uint8)
    assert check(dataset).is_whole
    assert inspect(dataset).colors == name
    assert sheet(dataset).mode == "RGB"
    again = make(tmp_path / "d.zip", tmp_path / "e.zip", MakeConfig((32, 32)))
    assert again.colors == COLORS[name]
    assert (Dataset.open(tmp_path / "e.zip")[0][0] == pixels).all()


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        (["rgba", "rgb"], "rgba"),
        (["rgba", "rgb", "rgb"], "rgb"),
        (["gray", "rgb", "gray"], "rgb"),
        (["gray", "gray16", "gray16"], "gray16"),
        (["gray", "gray", "gray16"], "gray"),
        (["rgba", "gray", "gray"], "rgb"),
    ],
)
def test_mixed_pictures_become_one_kind(tmp_path: Path, kinds: list[str], chosen: str):
    made = make(make_mixed(tmp_path / "p", kinds), tmp_path / "d.zip", MakeConfig((32, 32)))
    dataset = Dataset.open(tmp_path / "d.zip")
    assert made.colors == dataset.colors == COLORS[chosen]
    assert check(dataset).is_whole
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        modes = {Image.open(archive.open(name)).mode for name in dataset.names}
    assert modes == {COLORS[chosen].mode}
    assert any("--colors rgba" in note for note in made.notes) == ("rgba" in kinds and chosen == "rgb")


@pytest.mark.parametrize("name", COLORS)
def test_colors_on_request(tmp_path: Path, name: str):
    source = make_mixed(tmp_path / "p", ["rgba", "rgb", "gray"])
    made = make(source, tmp_path / "d.zip", MakeConfig((32, 32), colors=name))
    assert Dataset.open(tmp_path / "d.zip").colors == made.colors == COLORS[name]
    with pytest.raises(ImageError, match="no kind of colors"):
        make(source, tmp_path / "e.zip", MakeConfig((32, 32), colors="cmyk"))
    if name != "rgb":
        with pytest.raises(ImageError, match="faces are aligned in RGB"):
            make(source, tmp_path / "e.zip", MakeConfig((32, 32), "face", colors=name))


def test_white_and_black_icons_are_not_duplicates(tmp_path: Path):
    icons = {}
    for i, (color, turn) in enumerate([((255, 255, 255), 0), ((255, 255, 255), 90), ((0, 0, 0), 0), ((0, 0, 0), 90)]):
        icon = Image.new("RGBA", (64, 64), (*color, 0))
        icon.putalpha(Image.linear_gradient("L").resize((64, 64)).rotate(turn))
        icons[f"{i}.png"] = icon
    icons["4.png"] = icons["0.png"]
    made = make(make_folder(tmp_path / "p", icons), tmp_path / "d.zip", MakeConfig((64, 64)))
    assert [(match.name, match.of, match.levels) for match in made.duplicates] == [("4.png", "0.png", 0)]


def test_a_folder_is_of_its_first_picture_s_colors(tmp_path: Path):
    folder = make_mixed(tmp_path / "p", ["gray", "rgb"])
    dataset = Dataset.open(folder)
    assert dataset.colors == GRAY
    with pytest.raises(ImageError, match=r"1\.png has colors"):
        dataset[1]
    transparent = Dataset.open(make_mixed(tmp_path / "q", ["rgba", "rgb", "gray"]))
    assert [transparent[i][0].shape[2] for i in range(3)] == [4, 4, 4]
    assert transparent[1][0][..., 3].min() == 255
    opaque = Dataset.open(make_mixed(tmp_path / "r", ["rgb", "rgba"]))
    assert (opaque.colors, opaque[1][0].shape[2]) == (RGB, 3)


def test_same_bytes_with_and_without_a_second_pass(tmp_path: Path):
    icons = make_mixed(tmp_path / "p", ["rgba", "rgb", "rgba"])
    make(icons, tmp_path / "d.zip", MakeConfig((32, 32)))
    make(icons, tmp_path / "e.zip", MakeConfig((32, 32), colors="rgba"))
    assert (tmp_path / "d.zip").read_bytes() == (tmp_path / "e.zip").read_bytes()
    assert Dataset.open(tmp_path / "d.zip").colors == RGBA
    assert not list(tmp_path.glob("*.colors"))


# ----- labels


def write_table(folder: Path, rows: Sequence[dict[str, str]]) -> SourceConfig:
    make_folder(folder / "p", {f"{i}.png": make_picture(i) for i in range(len(rows))})
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", *rows[0]])
        writer.writeheader()
        writer.writerows({"file": f"{i}.png", **row} for i, row in enumerate(rows))
    return SourceConfig(table=folder / "t.csv", reading=TableConfig(tuple(rows[0])))


ROWS = [
    {"kind": "star", "size": "0.5", "points": "5"},
    {"kind": "dot", "size": "1.5", "points": "10"},
    {"kind": "star", "size": "2.5", "points": "5"},
]


def test_several_columns_become_a_vector(tmp_path: Path):
    source = write_table(tmp_path, ROWS)
    made = make(tmp_path / "p", tmp_path / "d.zip", MakeConfig((32, 32), source=source))
    dataset = Dataset.open(tmp_path / "d.zip")
    kind, size, points = dataset.label_columns
    assert (kind, points) == (LabelColumn("kind", ("dot", "star")), LabelColumn("points", ("5", "10")))
    assert (size.name, size.mean, round(size.std, 4)) == ("size", 1.5, 0.8165)
    assert [dataset.label(i).tolist() for i in range(3)] == [[0, 1, 0.5, 1, 0], [1, 0, 1.5, 0, 1], [0, 1, 2.5, 1, 0]]
    assert (dataset.c_dim, dataset.num_classes, list(dataset.classes)) == (5, 0, [])
    assert inspect(dataset).label_columns == {"kind": 2, "size": 0, "points": 2}
    assert list(made.labels.columns) == list(dataset.label_columns)


def test_columns_survive_when_a_dataset_is_made_from_a_dataset(tmp_path: Path):
    source = write_table(tmp_path, ROWS)
    make(tmp_path / "p", tmp_path / "d.zip", MakeConfig((32, 32), source=source))
    make(tmp_path / "d.zip", tmp_path / "e.zip", MakeConfig((32, 32)))
    first, second = Dataset.open(tmp_path / "d.zip"), Dataset.open(tmp_path / "e.zip")
    assert first.label_columns == second.label_columns
    assert [first.label(i).tolist() for i in range(3)] == [second.label(i).tolist() for i in range(3)]
    only_size = SourceConfig(reading=TableConfig(("size",)))
    make(tmp_path / "d.zip", tmp_path / "f.zip", MakeConfig((32, 32), source=only_size))
    assert [column.name for column in Dataset.open(tmp_path / "f.zip").label_columns] == ["size"]


def test_types_of_columns(tmp_path: Path):
    source = write_table(tmp_path, ROWS)
    config = MakeConfig((32, 32), source=source, column_types={"points": "vector", "size": "class"})
    make(tmp_path / "p", tmp_path / "d.zip", config)
    dataset = Dataset.open(tmp_path / "d.zip")
    assert {column.name: column.size for column in dataset.label_columns} == {"kind": 2, "size": 3, "points": 1}
    with pytest.raises(StoreError, match="label 'star'"):
        make(tmp_path / "p", tmp_path / "e.zip", MakeConfig((32, 32), source=source, label_type="vector"))


def test_one_column_of_numbers_has_a_scale(tmp_path: Path):
    source = write_table(tmp_path, [{"age": "20"}, {"age": "40"}, {"age": "60"}])
    make(tmp_path / "p", tmp_path / "d.zip", MakeConfig((32, 32), source=source, column_types={"age": "vector"}))
    dataset = Dataset.open(tmp_path / "d.zip")
    (age,) = dataset.label_columns
    assert (age.name, age.mean, dataset.label(2).tolist()) == ("age", 40, [60])


def test_a_row_without_a_value_has_no_label(tmp_path: Path):
    source = write_table(tmp_path, [*ROWS, {"kind": "dot", "size": "", "points": "5"}])
    made = make(tmp_path / "p", tmp_path / "d.zip", MakeConfig((32, 32), source=source))
    assert made.skipped == [("3.png", "it has no label")]
    assert parse_facts({"a": [1.0], "b": "x"}, ("a", "b")).label is None


def test_too_many_classes_are_refused():
    rows = [LabelRow((f"name {i}", 0.5)) for i in range(1001)]
    with pytest.raises(ValueError, match="1001 different values"):
        encode_labels(rows, "auto", {"name": "auto", "size": "auto"})


def test_damaged_columns_are_ignored(tmp_path: Path):
    make(write_table(tmp_path, ROWS).table.parent / "p", tmp_path / "d.zip", MakeConfig((32, 32)))
    source = write_table(tmp_path / "x", ROWS)
    make(tmp_path / "x" / "p", tmp_path / "d.zip", MakeConfig((32, 32), source=source))
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    table = json.loads(members["dataset.json"])
    table["faceloom"]["label_columns"] = table["faceloom"]["label_columns"][:1]
    members["dataset.json"] = json.dumps(table).encode()
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert Dataset.open(tmp_path / "e.zip").label_columns == ()
