"""Tests of labels: classes, vectors of real numbers, and numbers that are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from faceloom.datasets import Dataset, MakeConfig, SourceConfig, TableConfig, inspect, make
from faceloom.datasets.labels import LabelType, encode_labels, find_label_faults
from faceloom.datasets.metadata import parse_facts
from faceloom.errors import StoreError
from tests.datasets.picture_files import encode_image, make_folder, make_picture, make_tar, make_zip

INVALID = ["NaN", "-5", "1e308", "inf", "-1e10", "70000", "1" * 400]


def write_table(folder: Path, labels: list[str]) -> Path:
    make_folder(folder / "p", {f"{i}.png": make_picture(i) for i in range(len(labels))})
    rows = "".join(f'{i}.png,"{label}"\n' for i, label in enumerate(labels))
    (folder / "t.csv").write_text(f"file,value\n{rows}")
    return folder / "p"


def make_dataset(folder: Path, labels: list[str], label_type: LabelType = "auto") -> Dataset:
    reads = SourceConfig(table=folder / "t.csv", reading=TableConfig(("value",)))
    make(write_table(folder, labels), folder / "d.zip", MakeConfig((32, 32), source=reads, label_type=label_type))
    return Dataset.open(folder / "d.zip")


@pytest.mark.parametrize(
    ("labels", "label_type", "vectors"),
    [
        (["0.5", "-2", "3"], "auto", [[0.5], [-2], [3]]),
        (["0.5,1", "2;3", "[4 5e-1]"], "auto", [[0.5, 1], [2, 3], [4, 0.5]]),
        (["5", "6", "-7"], "vector", [[5], [6], [-7]]),
    ],
)
def test_real_numbers_are_vectors(tmp_path: Path, labels: list[str], label_type: LabelType, vectors: list[list[float]]):
    dataset = make_dataset(tmp_path, labels, label_type)
    np.testing.assert_allclose([dataset.label(i) for i in range(3)], vectors)
    assert (dataset.c_dim, dataset.num_classes, dataset.classes) == (len(vectors[0]), 0, [])
    assert inspect(dataset).labels == {}
    make(tmp_path / "d.zip", tmp_path / "again.zip", MakeConfig((16, 16)))
    assert Dataset.open(tmp_path / "again.zip").label(0).tolist() == vectors[0]


def test_numbers_as_classes(tmp_path: Path):
    dataset = make_dataset(tmp_path, ["1.10", "1.1", "-3"], "class")
    assert (dataset.classes, dataset.num_classes) == (["-3", "1.1", "1.10"], 3)


@pytest.mark.parametrize("number", INVALID)
@pytest.mark.parametrize("others", [["1", "2"], ["0.5", "2"]])
def test_invalid_numbers_in_a_table_are_refused(tmp_path: Path, number: str, others: list[str]):
    if "0.5" in others and number in ("-5", "70000"):
        assert make_dataset(tmp_path, [*others, number]).label(2).tolist() == [float(number)]
        return
    with pytest.raises(StoreError, match=r"label .*: expected") as caught:
        make_dataset(tmp_path, [*others, number])
    assert number[:20] in str(caught.value)
    assert not (tmp_path / "d.zip").exists()


@pytest.mark.parametrize("number", INVALID)
@pytest.mark.parametrize("form", ["{}", "[{}, 1]", "[0.5, {}]"])
def test_invalid_numbers_in_dataset_json_are_refused(tmp_path: Path, number: str, form: str):
    if form != "{}" and number in ("-5", "70000"):
        return
    text = form.format({"inf": "Infinity"}.get(number, number))
    table = f'{{"labels": [["0.png", {form.format(1)}], ["1.png", {text}]]}}'
    path = make_zip(tmp_path / "d.zip", {"0.png": make_picture(0), "1.png": make_picture(1), "dataset.json": table})
    with pytest.raises(StoreError, match="expected"):
        Dataset.open(path)
    with pytest.raises(StoreError, match="expected"):
        make(path, tmp_path / "e.zip", MakeConfig((16, 16)))


def test_real_numbers_in_dataset_json_are_vectors(tmp_path: Path):
    files = {"0.png": make_picture(0), "1.png": make_picture(1)}
    table = json.dumps({"labels": [["0.png", 0.25], ["1.png", 3]]})
    dataset = Dataset.open(make_zip(tmp_path / "d.zip", {**files, "dataset.json": table}))
    assert [dataset.label(i).tolist() for i in range(2)] == [[0.25], [3.0]]


@pytest.mark.parametrize("label", ["[null]", '["x"]', "[1e400]", "[" + "9" * 4000 + "]"])
def test_damaged_labels_beside_shards_are_left_out_or_refused(tmp_path: Path, label: str):
    files = {"0.jpg": encode_image(make_picture(0), "JPEG"), "0.json": f'{{"label": {label}}}'}
    try:
        made = make(make_tar(tmp_path / "s.tar", files), tmp_path / "d.zip", MakeConfig((16, 16)))
    except StoreError:
        return
    assert made.labels.values is None


def test_mixed_labels_are_refused():
    for labels in ([(0.5,), 3], [(0.5,), (1.0, 2.0)], ["cat", math.nan], [(1.0,), "1"]):
        with pytest.raises(ValueError, match="expected"):
            encode_labels(labels)
    with pytest.raises(ValueError, match="'cat'"):
        encode_labels(["cat", 3], "vector")
    with pytest.raises(ValueError, match="got a vector"):
        encode_labels([(0.5,)], "class")
    assert encode_labels(["cat", "NaN"]).classes == ["NaN", "cat"]


@pytest.mark.parametrize(
    ("value", "label"), [("-5", -5), ("007", 7), ("0.50", "0.50"), (0.5, 0.5), (True, 1), ("", None)]
)
def test_labels_of_a_row(value: object, label: object):
    assert parse_facts({"label": value}).label == label


def test_one_class_for_each_picture_is_noted(tmp_path: Path):
    path = make_folder(tmp_path / "p", {f"person{i}/0.png": make_picture(i) for i in range(4)})
    config = MakeConfig((32, 32), source=SourceConfig(labels="folders"))
    made = make(path, tmp_path / "d.zip", config)
    assert "4 pictures have 4 classes" in made.notes[0]
    assert "4 pictures have 4 classes" in inspect(Dataset.open(tmp_path / "d.zip")).notes[-1]
    assert find_label_faults({str(i): 2 for i in range(20)}, 40)
    assert not find_label_faults({str(i): 3 for i in range(20)}, 60)
    assert not find_label_faults({"a": 1}, 1)
