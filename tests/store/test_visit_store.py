"""The booth's store: visits survive a restart, and what is erased is nowhere to be found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from faceloom.errors import StoreError
from faceloom.store import Database, Person, VisitStore
from faceloom.store.database import MIGRATIONS

SECRET = b"a-face-that-nobody-may-find"


def found(folder: Path, secret: bytes = SECRET) -> list[str]:
    """The files that hold a secret."""
    return [path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


@pytest.fixture
def keep(tmp_path: Path) -> VisitStore:
    return VisitStore(tmp_path)


def begun(keep: VisitStore, seconds: float = 60):
    """A visit with a person and files, all of which hold the secret."""
    visit = keep.begin("booth", "play", seconds)
    visit.people.append(Person("p1", visit.id, 0, {"secret": SECRET.decode()}))
    visit.body["secret"] = SECRET.decode()
    keep.save(visit)
    folder = keep.folder_of(visit.id)
    folder.mkdir(parents=True)
    for name in ("photo-1.jpg", "p1.jpg", "p1.likeness", "p1.1.likeness"):
        (folder / name).write_bytes(SECRET * 100)
    return visit


def test_a_visit_survives_a_restart(keep, tmp_path):
    visit = begun(keep)
    keep.database.close()
    (back,) = VisitStore(tmp_path).visits()
    assert (back.id, back.state, back.body) == (visit.id, "play", visit.body)
    assert [person.body for person in back.people] == [person.body for person in visit.people]


def test_an_erased_visit_is_nowhere(keep, tmp_path):
    visit = begun(keep)
    name, path = keep.place_for_take(".jpg")
    path.write_bytes(SECRET)
    keep.add_take(name, visit.id, path, 60, {"secret": SECRET.decode()})
    assert len(found(tmp_path)) >= 5
    keep.erase(visit.id)
    assert not found(tmp_path)
    assert not keep.visits()
    assert not keep.takes()
    assert not keep.folder_of(visit.id).exists()


def test_what_is_taken_home_outlives_the_visit_until_its_own_time(tmp_path):
    clock = [1000.0]
    keep = VisitStore(tmp_path, lambda: clock[0])
    visit = begun(keep)
    name, path = keep.place_for_take(".jpg")
    path.write_bytes(SECRET)
    keep.add_take(name, visit.id, path, 60, {})
    keep.erase(visit.id, takes=False)
    assert found(tmp_path) == [path.name]
    assert [take.id for take in keep.takes()] == [name]
    clock[0] += 61
    assert not keep.takes()
    assert keep.drop_takes("NOT gallery AND expires <= ?", (clock[0],)) == 1
    assert not found(tmp_path)


def test_the_gallery_stays_until_it_is_emptied(keep, tmp_path):
    visit = begun(keep)
    name, path = keep.place_for_take(".jpg")
    path.write_bytes(b"shown")
    keep.add_take(name, visit.id, path, -1, {})
    keep.show_take(name, True)
    keep.erase(visit.id)
    assert [take.gallery for take in keep.takes()] == [True]
    assert path.exists()
    keep.drop_takes("gallery")
    assert not path.exists()


def test_erasing_that_a_crash_cut_short_is_finished_at_the_next_start(keep, tmp_path):
    visit = begun(keep)
    keep.database.rows("UPDATE visits SET state = 'wiped' WHERE id = ?", (visit.id,))
    (tmp_path / "visits" / "nobody").mkdir()
    (tmp_path / "visits" / "nobody" / "p.likeness").write_bytes(SECRET)
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes" / "orphan.jpg").write_bytes(SECRET)
    keep.database.close()
    again = VisitStore(tmp_path)
    assert not again.visits()
    assert not found(tmp_path)


def test_one_person_can_be_erased(keep, tmp_path):
    visit = begun(keep)
    keep.drop_people(["p1"], visit.id)
    assert sorted(path.name for path in keep.folder_of(visit.id).iterdir()) == ["photo-1.jpg"]
    assert not keep.visits()[0].people


def test_what_several_statements_do_is_kept_whole_or_not_at_all(keep):
    def half() -> None:
        with keep.database.together():
            keep.database.rows("INSERT INTO settings VALUES ('a', '1')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert keep.settings() == {}
    keep.set({"event": "Fest", "kiosk": True})
    assert keep.settings() == {"event": "Fest", "kiosk": True}


def test_the_database_is_as_safe_as_it_says(keep):
    says = {
        name: keep.database.rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "secure_delete")
    }
    assert says == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_every_older_file_is_brought_up_to_date(tmp_path):
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


def test_a_file_of_a_newer_faceloom_and_a_damaged_one_are_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "new.sqlite")
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer"):
        Database(tmp_path / "new.sqlite")
    (tmp_path / "bad.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot open"):
        Database(tmp_path / "bad.sqlite")
