"""Tests of datasets: access by index, torch's loader, labels, and checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from faceloom.datasets import Dataset, check, inspect, sheet
from faceloom.errors import ImageError, StoreError
from tests.datasets.picture_files import make_folder, make_picture, make_tar, make_zip, nvidia_table

FOUR = {f"{i}.png": make_picture(i, (32, 24)) for i in range(4)}


def test_labels_are_vectors(tmp_path: Path):
    table = nvidia_table({f"{i}.png": i % 3 for i in range(4)})
    dataset = Dataset.open(make_zip(tmp_path / "d.zip", {**FOUR, "dataset.json": table}))
    pixels, label = dataset[2]
    assert (pixels.shape, pixels.dtype, label.dtype) == ((24, 32, 3), np.uint8, np.float32)
    assert label.tolist() == [0, 0, 1]
    assert (dataset.c_dim, dataset.num_classes) == (3, 3)
    vectors = json.dumps({"labels": {name: [0.5, 2.0] for name in FOUR}})
    dataset = Dataset.open(make_zip(tmp_path / "v.zip", {**FOUR, "dataset.json": vectors}))
    assert (dataset.label(1).tolist(), dataset.c_dim, dataset.num_classes) == ([0.5, 2.0], 2, 0)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")  # on one core
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("make_source", [make_zip, make_tar, make_folder])
def test_torch_data_loader_reads_a_dataset(tmp_path: Path, workers: int, make_source: Callable[..., Path]):
    files = {f"top/{name}": picture for name, picture in FOUR.items()} | {"top/dataset.json": "{}"}
    dataset = Dataset.open(make_source(tmp_path / "d", files))
    loader = torch.utils.data.DataLoader(dataset, batch_size=2, num_workers=workers)
    batches = [pixels for pixels, _ in loader]
    assert [list(batch.shape) for batch in batches] == [[2, 24, 32, 3]] * 2
    np.testing.assert_array_equal(batches[1][1].numpy(), np.asarray(make_picture(3, (32, 24))))


@pytest.mark.parametrize(
    "labels",
    [
        {"labels": [["0.png", 1]]},
        {"labels": [[f"{i}.png", -1] for i in range(4)]},
        {"labels": [[f"{i}.png", 10**9] for i in range(4)]},
        {"labels": [[f"{i}.png", "cat"] for i in range(4)]},
        {"labels": [[f"{i}.png", 1 if i else [1.0]] for i in range(4)]},
        {"labels": 7},
        [1],
    ],
)
def test_invalid_labels_are_refused(tmp_path: Path, labels: object):
    with pytest.raises(StoreError):
        Dataset.open(make_zip(tmp_path / "d.zip", {**FOUR, "dataset.json": json.dumps(labels)}))


@pytest.mark.parametrize("card", [{"classes": 5}, {"images": 3}, {"images": [7, {"origin": []}]}, [], "x", None])
def test_invalid_card_is_ignored(tmp_path: Path, card: object):
    table = json.dumps({"labels": [[name, 1] for name in FOUR], "faceloom": card})
    dataset = Dataset.open(make_zip(tmp_path / "d.zip", {**FOUR, "dataset.json": table}))
    assert inspect(dataset).labels == {"1": 4}


def test_check_finds_damaged_pictures(tmp_path: Path):
    assert check(Dataset.open(make_folder(tmp_path / "f", FOUR))).is_whole
    files = {**FOUR, "4.png": "text", "5.png": make_picture(5, (16, 16))}
    dataset = Dataset.open(make_zip(tmp_path / "d.zip", files))
    found = check(dataset)
    assert (found.pictures, found.is_whole, [name for name, _ in found.faults]) == (6, False, ["4.png", "5.png"])
    with pytest.raises(ImageError, match="16 x 16"):
        dataset[5]


def test_check_finds_missing_pictures(tmp_path: Path):
    table = nvidia_table({f"{i}.png": 0 for i in range(6)})
    found = check(Dataset.open(make_zip(tmp_path / "d.zip", {**FOUR, "dataset.json": table})))
    assert [name for name, _ in found.faults] == ["4.png", "5.png"]


def test_inspect_and_sheet(tmp_path: Path):
    table = {
        "labels": [[f"{i}.png", int(i > 0)] for i in range(4)],
        "faceloom": {"classes": ["a", "b"], "images": [{"name": "0.png", "licence": "CC0", "origin": "x"}]},
    }
    dataset = Dataset.open(make_zip(tmp_path / "d.zip", {**FOUR, "dataset.json": json.dumps(table)}))
    found = inspect(dataset)
    assert found.labels == {"b": 3, "a": 1}
    assert (found.licences, found.origins, len(found.notes)) == ({"CC0": 1}, 1, 2)
    assert (found.ai_marked, found.credentials) == (0, 0)
    plain = inspect(Dataset.open(make_zip(tmp_path / "plain.zip", FOUR)))
    assert (plain.ai_marked, plain.credentials) == (None, None)
    assert sheet(dataset, 4).width > 2 * 128
