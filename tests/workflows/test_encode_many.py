"""Many photos: places, names, whole files, failures, interruptions, lost workers, and the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from faceloom.errors import Cancelled, ImageError, StoreError
from faceloom.likeness import Likeness
from faceloom.workflows.encode_many import executors
from faceloom.workflows.encode_many.encoder import PhotoEncoder
from faceloom.workflows.encode_many.job import EncodeJob, find_photos
from faceloom.workflows.encode_many.places import Folder, Storage, parse_place
from faceloom.workflows.encode_many.run import JOB, REPORT, encode_many
from faceloom.workflows.studio import Studio

QUALITY = {"lpips": 0.1, "mse": 0.01, "identity": 0.9}
FACTS = {"seconds": 1.0, "steps": 2, "method": "encode", "face": {}, "precision": "fp32", "notes": []}
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)  # pictures that fail, that end the worker, and all others


class FakeStudio(Studio):
    """A studio that encodes a picture by its color, with two faces in each. A red one fails."""

    interrupt = False

    def __init__(self, log: Path | None = None) -> None:
        super().__init__()
        self.log = log

    @property
    def generator(self) -> Any:  # type: ignore[override]
        return SimpleNamespace(name="name", hash="hash")

    def encode(self, photo: Any, **_: Any) -> Likeness:
        return self.encode_all(photo)[0]

    def encode_all(self, photo: Any, *_: Any) -> Any:
        color = photo.image.getpixel((5, 5))
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{color}\n")
        if color == RED:
            raise ImageError("too red")
        if color == GREEN:
            os.kill(os.getpid(), signal.SIGKILL)
        facts = {**FACTS, "interrupted": self.interrupt}
        return [Likeness(torch.full((1, 2, 4), float(n)), "hash", "name", QUALITY, provenance=facts) for n in range(2)]


def paint(path: Path, color: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), color).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("a.png", "b.png", "b.webp", "sub/c.png", ".hidden.png", ".thumbs/d.png"):
        paint(folder / name, BLUE)
    (folder / "notes.txt").write_text("no picture")
    (folder / "old.likeness").write_text("no photo")
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / REPORT).read_text())
    return facts


def test_a_folder_is_encoded_once(photos: Path, tmp_path: Path):
    out, studio, progress = photos / "out", FakeStudio(tmp_path / "log"), []
    first = encode_many(studio, [photos], out, callback=lambda done, text: progress.append((done, text)))
    assert (first.photos, first.encoded, first.faces, first.reasons) == (5, 4, 4, {"image_error": 1})
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.likeness")}
    assert names == {"a.likeness", "b.png.likeness", "b.webp.likeness", "sub/c.likeness"}
    assert progress[0][0] == 0
    assert progress[-1] == (1.0, "5 of 5 photos, 1 failed")
    assert report_of(out)["failures"][0]["photo"] == str(photos / "notes.txt")
    again = encode_many(studio, [photos], out)
    assert (again.encoded, len(again.skipped), len(again.failures)) == (0, 4, 1)
    assert len((tmp_path / "log").read_text().splitlines()) == 4


def test_every_face_has_a_file(photos: Path, tmp_path: Path):
    outcomes: list[Any] = []
    summary = encode_many(
        FakeStudio(), [photos / "a.png"], tmp_path / "out", every_face=True, on_outcome=outcomes.append
    )
    assert (summary.encoded, summary.faces) == (1, 2)
    assert [Path(facts["output"]).name for facts in outcomes[0].people] == ["a-0.likeness", "a-1.likeness"]
    assert float(Likeness.load(tmp_path / "out/a-1.likeness").w_plus.mean()) == 1


def test_urls_are_read_and_written(photos: Path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.rm("/", recursive=True) if memory.ls("/") else None
    for name in ("a.png", "sub/c.png"):
        memory.pipe_file(f"/bucket/{name}", (photos / name).read_bytes())
    memory.pipe_file("/bucket/empty.jpg", b"")
    summary = encode_many(FakeStudio(), ["memory://bucket/"], "memory://bucket/out")
    assert (summary.encoded, summary.reasons) == (2, {"image_error": 1})
    found = {name for name in memory.find("/bucket/out") if name.endswith(".likeness")}
    assert found == {"/bucket/out/a.likeness", "/bucket/out/sub/c.likeness"}
    assert json.loads(memory.cat_file(f"/bucket/out/{JOB}"))["generator"] == "name"
    again = encode_many(FakeStudio(), ["memory://bucket", "memory://bucket/sub/c.png"], "memory://bucket/out")
    assert [len(again.skipped), again.encoded] == [2, 1]  # c.png alone has another name than in the folder
    with pytest.raises(StoreError, match="no files"):
        encode_many(FakeStudio(), ["memory://nothing"], "memory://bucket/out")
    with pytest.raises(StoreError, match="cannot open"):
        encode_many(FakeStudio(), ["nosuch://nothing"], "memory://bucket/out")


def test_files_of_other_storage_appear_whole(tmp_path: Path):
    pytest.importorskip("fsspec")
    place = Storage(f"file://{tmp_path}/new")  # fsspec's local files have no transaction for a single write
    place.write("a/b.txt", b"content")
    assert place.read("a/b.txt", 3) == b"con"
    assert place.list_names() == ["a/b.txt"]
    assert [path.name for path in (tmp_path / "new/a").iterdir()] == ["b.txt"]
    with pytest.raises(StoreError, match="cannot read"):
        place.read("none", 3)


def test_addresses():
    assert parse_place("photos") == Folder(Path("photos").absolute())
    assert parse_place("file:///tmp/photos") == Folder(Path("/tmp/photos"))
    assert parse_place("s3://bucket/photos/") == Storage("s3://bucket/photos")
    assert parse_place("s3://bucket").address("a.jpg") == "s3://bucket/a.jpg"


def test_two_photos_of_one_name_are_refused(photos: Path, tmp_path: Path):
    paint(tmp_path / "other/a.png", BLUE)
    with pytest.raises(StoreError, match=r"two photos are named a\.png"):
        find_photos([photos, tmp_path / "other"], tmp_path / "out")
    with pytest.raises(StoreError, match="no photos"):
        find_photos([photos / "old.likeness"], tmp_path / "out")


def test_an_interrupted_photo_is_not_kept(photos: Path, tmp_path: Path):
    studio = FakeStudio()
    studio.interrupt = True
    with pytest.raises(Cancelled):
        encode_many(studio, [photos], tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.likeness"))
    assert encode_many(FakeStudio(), [photos], tmp_path / "out").encoded == 4


def test_likenesses_of_another_generator_are_not_mixed(photos: Path, tmp_path: Path):
    encode_many(FakeStudio(), [photos / "a.png"], tmp_path / "out")
    (tmp_path / "out" / JOB).write_text(json.dumps({"generator_sha256": "other"}))
    with pytest.raises(StoreError, match="another generator"):
        encode_many(FakeStudio(), [photos], tmp_path / "out")
    (tmp_path / "out" / JOB).write_text("[]")
    with pytest.raises(StoreError, match="damaged"):
        encode_many(FakeStudio(), [photos], tmp_path / "out")


def test_one_run_at_a_time_writes_a_folder(photos: Path, tmp_path: Path):
    def run_twice(*_: Any) -> Any:
        encode_many(FakeStudio(), [photos], tmp_path / "out")
        yield

    with pytest.raises(StoreError, match="another process"):
        encode_many(FakeStudio(), [photos], tmp_path / "out", executor=run_twice)


KILLED = """
import os, signal, sys
from pathlib import Path
from faceloom.files import atomic_write
from faceloom.workflows.encode_many.places import Folder
from faceloom.workflows.encode_many.run import encode_many
from tests.workflows.test_encode_many import FakeStudio

