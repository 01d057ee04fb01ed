"""Batches: finished likenesses are cached, failures are reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from faceloom import likeness
from faceloom.errors import Cancelled, ImageError, LatentError, StoreError
from faceloom.likeness import Likeness
from faceloom.workflows.batch import batch_encode, list_files, read_labels
from faceloom.workflows.studio import Studio


@dataclass
class FakeStudio(Studio):
    """A studio that encodes every file whose content is not 'bad'."""

    encoded: list[str] = field(default_factory=list)
    interrupt: bool = False

    def encode(self, photo: Path, config: object = None) -> Likeness:
        self.encoded.append(photo.name)
        if b"bad" in photo.read_bytes():
            raise ImageError("no picture")
        return Likeness(torch.ones(1, 2, 4), "hash", "name", provenance={"interrupted": self.interrupt})

    def load(self, path: Path) -> Likeness:
        person = Likeness.load(path)
        likeness.require_generator(person, SimpleNamespace(name="name", hash="hash"))
        return person


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "bad.jpg"):
        (folder / name).write_text(name)
    Likeness(torch.zeros(1, 2, 4), "hash", "name").save(folder / "kept.likeness")
    Likeness(torch.zeros(1, 2, 4), "other", "other").save(folder / "strange.likeness")
    (folder / ".hidden").touch()
    return folder


def test_a_second_run_encodes_only_what_failed(photos: Path, tmp_path: Path):
    studio, progress = FakeStudio(), []
    first = batch_encode(
        studio, list_files(photos), tmp_path / "cache", callback=lambda done, name: progress.append((done, name))
    )  # type: ignore[arg-type]
    assert [path.name for path in first.people] == ["a.jpg", "b.jpg", "kept.likeness"]
    assert {path.name for path in first.failed} == {"bad.jpg", "strange.likeness"}
    assert "no picture" in first.failed.values()
    assert progress[0] == (0.0, "a.jpg")
    assert progress[-1][0] == 1.0
    studio.encoded.clear()
    second = batch_encode(studio, list_files(photos), tmp_path / "cache")  # type: ignore[arg-type]
    assert list(second.people) == list(first.people)
    assert studio.encoded == ["bad.jpg"]


def test_a_changed_file_is_encoded_again(photos: Path, tmp_path: Path):
    studio = FakeStudio()
    batch_encode(studio, [photos / "a.jpg"], tmp_path / "cache")  # type: ignore[arg-type]
    (photos / "a.jpg").write_text("other content")
    batch_encode(studio, [photos / "a.jpg"], tmp_path / "cache")  # type: ignore[arg-type]
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_an_interrupted_encoding_ends_the_batch_and_is_not_cached(photos: Path, tmp_path: Path):
    with pytest.raises(Cancelled):
        batch_encode(FakeStudio(interrupt=True), [photos / "a.jpg"], tmp_path / "cache")  # type: ignore[arg-type]
    assert not (tmp_path / "cache").exists()


def test_files_of_folders_are_listed(photos: Path, tmp_path: Path):
    assert [path.name for path in list_files(photos)][-1] == "strange.likeness"
    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "empty", tmp_path / "nowhere", photos / "a.jpg"):
        with pytest.raises(StoreError):
            list_files(wrong)


def test_tables_of_labels_are_read(tmp_path: Path):
    table = tmp_path / "ages.csv"
    table.write_text("\ufefffile,value\na.jpg,30\nsub/b.jpg,4.5\n", encoding="utf-8")
    assert read_labels(table) == {tmp_path / "a.jpg": 30.0, tmp_path / "sub/b.jpg": 4.5}
    for wrong, message in (
        ("name,age\na,1\n", "columns"),
        ("file,value\na,old\n", "'old'"),
        ("file,value\na,\n", "a is"),
    ):
        table.write_text(wrong)
        with pytest.raises(LatentError, match=message):
            read_labels(table)
    with pytest.raises(StoreError, match="cannot read"):
        read_labels(tmp_path / "none.csv")
