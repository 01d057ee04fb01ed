"""A whole cast with the default generator: files, other libraries, the same bytes again, interruptions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceloom.datasets.dataset import Dataset
from faceloom.errors import PlanError, StoreError
from faceloom.images import open_photo
from faceloom.workflows.cast import executors
from faceloom.workflows.cast.job import ShardMaker
from faceloom.workflows.cast.plan import make_plan
from faceloom.workflows.cast.recast import recast
from faceloom.workflows.cast.run import cast
from faceloom.workflows.studio import Studio

pytestmark = pytest.mark.models

FORMATS = ("imagefolder", "coco", "webdataset", "nvidia", "parquet")
PLAN = make_plan(
    {
        "people": 4,
        "size": 64,
        "seed": 3,
        "attributes": {"gender": {"woman": 0.5, "man": 0.5}},
        "splits": {"train": 0.75, "test": 0.25},
        "date": "2026-11-27",
        "credentials": False,  # signatures hold the time
    }
)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def finished(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished cast in all formats."""
    folder = tmp_path_factory.mktemp("cast") / "people"
    result = cast(studio, PLAN, folder, formats=FORMATS)
    assert result.problems == []
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_of(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / split / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_cell_is_filled_and_nothing_else_is_left(finished: Path):
    report = json.loads((finished / "cast.json").read_text(encoding="utf-8"))
    assert [(cell["people"], cell["met"]) for cell in report["cells"]] == [(2, 2), (2, 2)]
    names = {path.name for path in finished.iterdir()}
    folders = {"train", "test", "latents", "annotations", "webdataset"}
    files = {"cast.json", "README.md", "sheet.png", "nvidia-train.zip", "nvidia-test.zip", "manifest.parquet"}
    assert names == folders | files
    assert "| gender woman | 2 | 2 | 2 |" in (finished / "README.md").read_text(encoding="utf-8")


def test_pictures_are_marked_and_labeled(finished: Path):
    row = rows_of(finished)[0]
    photo = open_photo(finished / "train" / row["file_name"])
    assert photo.image.size == (64, 64)
    assert (row["gender"] >= 0.5) == (row["cell"] == "gender man")
    assert 0.5 <= row["gender_confidence"] <= 1
    assert len(row["box"]) == 4
    mask = np.asarray(Image.open(finished / "train" / row["mask_file_name"]))
    assert mask.shape == (64, 64)
    assert {0, 3} <= set(mask.ravel().tolist()) <= set(range(10))


def test_hugging_face_reads_the_image_folder(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    found = datasets.load_dataset("imagefolder", data_dir=str(finished), cache_dir=str(tmp_path))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 3, "test": 1}
    row = found["train"][0]
    assert row["image"].size == row["mask"].size == (64, 64)
    assert row["person"].startswith("p")


@pytest.mark.filterwarnings("ignore")
def test_webdataset_reads_the_shards(finished: Path):
    webdataset = pytest.importorskip("webdataset")
    shard = finished / "webdataset" / "train-000000.tar"
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode("pil"))
    assert [sample["json"]["person"] for sample in samples] == [row["person"] for row in rows_of(finished)]
    assert samples[0]["png"].size == samples[0]["mask.png"].size == (64, 64)


def test_trainers_read_the_zip(finished: Path):
    dataset = Dataset.open(finished / "nvidia-train.zip")
    assert (len(dataset), dataset.num_classes, dataset.resolution) == (3, 2, (64, 64))
    assert dataset.classes == ["gender woman", "gender man"]


def test_coco_holds_boxes_and_points(finished: Path):
    coco = json.loads((finished / "annotations" / "faces_train.json").read_text(encoding="utf-8"))
    assert [image["id"] for image in coco["images"]] == [1, 2, 3]
    for annotation in coco["annotations"]:
        x, y, width, height = annotation["bbox"]
        points = np.array(annotation["keypoints"]).reshape(5, 3)
        assert ((x <= points[:, 0]) & (points[:, 0] <= x + width)).all()
        assert ((y <= points[:, 1]) & (points[:, 1] <= y + height)).all()
    assert all((finished / image["file_name"]).is_file() for image in coco["images"])


