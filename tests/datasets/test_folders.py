"""Tests that a common top folder is stripped from every kind of source, and that folders of splits are not classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faceloom.datasets import Dataset, SourceConfig, TableConfig, inspect, open_source
from faceloom.datasets.folders import find_top_folder, read_folders
from faceloom.datasets.metadata import Condition
from faceloom.errors import StoreError
from tests.datasets.picture_files import make_folder, make_picture, make_tar, make_zip, nvidia_table

MAKERS: dict[str, Callable[[Path, dict], Path]] = {"folder": make_folder, "zip": make_zip, "tar": make_tar}
FOLDERS = SourceConfig(labels="folders")


def make_pictures(*names: str) -> dict:
    return {f"{name}.png": make_picture(i) for i, name in enumerate(names)}


def facts(path: Path, config: SourceConfig) -> dict[str, tuple[object, str]]:
    return {record.name: (record.facts.label, record.facts.split) for record in open_source(path, config).records}


def where(value: str, *, is_equal: bool = True) -> SourceConfig:
    return SourceConfig(labels="folders", reading=TableConfig(where=[Condition("split", value, is_equal)]))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("top", ["photos/", "home/me/photos/"])
def test_classes_below_a_top_folder(tmp_path: Path, kind: str, top: str):
    files = make_pictures(f"{top}cat/0", f"{top}cat/1", f"{top}dog/0") | {"README.txt": "not a picture"}
    path = MAKERS[kind](tmp_path / f"source.{kind}", files)
    assert facts(path, FOLDERS) == {"cat/0.png": ("cat", ""), "cat/1.png": ("cat", ""), "dog/0.png": ("dog", "")}
    opened = [record.open().size for record in open_source(path, FOLDERS).records]
    assert opened == [(96, 80)] * 3


@pytest.mark.parametrize("kind", MAKERS)
def test_nvidias_dataset_below_a_top_folder(tmp_path: Path, kind: str):
    names = [f"00000/img{i:08d}.png" for i in range(4)]
    files = {f"mydata/{name}": make_picture(i) for i, name in enumerate(names)}
    table = nvidia_table({name: i % 2 for i, name in enumerate(names)})
    path = MAKERS[kind](tmp_path / f"source.{kind}", files | {"mydata/dataset.json": table})
    dataset = Dataset.open(path)
    assert (inspect(dataset).labels, dataset.missing, list(dataset.names)) == ({"0": 2, "1": 2}, [], names)
    assert [label for label, _ in facts(path, SourceConfig()).values()] == [0, 1, 0, 1]


@pytest.mark.parametrize("prefix", ["", "photos/"])
def test_table_with_and_without_the_top_folder(tmp_path: Path, prefix: str):
    path = make_zip(tmp_path / "a.zip", make_pictures("photos/x/0", "photos/y/1"))
    (tmp_path / "a.csv").write_text(f"file,label\n{prefix}x/0.png,3\n{prefix}y/1.png,4\n")
    assert [label for label, _ in facts(path, SourceConfig()).values()] == [3, 4]


def test_folder_of_one_class_is_a_class(tmp_path: Path):
    assert find_top_folder(["cat/0.png", "cat/1.png"]) == ""
    assert find_top_folder(["photos/cat/0.png", "photos/cat/1.png"]) == "photos/"
    assert find_top_folder(["data/train/cat/0.png"]) == "data/"
    assert find_top_folder([]) == ""
    assert find_top_folder(["a/" * 30_000 + "0.png"] * 3).count("/") == 16
    assert facts(make_folder(tmp_path / "f", make_pictures("cat/0")), FOLDERS) == {"cat/0.png": ("cat", "")}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    "names",
    [
        ("train/cat/0", "train/dog/0", "test/cat/0", "test/dog/0"),
        ("data/train/cat/0", "data/train/dog/0", "data/test/cat/0", "data/test/dog/0"),
        ("cat/train/0", "dog/train/0", "cat/test/0", "dog/test/0"),
        ("Training/images/cat/0", "Training/images/dog/0", "testing/images/cat/0", "testing/images/dog/0"),
    ],
)
def test_splits_are_not_classes(tmp_path: Path, kind: str, names: tuple[str, ...]):
    path = MAKERS[kind](tmp_path / f"source.{kind}", make_pictures(*names))
    source = open_source(path, FOLDERS)
    assert "splits test, train" in source.notes[0]
    found = sorted((record.facts.label, record.facts.split) for record in source.records)
    assert found == [("cat", "test"), ("cat", "train"), ("dog", "test"), ("dog", "train")]
    train = open_source(path, where("train"))
    assert (train.count, train.left_out, train.notes) == (2, 2, [])
    assert {split for _, split in facts(path, where("train")).values()} == {"train"}
    assert {split for _, split in facts(path, where("train", is_equal=False)).values()} == {"test"}


def test_names_of_splits_are_equal(tmp_path: Path):
    path = make_folder(tmp_path / "f", make_pictures("training/a/0", "valid/a/0", "extra/b/0", "test/b/0"))
    assert sorted(split for _, split in facts(path, FOLDERS).values()) == ["extra", "test", "train", "val"]
    for name in ("val", "valid", "validation"):
        assert list(facts(path, where(name))) == ["valid/a/0.png"]


def test_class_named_train_is_a_class():
    found = read_folders(["car/0.png", "plane/0.png", "train/0.png"])
    assert [(fact.split, fact.label) for fact in found.values()] == [("", "car"), ("", "plane"), ("", "train")]


def test_split_in_a_table_takes_precedence(tmp_path: Path):
    rows = "file_name,label,split\n0.png,x,test\n1.png,y,train\n"
    path = make_folder(tmp_path / "f", {**make_pictures("train/0", "train/1"), "train/metadata.csv": rows})
    config = SourceConfig(reading=TableConfig(where=[Condition("split", "train")]))
    assert facts(path, config) == {"train/1.png": ("y", "train")}
    assert open_source(path, config).left_out == 1


def test_splits_of_a_table_are_taken_as_they_are(tmp_path: Path):
    table = "file_name,split\n0.png,dev\n1.png,val\n"
    path = make_folder(tmp_path / "f", {**make_pictures("0", "1"), "metadata.csv": table})
    for value, name in (("dev", "0.png"), ("val", "1.png")):
        assert list(facts(path, SourceConfig(reading=TableConfig(where=[Condition("split", value)])))) == [name]


def test_table_without_splits_beside_folders_of_splits(tmp_path: Path):
    rows = {f"{split}/metadata.csv": "file_name,label\n0.png,x\n1.png,y\n" for split in ("train", "test")}
    path = make_folder(tmp_path / "f", {**make_pictures("train/0", "train/1", "test/0", "test/1"), **rows})
    config = SourceConfig(reading=TableConfig(where=[Condition("split", "train"), Condition("label", "y")]))
    assert facts(path, config) == {"train/1.png": ("y", "train")}
    assert open_source(path, config).left_out == 3


def test_folders_without_classes_are_refused(tmp_path: Path):
    for names in (("0", "1"), ("train/0", "test/0")):
        with pytest.raises(StoreError, match="no folders of classes"):
            open_source(make_folder(tmp_path / str(len(names[0])), make_pictures(*names)), FOLDERS)
    with pytest.raises(StoreError, match="no table to select rows"):
        open_source(tmp_path / "1", where("train"))
