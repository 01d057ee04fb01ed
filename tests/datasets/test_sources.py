"""Tests that every layout gives the same pictures with their facts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceloom.datasets import Dataset, metadata
from faceloom.datasets.metadata import Condition, PictureFacts, TableConfig
from faceloom.datasets.sources import SourceConfig, open_source
from faceloom.errors import ImageError, StoreError
from tests.datasets.picture_files import encode_image, make_folder, make_picture, make_tar, make_zip, nvidia_table

TWO = {"cats/a.png": make_picture(1), "dogs/b.png": make_picture(2)}


def facts(path: Path, config: SourceConfig | None = None) -> dict[str, PictureFacts]:
    return {record.name: record.facts for record in open_source(path, config).records}


def labels(path: Path, config: SourceConfig | None = None) -> dict[str, object]:
    return {name: fact.label for name, fact in facts(path, config).items()}


def test_folder_and_zip(tmp_path: Path):
    for path in (make_folder(tmp_path / "f", {**TWO, "notes.txt": "x"}), make_zip(tmp_path / "z.zip", TWO)):
        source = open_source(path)
        assert (source.kind, source.count, source.has_labels) == (path.suffix[1:] or "folder", 2, False)
        opened = [record.open() for record in source.records]
        np.testing.assert_array_equal(opened[0], np.asarray(make_picture(1)))
        assert labels(path, SourceConfig(labels="folders")) == {"cats/a.png": "cats", "dogs/b.png": "dogs"}
        assert len(facts(path, SourceConfig(every=2))) == 1


def test_nvidias_dataset_json(tmp_path: Path):
    path = make_zip(tmp_path / "z.zip", {**TWO, "dataset.json": nvidia_table({"cats/a.png": 3, "dogs/b.png": 0})})
    assert labels(path) == {"cats/a.png": 3, "dogs/b.png": 0}
    assert open_source(path).kind == "dataset"
    assert not open_source(path, SourceConfig(labels="none")).has_labels


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_hugging_face_folders(tmp_path: Path, form: str):
    rows = [{"file_name": "a.png", "label": "tabby", "license": "CC0"}, {"file_name": "x/b.png", "label": "tom"}]
    text = (
        "\n".join(map(json.dumps, rows))
        if form == "jsonl"
        else "file_name,label,license\na.png,tabby,CC0\nx/b.png,tom,\n"
    )
    path = make_folder(
        tmp_path / "f",
        {"train/a.png": make_picture(1), "train/x/b.png": make_picture(2), f"train/metadata.{form}": text},
    )
    assert open_source(path).kind == "huggingface"
    assert facts(path) == {
        "train/a.png": PictureFacts("tabby", "CC0", split="train"),
        "train/x/b.png": PictureFacts("tom", split="train"),
    }


def test_webdataset_shards(tmp_path: Path):
    for shard in range(2):
        make_tar(
            tmp_path / f"s{shard}.tar",
            {
                "a/0.1.jpg": encode_image(make_picture(1), "JPEG"),
                "a/0.cls": "2",
                "a/1.png": make_picture(2),
                "a/1.cls": "0",
                "a/1.json": json.dumps({"license": "MIT", "url": "there"}),
            },
        )
    assert facts(tmp_path / "s0.tar") == {"a/0.1.jpg": PictureFacts(2), "a/1.png": PictureFacts(0, "MIT", "there")}
    both = open_source(tmp_path)
    assert (both.kind, both.count, both.has_labels) == ("webdataset", 4, True)
    assert [record.name for record in both.records][2] == "s1.tar/a/0.1.jpg"
    with pytest.raises(StoreError, match="shards carry their own labels"):
        open_source(tmp_path, SourceConfig(labels="folders"))


def test_table_beside_an_archive(tmp_path: Path):
    make_zip(tmp_path / "faces.zip", {"a.png": make_picture(1), "b.png": make_picture(2), "c.png": make_picture(3)})
    (tmp_path / "faces.csv").write_text("file,split,sex,licence,origin\na.png,train,F,CC0,x\nb.png,val,M,MIT,y\n")
    # the folder holds one archive: that is the source
    assert facts(tmp_path)["a.png"] == PictureFacts(None, "CC0", "x", "train")
    train = SourceConfig(reading=TableConfig(("sex",), [Condition("split", "train")]))
    assert facts(tmp_path / "faces.zip", train) == {"a.png": PictureFacts("F", "CC0", "x", "train")}
    assert open_source(tmp_path, train).left_out == 1
    others = SourceConfig(reading=TableConfig(where=[Condition("split", "val", is_equal=False), Condition("sex", "F")]))
    assert list(facts(tmp_path, others)) == ["a.png"]
    with pytest.raises(StoreError, match="no column 'age'"):
        open_source(tmp_path, SourceConfig(reading=TableConfig(("age",))))


def test_unreadable_tables_are_refused(tmp_path: Path):
    for name, text in (("a.csv", "who,label\nx,1\n"), ("b.json", "{"), ("c.json", "3"), ("d.jsonl", "[1]")):
        (tmp_path / name).write_text(text)
        with pytest.raises(StoreError):
            open_source(make_folder(tmp_path / "f", TWO), SourceConfig(table=tmp_path / name))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("dataset.json", '{"labels":[' + "[]," * 100 + "[]]}", "more than 0 million values"),
        ("metadata.jsonl", '{"file_name":"a.png","x":1}\n' * 50, "more than 0 million values"),
        ("metadata.csv", "file_name" + ",x" * 40 + "\na.png\n", "more than 30 columns"),
        ("metadata.csv", "file_name\n" + "a" * 1100, "more than 0 MB"),
    ],
)
def test_tables_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str):
    monkeypatch.setattr(metadata, "MAX_BYTES", 1000 if "MB" in message else 10**6)
    monkeypatch.setattr(metadata, "MAX_VALUES", 90)
    monkeypatch.setattr(metadata, "MAX_COLUMNS", 30)
    path = make_zip(tmp_path / "z.zip", {"a.png": make_picture(1), name: text})
    with pytest.raises(StoreError, match=message):
        open_source(path)
    if name == "dataset.json":
        with pytest.raises(StoreError, match=message):
            Dataset.open(path)


def test_damaged_member_raises_image_error(tmp_path: Path):
    path = make_zip(tmp_path / "z.zip", {"a.png": encode_image(make_picture(1)) * 3})
    content = bytearray(path.read_bytes())
    content[60:100] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(ImageError):
        next(iter(open_source(path).records)).open()


def test_source_without_pictures_is_refused(tmp_path: Path):
    with pytest.raises(StoreError, match="holds no pictures"):
        open_source(make_zip(tmp_path / "z.zip", {"inner.zip": "PK", "a.txt": "x"}))


def test_video(tmp_path: Path):
    pytest.importorskip("av")
    from faceloom.edit.film import save_film

    frames = [np.asarray(make_picture(seed, (96, 64))) for seed in range(6)]
    path = save_film(frames, tmp_path / "film.mp4", fps=5)
    shown = [record.open() for record in open_source(path, SourceConfig(every=2)).records]
    assert [image.size for image in shown] == [(96, 64)] * 3
    assert np.abs(np.asarray(shown[1], float) - frames[2]).mean() < 12