def test_parquet_holds_the_same_rows(finished: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(finished / "manifest.parquet").to_pylist()
    by_name = {row["file_name"]: row for row in rows}
    for row in rows_of(finished):
        assert by_name[f"train/{row['file_name']}"]["age"] == row["age"]


def test_an_interrupted_cast_ends_in_the_same_bytes(
    studio: Studio, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = ShardMaker.make, []

    def break_off(self: ShardMaker, shard: Any) -> int:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(shard)
        return make(self, shard)

    monkeypatch.setattr(ShardMaker, "make", break_off)
    with pytest.raises(KeyboardInterrupt):
        cast(studio, PLAN, tmp_path / "again", formats=FORMATS)
    assert [path.name for path in (tmp_path / "again").iterdir()] == [".work"]
    monkeypatch.setattr(ShardMaker, "make", make)
    cast(studio, PLAN, tmp_path / "again", formats=FORMATS)
    assert digests(tmp_path / "again") == digests(finished)


def test_a_full_disk_leaves_no_shard_behind(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("faceloom.workflows.cast.job.sync_folder", refuse)
    with pytest.raises(StoreError, match="No space left"):
        cast(studio, PLAN, tmp_path / "full")
    assert list((tmp_path / "full" / ".work" / "shards").iterdir()) == []


def test_one_person_is_cast_anew_and_the_others_stay(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    cast(studio, PLAN, folder)
    before = digests(folder)
    result = recast(studio, PLAN, folder, [2])
    after = digests(folder)
    pictures = [name for name in before if name.endswith("-0.png") and "masks" not in name]
    assert [Path(name).name for name in pictures if before[name] != after[name]] == ["0000002-0.png"]
    whole = cast(studio, replace(PLAN, replaced={2: 1}), tmp_path / "whole")
    assert digests(whole.folder) == after
    assert result.report["plan"]["replaced"] == {"2": 1}


def test_further_pictures_show_the_same_person(studio: Studio, tmp_path: Path) -> None:
    plan = make_plan(
        {"people": 1, "size": 64, "pictures": [{"smile": 0.95}], "background": "transparent", "credentials": False}
    )
    result = cast(studio, plan, tmp_path / "one")
    rows = rows_of(result.folder)
    assert [row["picture"] for row in rows] == [0, 1]
    assert rows[1]["smile"] > 0.8
    assert rows[1]["identity_similarity"] > 0.5
    with Image.open(result.folder / "train" / rows[0]["file_name"]) as picture:
        assert picture.mode == "RGBA"


def test_people_near_photos_are_cast_again(studio: Studio, tmp_path: Path) -> None:
    plan = make_plan({"people": 1, "size": 256, "seed": 3, "credentials": False})
    first = cast(studio, plan, tmp_path / "first").folder / "train"
    second = cast(studio, replace(plan, exclude=(str(first / "0000"),)), tmp_path / "second").folder / "train"
    before, after = (studio.identity(open_photo(root / "0000" / "0000001-0.png")) for root in (first, second))
    assert float((before * after).sum()) < 0.65
    with pytest.raises(PlanError, match="shows a face"):
        cast(studio, replace(plan, exclude=(str(first / "masks" / "0000"),)), tmp_path / "third")


def test_folders_with_other_content_are_refused(studio: Studio, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="another plan"):
        cast(studio, replace(PLAN, seed=4), finished, formats=FORMATS)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PlanError, match="not empty"):
        cast(studio, PLAN, tmp_path)
    with pytest.raises(PlanError, match="no format 'zip'"):
        cast(studio, PLAN, tmp_path / "new", formats=("zip",))
    with pytest.raises(PlanError, match="for the generator"):
        cast(studio, replace(PLAN, generator="cats"), tmp_path / "new")


def test_worker_processes_make_the_same_cast(studio: Studio, finished: Path, tmp_path: Path) -> None:
    cast(studio, PLAN, tmp_path / "two", formats=FORMATS, executor=executors.run_in_processes(2))
    assert digests(tmp_path / "two") == digests(finished)