def write(self, name, content, kept=Folder.write):
    if name == sys.argv[3]:
        with atomic_write(self.path / name) as draft:  # in the middle of the file
            draft.write_bytes(content[:50])
            os.kill(os.getpid(), signal.SIGKILL)
    kept(self, name, content)

Folder.write = write
encode_many(FakeStudio(), [sys.argv[1]], sys.argv[2], every_face=True)
"""


@pytest.mark.parametrize("name", ["b.png-1.likeness", "b.png-0.likeness"])
def test_kill_9_leaves_whole_files_and_nothing_is_done_twice(photos: Path, tmp_path: Path, name: str):
    command = [sys.executable, "-c", KILLED, str(photos), str(tmp_path / "out"), name]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -signal.SIGKILL
    out = tmp_path / "out"
    assert len(list(out.rglob(".*.likeness"))) == 1  # the draft
    summary = encode_many(FakeStudio(tmp_path / "log"), [photos], out, every_face=True)
    assert (len(summary.skipped), summary.encoded) == (1, 3)  # a.png was finished
    assert len((tmp_path / "log").read_text().splitlines()) == 3
    assert len([Likeness.load(path) for path in out.rglob("*.likeness")]) == 8
    assert not list(out.rglob(".*.likeness"))


def make_fake(_: Any, job: EncodeJob) -> PhotoEncoder:
    """Return the encoder of a worker with the fake studio."""
    return PhotoEncoder(FakeStudio(), job)


def test_a_photo_that_kills_its_worker_does_not_stop_the_job(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    paint(photos / "deadly.png", GREEN)
    paint(photos / "red.png", RED)
    monkeypatch.setattr(executors, "make_encoder", make_fake)
    run = executors.encode_in_processes(1)
    summary = encode_many(FakeStudio(), [photos], tmp_path / "out", executor=run)
    assert summary.encoded == 4
    assert summary.reasons == {"image_error": 2, "worker_lost": 1}
    assert "deadly.png" in {failure.photo.rpartition("/")[2] for failure in summary.failures}


class BrokenPool:
    """A pool of processes that all die."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, *_: Any) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(BrokenProcessPool())
        return future

    def shutdown(self, **_: Any) -> None:
        pass


def test_workers_that_never_start_end_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(9):
        paint(tmp_path / "photos" / f"{number}.png", BLUE)
    monkeypatch.setattr(executors, "ProcessPoolExecutor", BrokenPool)
    with pytest.raises(StoreError, match="6 workers died one after the other"):
        encode_many(FakeStudio(), [tmp_path / "photos"], tmp_path / "out", executor=executors.encode_in_processes(2))
