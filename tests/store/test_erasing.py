"""Erasing on a full or broken disk: at every step an error is injected, and nothing is ever forgotten."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faceloom.errors import StoreError
from faceloom.store import Database, ErasePending, VisitStore
from faceloom.store.models import Recipe
from tests.store.test_visit_store import SECRET, begin_visit, files_with

FILE_FAULTS = ("overwrite", "fsync", "unlink", "rmdir")
STATEMENTS = ("UPDATE visits", "DELETE FROM people", "UPDATE takes", "DELETE FROM takes", "DELETE FROM visits")
SQL_FAULTS = (*STATEMENTS, "BEGIN", "COMMIT", "PRAGMA wal_checkpoint")
FAULTS = (*FILE_FAULTS, *SQL_FAULTS, "every statement", "everything")


@contextmanager
def broken_disk(fault: str, folder: Path) -> Iterator[None]:
    """Make one kind of operation fail below a folder, as a full disk does, or all of them."""
    broken = {fault}
    if fault == "everything":
        broken = {*FILE_FAULTS, "every statement"}

    def fails(name: str, original: Callable) -> Callable:
        def run(self: Path, *args, **options):
            wanted = name != "overwrite" or args[:1] == ("r+b",)
            if name in broken and wanted and self.is_relative_to(folder):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
            return original(self, *args, **options)

        return run

    def sync(descriptor: int) -> None:
        if "fsync" in broken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    def query(self: Database, text: str, values=()):
        is_write = not text.startswith(("SELECT", "ROLLBACK"))
        if self.path.is_relative_to(folder) and (
            ("every statement" in broken and is_write)
            or any(text.startswith(name) for name in broken & set(SQL_FAULTS))
        ):
            raise StoreError("the booth's data cannot be written: database or disk is full", "is the disk full?")
        return rows(self, text, values)

    fsync, rows = os.fsync, Database.rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", fails("overwrite", Path.open))
        patch.setattr(Path, "unlink", fails("unlink", Path.unlink))
        patch.setattr(Path, "rmdir", fails("rmdir", Path.rmdir))
        patch.setattr(os, "fsync", sync)
        patch.setattr(Database, "rows", query)
        yield


@pytest.fixture
def store(tmp_path: Path) -> VisitStore:
    return VisitStore(tmp_path)


def add_download(store: VisitStore, visit_id: str) -> str:
    """Store a download that contains the secret, and return its id."""
    name, path = store.reserve_download(".jpg")
    path.write_bytes(SECRET)
    store.add_download(name, visit_id, path, 60, Recipe(form="single", faceloom=SECRET.decode()))
    return name


def try_to(action: Callable[[], object]) -> bool:
    """Run an action, and return whether it was pending."""
    try:
        action()
    except ErasePending:
        return True
    return False


def assert_nothing_is_left(store: VisitStore, folder: Path) -> None:
    assert not store.erasures.unfinished
    assert not files_with(folder)
    assert not list((folder / "visits").glob("*"))
    assert not list((folder / "takes").glob("*"))
    assert not store.visits()
    assert not store.downloads()


@pytest.mark.parametrize("fault", FAULTS)
def test_what_could_not_be_erased_is_erased_by_a_retry(store, tmp_path, fault):
    visit = begin_visit(store)
    add_download(store, visit.id)
    with broken_disk(fault, tmp_path):
        pending = try_to(lambda: store.erase(visit.id))
        assert pending == bool(store.erasures.unfinished)
        if fault not in ("unlink", "everything"):
            assert not list(store.folder_of(visit.id).glob("*"))
            assert not list((tmp_path / "takes").glob("*"))
        assert not store.downloads() or fault == "everything"
        assert try_to(store.retry_erasing) == pending
    optional = ("overwrite", "fsync", "UPDATE visits", "UPDATE takes", "DELETE FROM people", "BEGIN", "COMMIT")
    assert pending or fault in optional
    store.retry_erasing()
    assert_nothing_is_left(store, tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_could_not_be_erased_is_erased_at_the_next_start(store, tmp_path, fault):
    visit = begin_visit(store)
    add_download(store, visit.id)
    with broken_disk(fault, tmp_path):
        try_to(lambda: store.erase(visit.id))
    if fault == "everything":
        return  # no record of it could be written anywhere: it lasts until the process ends
    store.database.close()
    assert_nothing_is_left(VisitStore(tmp_path), tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_opens_on_a_broken_disk_and_keeps_what_is_left_on_record(store, tmp_path, fault):
    visit = begin_visit(store)
    store.database.rows("UPDATE visits SET state = 'wiped' WHERE id = ?", (visit.id,))
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes" / "orphan.jpg").write_bytes(SECRET)
    store.database.close()
    with broken_disk(fault, tmp_path):
        again = VisitStore(tmp_path)
        assert not again.visits()
    again.retry_erasing()
    assert_nothing_is_left(again, tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_people_and_downloads_are_erased_by_a_retry(store, tmp_path, fault):
    visit = begin_visit(store)
    (store.folder_of(visit.id) / ".p1-draft.likeness").write_bytes(SECRET)
    name = add_download(store, visit.id)
    reserved, path = store.reserve_download("")
    path.with_suffix(".mp4").write_bytes(SECRET)
    with broken_disk(fault, tmp_path):
        try_to(lambda: store.erase_people(["p1", "photo-"], visit.id))
        try_to(lambda: store.erase_downloads("id = ?", (name,)))
        try_to(lambda: store.erase_reserved_downloads([reserved]))
    store.retry_erasing()
    assert not list(store.folder_of(visit.id).glob("*"))
    assert not list((tmp_path / "takes").glob("*"))
    assert not store.visits()[0].people


def test_leftovers_of_a_person_are_erased_at_the_next_start(store, tmp_path):
    visit = begin_visit(store)
    folder = store.folder_of(visit.id)
    for name in ("p0.likeness", ".p0-draft.jpg", "photo-9.jpg"):
        (folder / name).write_bytes(SECRET)
    visit.photo = "photo-1.jpg"
    store.save(visit)
    store.database.close()
    again = VisitStore(tmp_path)
    kept = ["p1.1.likeness", "p1.jpg", "p1.likeness", "photo-1.jpg"]
    assert sorted(path.name for path in folder.iterdir()) == kept
    (folder / "p1.likeness").unlink()
    again.database.close()
    assert not VisitStore(tmp_path).visits()[0].people
    assert sorted(path.name for path in folder.iterdir()) == ["photo-1.jpg"]


def test_a_failed_transaction_does_not_hide_its_error(store):
    with broken_disk("COMMIT", store.folder), pytest.raises(StoreError, match="full"), store.database.transaction():
        store.database.rows("INSERT INTO settings VALUES ('a', '1')")
    assert store.settings() == {}
    store.save_settings({"event": "Fest"})
    store.database.rows("INSERT INTO settings VALUES ('bad', ?)", ("9" * 5000,))
    assert store.settings() == {"event": "Fest"}
