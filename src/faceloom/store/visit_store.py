"""Storage of visits, their people and their downloads: kept together, and erased together.

Every visit has one row and one folder, and both are erased at the same time. The columns `body` hold JSON: the fields
of the models that have no column of their own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faceloom.errors import StoreError
from faceloom.store.database import Database
from faceloom.store.erasing import ErasePending, Erasures, erase_files, erase_folder, run_every
from faceloom.store.models import Consent, Download, Recipe, Visit, VisitKind, VisitState
from faceloom.store.spool import purge_job

VISIT_COLUMNS = {"id", "kind", "state", "created", "expires", "people"}
"""Fields of a visit that are not in its JSON: they have a column, or rows of their own."""

PERSON_COLUMNS = {"id", "visit", "number"}

log = logging.getLogger("faceloom.booth")


def make_token() -> str:
    """Return a random id of 192 bits, which cannot be guessed."""
    return secrets.token_urlsafe(24)


class VisitStore:
    """The folder of one booth. `clock` returns the time in seconds since 1970."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.clock = folder, clock
        self.database = Database(folder / "booth.sqlite")
        self.erasures = Erasures()
        self.finish_erasing()
        self._erase_leftovers()

    # -- visits -------------------------------------------------------------------------------------------------------

    def begin(self, kind: VisitKind, state: VisitState, seconds: float) -> Visit:
        """Create a visit that expires in `seconds`."""
        now = self.clock()
        visit = Visit(id=make_token(), kind=kind, state=state, created=now, expires=now + seconds)
        self.database.rows(
            "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?)",
            (visit.id, kind, state, visit.created, visit.expires, visit.model_dump_json(exclude=VISIT_COLUMNS)),
        )
        return visit

    def save(self, visit: Visit) -> None:
        """Write a visit and its people to the database."""
        with self.database.transaction():
            self.database.rows(
                "UPDATE visits SET state = ?, expires = ?, body = ? WHERE id = ?",
                (visit.state, visit.expires, visit.model_dump_json(exclude=VISIT_COLUMNS), visit.id),
            )
            for person in visit.people:
                self.database.rows(
                    "INSERT INTO people VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (id) DO UPDATE SET number = excluded.number, body = excluded.body",
                    (person.id, visit.id, person.number, person.model_dump_json(exclude=PERSON_COLUMNS)),
                )

    def visits(self) -> list[Visit]:
        """Return every stored visit with its people, the oldest first. Erases visits that cannot be read."""
        people: dict[str, list[dict[str, Any]]] = {}
        for row in self.database.rows("SELECT * FROM people ORDER BY number, rowid"):
            people.setdefault(row["visit"], []).append(_fields(row))
        visits = []
        for row in self.database.rows("SELECT * FROM visits WHERE state != 'wiped' ORDER BY created"):
            try:
                visits.append(Visit.model_validate(_fields(row) | {"people": people.get(row["id"], [])}))
            except (ValidationError, ValueError):
                log.warning("erased a stored visit that cannot be read")
                self._try_to_erase(("visit", row["id"]), partial(self._erase_visit, row["id"], True))
        return visits

    def folder_of(self, visit_id: str) -> Path:
        """Return the folder of a visit's files."""
        return self.folder / "visits" / visit_id

    # -- consent ------------------------------------------------------------------------------------------------------

    def add_consent(self, visit_id: str, consent: Consent) -> None:
        """Record a consent to the pictures of a visit. It is erased together with the visit."""
        self.database.rows(
            "INSERT INTO consents (visit, kind, body) VALUES (?, ?, ?)",
            (visit_id, consent.kind, consent.model_dump_json(exclude={"kind"})),
        )

    def consents(self, visit_id: str) -> list[Consent]:
        """Return the recorded consents to the pictures of a visit, the oldest first."""
        rows = self.database.rows("SELECT kind, body FROM consents WHERE visit = ? ORDER BY id", (visit_id,))
        return [Consent(kind=row["kind"], **json.loads(row["body"])) for row in rows]

    # -- erasing ------------------------------------------------------------------------------------------------------

    def mark_erased(self, visit_id: str) -> None:
        """Mark a visit as over and delete its personal data from the database, as far as the disk allows this now.

        A marked visit is never returned again: when the process ends before `erase`, the next start erases the rest.
        """
        with contextlib.suppress(StoreError), self.database.transaction():
            self.database.rows("UPDATE visits SET state = 'wiped', body = '{}' WHERE id = ?", (visit_id,))
            self.database.rows("DELETE FROM people WHERE visit = ?", (visit_id,))
            self.database.rows("DELETE FROM consents WHERE visit = ?", (visit_id,))

    def erase(self, visit_id: str, *, downloads: bool = True) -> None:
        """Erase a visit: its row, people and files, and with `downloads` its downloads outside the gallery.

        Raises ErasePending when something is left; `retry_erasing` then tries again.
        """
        self.erasures.run(("visit", visit_id), partial(self._erase_visit, visit_id, downloads))

    def _erase_visit(self, visit_id: str, downloads: bool) -> None:
        self.mark_erased(visit_id)  # may fail on a full disk, until files are unlinked
        steps = [partial(erase_folder, self.folder_of(visit_id))]
        if downloads:
            steps.append(partial(self._erase_downloads_of, visit_id))
        run_every(*steps)
        self.database.rows("DELETE FROM visits WHERE id = ?", (visit_id,))
        self.database.truncate_log()

    def _erase_downloads_of(self, visit_id: str) -> None:
        self.erase_downloads("visit = ? AND NOT gallery", (visit_id,))

    def erase_people(self, ids: Iterable[str], visit_id: str) -> None:
        """Erase some people of a visit, and every file of it that begins with their ids. Raises ErasePending."""
        self.erasures.run_all(
            (("person", visit_id, person), partial(self._erase_person, visit_id, person)) for person in ids
        )

    def _erase_person(self, visit_id: str, person: str) -> None:
        folder = self.folder_of(visit_id)
        run_every(
            lambda: erase_files([*folder.glob(f"{person}*"), *folder.glob(f".{person}*")]),  # drafts begin with a dot
            lambda: self._delete_rows("people", person),
        )
        self.database.truncate_log()

    def _delete_rows(self, table: str, id: str) -> None:
        self.database.rows(f"DELETE FROM {table} WHERE id = ?", (id,))

    def retry_erasing(self) -> None:
        """Try again what could not be erased. Raises ErasePending when something is still left."""
        self.erasures.retry()

    def finish_erasing(self) -> None:
        """Erase visits that are marked as over, and folders and files without a row. What fails stays on record."""
        for row in self.database.rows("SELECT id FROM visits WHERE state = 'wiped'"):
            self._try_to_erase(("visit", row["id"]), partial(self._erase_visit, row["id"], True))
        known = {row["id"] for row in self.database.rows("SELECT id FROM visits")}
        for folder in (self.folder / "visits").glob("*"):
            if folder.name not in known:
                self._try_to_erase(("folder", folder.name), partial(erase_folder, folder))
        files = {row["file"] for row in self.database.rows("SELECT file FROM takes")}
        for path in self._downloads_folder.glob("*"):
            if path.is_dir():
                self._try_to_erase(("file", path.name), partial(erase_folder, path))
            elif path.name not in files:
                self._try_to_erase(("file", path.name), partial(erase_files, [path]))
        self._try_to_erase(("log",), self.database.truncate_log)

    def _try_to_erase(self, key: tuple[str, ...], erase: Callable[[], None]) -> None:
        with contextlib.suppress(ErasePending):
            self.erasures.run(key, erase)

    def _erase_leftovers(self) -> None:
        """Erase, at the start, what an interrupted erasure has left of visits that go on.

        These are files of people and photos without a row, people whose likeness is gone, and visits whose folder is
        gone: their erasure could not be recorded on a full disk. Casts are left alone.
        """
        for visit in self.visits():
            if visit.kind == "cast":
                continue  # it is made again where it was interrupted
            folder = self.folder_of(visit.id)
            has_files = bool(visit.photo) or any(person.playable for person in visit.people)
            if has_files and not folder.is_dir():
                self._try_to_erase(("visit", visit.id), partial(self._erase_visit, visit.id, True))
                continue
            gone = [p.id for p in visit.people if p.playable and not (folder / f"{p.id}.likeness").is_file()]
            photos = {visit.photo, *(person.photo for person in visit.people if person.id not in gone)}
            ids = tuple(person.id for person in visit.people if person.id not in gone)
            for person in gone:
                self._try_to_erase(("person", visit.id, person), partial(self._erase_person, visit.id, person))
            left = [path for path in folder.glob("*") if path.name not in photos and not path.name.startswith(ids)]
            if left:
                self._try_to_erase(("files", visit.id), partial(erase_files, left))

    # -- downloads and the gallery ------------------------------------------------------------------------------------

    def reserve_download(self, suffix: str) -> tuple[str, Path]:
        """Return a new id for a download, and the path to write its file to."""
        download_id = make_token()
        self._downloads_folder.mkdir(parents=True, exist_ok=True)
        return download_id, self._downloads_folder / f"{download_id}{suffix}"

    def add_download(self, download_id: str, visit_id: str, path: Path, seconds: float, recipe: Recipe) -> Download:
        """Store a written file as a download that expires in `seconds`."""
        download = Download(
            id=download_id, visit=visit_id, file=path.name, expires=self.clock() + seconds, gallery=False, recipe=recipe
        )
        values = (download_id, visit_id, path.name, download.expires, 0, recipe.model_dump_json(exclude_unset=True))
        self.database.rows("INSERT INTO takes VALUES (?, ?, ?, ?, ?, ?)", values)
        return download

    def set_gallery(self, download_id: str, shown: bool) -> None:
        """Show a download in the gallery, where it stays until the operator empties it, or remove it from there."""
        self.database.rows("UPDATE takes SET gallery = ? WHERE id = ?", (int(shown), download_id))

    def downloads(self) -> list[Download]:
        """Return every download that has not expired, the oldest first. Erases those that cannot be read."""
        downloads = []
        rows = self.database.rows("SELECT * FROM takes WHERE gallery OR expires > ? ORDER BY rowid", (self.clock(),))
        for row in rows:
            if ("download", row["id"]) in self.erasures.unfinished:
                continue
            try:
                recipe = Recipe.model_validate_json(row["body"])
                fields = {key: row[key] for key in ("id", "visit", "file", "expires", "gallery")}
                downloads.append(Download.model_validate(fields | {"recipe": recipe}))
            except ValidationError:
                log.warning("erased a stored download that cannot be read")
                erase = partial(self._erase_download, row["id"], row["file"])
                self._try_to_erase(("download", row["id"]), erase)
        return downloads

    def path_of(self, download: Download) -> Path:
        """Return the path of a download's file."""
        return self._downloads_folder / download.file

    def erase_reserved_downloads(self, names: Iterable[str]) -> None:
        """Erase the files of downloads that were reserved and never added. Raises ErasePending."""
        self.erasures.run_all((("reserved", name), partial(self._erase_reserved, name)) for name in names)

    def _erase_reserved(self, name: str) -> None:
        folder = self._downloads_folder
        erase_files([*folder.glob(f"{name}*"), *folder.glob(f".{name}*")])  # drafts begin with a dot

    def erase_downloads(self, where: str = "1", values: tuple[Any, ...] = ()) -> int:
        """Erase all downloads, or those that a SQL condition selects, and return their number. Raises ErasePending."""
        rows = self.database.rows(f"SELECT id, file FROM takes WHERE {where}", values)
        steps = [(("download", row["id"]), partial(self._erase_download, row["id"], row["file"])) for row in rows]
        self.erasures.run_all([*steps, (("log",), self.database.truncate_log)] if rows else ())
        return len(rows)

    def _erase_download(self, id: str, file: str) -> None:
        with contextlib.suppress(StoreError):  # a full disk may refuse this until the file is unlinked
            self.database.rows("UPDATE takes SET expires = 0, gallery = 0 WHERE id = ?", (id,))
        run_every(partial(erase_files, [self._downloads_folder / file]), partial(self._purge_prints, id))
        self._delete_rows("takes", id)

    # -- prints -------------------------------------------------------------------------------------------------------

    def add_print_job(self, download_id: str, job: str) -> None:
        """Record that a download was given to the printer, so that erasing it also erases it from the spool."""
        self.database.rows("INSERT OR REPLACE INTO print_jobs VALUES (?, ?)", (job, download_id))

    def _purge_prints(self, download_id: str) -> None:
        for row in self.database.rows("SELECT job FROM print_jobs WHERE take = ?", (download_id,)):
            purge_job(row["job"])
            self.database.rows("DELETE FROM print_jobs WHERE job = ?", (row["job"],))

    @property
    def _downloads_folder(self) -> Path:
        return self.folder / "takes"

    # -- settings -----------------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """Return the settings that the operator changed, by name. Leaves out values that are not JSON."""
        settings = {}
        for row in self.database.rows("SELECT * FROM settings"):
            with contextlib.suppress(ValueError):
                settings[row["name"]] = json.loads(row["value"])
        return settings

    def save_settings(self, values: Mapping[str, Any]) -> None:
        """Write some settings."""
        with self.database.transaction():
            for name, value in values.items():
                self.database.rows("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))


def _fields(row: sqlite3.Row) -> dict[str, Any]:
    """Return the columns of a row and the keys of its JSON as one dict. Columns win."""
    columns = dict(row)
    body = json.loads(columns.pop("body"))
    return {**body, **columns} if isinstance(body, dict) else columns
