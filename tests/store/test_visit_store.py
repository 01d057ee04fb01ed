"""The booth's store: visits survive a restart, and what is erased is in no file."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path

import pytest

from faceloom.errors import StoreError
from faceloom.store import Database, Person, Visit, VisitStore
from faceloom.store.database import MIGRATIONS
from faceloom.store.models import Recipe

SECRET = b"a-face-that-must-be-erased"


def files_with(folder: Path, secret: bytes = SECRET) -> list[str]:
    """Return the names of the files that contain a secret."""
    return [path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


@pytest.fixture
def store(tmp_path: Path) -> VisitStore:
    return VisitStore(tmp_path)


def begin_visit(store: VisitStore, seconds: float = 60) -> Visit:
    """Store a visit with a person and files that all contain the secret."""
    visit = store.begin("booth", "play", seconds)
    visit.people.append(Person(id="p1", visit=visit.id, number=0, photo=SECRET.decode(), playable=True))
    visit.notes.append(SECRET.decode())
    store.save(visit)
    folder = store.folder_of(visit.id)
    folder.mkdir(parents=True)
    for name in ("photo-1.jpg", "p1.jpg", "p1.likeness", "p1.1.likeness"):
        (folder / name).write_bytes(SECRET * 100)
    return visit


def test_a_visit_survives_a_restart(store, tmp_path):
    visit = begin_visit(store)
    store.database.close()
    assert VisitStore(tmp_path).visits() == [visit]


def test_rows_of_earlier_versions_are_read(store):
    """Rows as the first version wrote them: keys that were not set yet are missing."""
    visit = begin_visit(store)
    step = {"base": "", "controls": {}, "coefficients": {}}
    body = {"face": 0, "photo": "photo-1.jpg", "playable": True, "better": False, "improved": 0.0, "quality": {}}
    body |= {"traits": {"age": 30.0}, "sliders": [], "history": [step], "at": 0, "kept": [step | {"id": "k"}]}
    body |= {"bases": 0, "version": 1, "borrowed": {"v": ["1"]}, "inherited": {"coarse": 0.5}, "parents": ["a", "b"]}
    store.database.rows("UPDATE people SET body = ?", (json.dumps(body),))
    face = {"number": 0, "box": [1.0, 2.0, 3.0, 4.0], "size": 100}
    consent = {"at": "2025-01-01T00:00:00+00:00", "text": "1", "retention_minutes": 15}
    row = {
        "consent": consent,
        "photos": 1,
        "photo": "photo-1.jpg",
        "size": [640, 480],
        "faces": [face],
        "touched": True,
    }
    store.database.rows("UPDATE visits SET body = ?", (json.dumps(row),))
    (back,) = store.visits()
    assert (back.id, back.size, back.faces[0].box) == (visit.id, (640, 480), (1.0, 2.0, 3.0, 4.0))
    assert back.people[0].traits == {"age": 30.0}
    assert back.people[0].kept[0].step == back.people[0].step


@pytest.mark.parametrize("table", ["visits", "people"])
def test_a_visit_that_cannot_be_read_is_erased(store, tmp_path, caplog, table):
    begin_visit(store)
    caplog.set_level(logging.WARNING)
    store.database.rows(f"UPDATE {table} SET body = ?", (json.dumps({"quality": {"photo": 7}, "photos": "many"}),))
    assert store.visits() == []
    assert "cannot be read" in caplog.text
    assert not files_with(tmp_path)
    assert not list((tmp_path / "visits").iterdir())


def test_a_download_that_cannot_be_read_is_erased(store, tmp_path, caplog):
    name, path = store.reserve_download(".jpg")
    path.write_bytes(SECRET)
    store.add_download(name, "v", path, 60, Recipe(form="single"))
    store.database.rows("UPDATE takes SET body = '{}'")
    assert store.downloads() == []
    assert "cannot be read" in caplog.text
    assert not files_with(tmp_path)


def test_an_erased_visit_leaves_nothing(store, tmp_path):
    visit = begin_visit(store)
    name, path = store.reserve_download(".jpg")
    path.write_bytes(SECRET)
    store.add_download(name, visit.id, path, 60, Recipe(form="single", faceloom=SECRET.decode()))
    assert len(files_with(tmp_path)) >= 5
    store.erase(visit.id)
    assert not files_with(tmp_path)
    assert not store.visits()
    assert not store.downloads()
    assert not store.folder_of(visit.id).exists()


def test_a_download_outlives_its_visit_until_it_expires(tmp_path):
    clock = [1000.0]
    store = VisitStore(tmp_path, lambda: clock[0])
    visit = begin_visit(store)
    name, path = store.reserve_download(".jpg")
    path.write_bytes(SECRET)
    store.add_download(name, visit.id, path, 60, Recipe(form="film"))
    store.erase(visit.id, downloads=False)
    assert files_with(tmp_path) == [path.name]
    assert [download.id for download in store.downloads()] == [name]
    clock[0] += 61
    assert not store.downloads()
    assert store.erase_downloads("NOT gallery AND expires <= ?", (clock[0],)) == 1
    assert not files_with(tmp_path)


def test_a_recipe_keeps_only_the_fields_that_were_set(store):
    name, path = store.reserve_download(".mp4")
    path.write_bytes(b"film")
    store.add_download(name, "v", path, 60, Recipe(form="film"))
    (download,) = store.downloads()
    assert download.recipe.model_dump(exclude_unset=True) == {"form": "film"}


def test_the_gallery_stays_until_it_is_emptied(store):
    visit = begin_visit(store)
    name, path = store.reserve_download(".jpg")
    path.write_bytes(b"shown")
    store.add_download(name, visit.id, path, -1, Recipe(form="single"))
    store.set_gallery(name, True)
    store.erase(visit.id)
    assert [download.gallery for download in store.downloads()] == [True]
    assert path.exists()
    store.erase_downloads("gallery")
    assert not path.exists()


def test_erasing_that_a_crash_interrupted_is_finished_at_the_next_start(store, tmp_path):
    visit = begin_visit(store)
    store.database.rows("UPDATE visits SET state = 'wiped' WHERE id = ?", (visit.id,))
    (tmp_path / "visits" / "unknown").mkdir()
    (tmp_path / "visits" / "unknown" / "p.likeness").write_bytes(SECRET)
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes" / "orphan.jpg").write_bytes(SECRET)
    store.database.close()
    assert not VisitStore(tmp_path).visits()
    assert not files_with(tmp_path)


def test_one_person_can_be_erased(store):
    visit = begin_visit(store)
    store.erase_people(["p1"], visit.id)
    assert sorted(path.name for path in store.folder_of(visit.id).iterdir()) == ["photo-1.jpg"]
    assert not store.visits()[0].people


def test_a_transaction_is_committed_whole_or_not_at_all(store):
    def fail_halfway() -> None:
        with store.database.transaction():
            store.database.rows("INSERT INTO settings VALUES ('a', '1')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert store.settings() == {}
    store.save_settings({"event": "Fest", "kiosk": True})
    assert store.settings() == {"event": "Fest", "kiosk": True}


def test_the_database_is_durable_and_erases_what_it_deletes(store):
    pragmas = {
        name: store.database.rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "secure_delete")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_files_of_every_earlier_version_are_migrated(tmp_path):
    for version in range(len(MIGRATIONS) + 1):
        path = tmp_path / f"{version}.sqlite"
        connection = sqlite3.connect(path)
        for number in range(version):
            connection.executescript(f"{MIGRATIONS[number]} PRAGMA user_version={number + 1};")
        connection.close()
        database = Database(path)
        assert database.rows("PRAGMA user_version")[0][0] == len(MIGRATIONS)
        assert database.rows("SELECT count(*) FROM visits")[0][0] == 0
        database.close()


def test_files_of_a_newer_version_and_damaged_files_are_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "new.sqlite")
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer"):
        Database(tmp_path / "new.sqlite")
    (tmp_path / "bad.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot open"):
        Database(tmp_path / "bad.sqlite")
