"""Storage of visits, their people and their downloads: kept together, and erased together.

Every visit has one row and one folder, and both are erased at the same time. The columns `body` hold JSON: the fields
of the models that have no column of their own.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faceloom.store.database import Database
from faceloom.store.models import Download, Recipe, Visit, VisitKind, VisitState

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
        self.finish_erasing()

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
                self.erase(row["id"])
        return visits

    def folder_of(self, visit_id: str) -> Path:
        """Return the folder of a visit's files."""
        return self.folder / "visits" / visit_id

    # -- erasing ------------------------------------------------------------------------------------------------------

    def erase(self, visit_id: str, *, downloads: bool = True) -> None:
        """Erase a visit: its row, people and files, and with `downloads` its downloads outside the gallery.

        The row is marked first: after a crash, `finish_erasing` erases the rest.
        """
        self.database.rows("UPDATE visits SET state = 'wiped' WHERE id = ?", (visit_id,))
        erase_folder(self.folder_of(visit_id))
        if downloads:
            self.erase_downloads("visit = ? AND NOT gallery", (visit_id,))
        self.database.rows("DELETE FROM visits WHERE id = ?", (visit_id,))
        self.database.truncate_log()

    def erase_people(self, ids: Iterable[str], visit_id: str) -> None:
        """Erase some people of a visit, and every file of it that begins with their ids."""
        for person in ids:
            erase_files(self.folder_of(visit_id).glob(f"{person}*"))
            self.database.rows("DELETE FROM people WHERE id = ?", (person,))
        self.database.truncate_log()

    def finish_erasing(self) -> None:
        """Erase visits that a crash left half erased, and folders and files without a row."""
        for row in self.database.rows("SELECT id FROM visits WHERE state = 'wiped'"):
            self.erase(row["id"])
        known = {row["id"] for row in self.database.rows("SELECT id FROM visits")}
        for folder in (self.folder / "visits").glob("*"):
            if folder.name not in known:
                erase_folder(folder)
        files = {row["file"] for row in self.database.rows("SELECT file FROM takes")}
        for path in self._downloads_folder.glob("*"):
            if path.is_dir():
                erase_folder(path)
            elif path.name not in files:
                erase_files([path])
        self.database.truncate_log()

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
            try:
                recipe = Recipe.model_validate_json(row["body"])
                fields = {key: row[key] for key in ("id", "visit", "file", "expires", "gallery")}
                downloads.append(Download.model_validate(fields | {"recipe": recipe}))
            except ValidationError:
                log.warning("erased a stored download that cannot be read")
                self.erase_downloads("id = ?", (row["id"],))
        return downloads

    def path_of(self, download: Download) -> Path:
        """Return the path of a download's file."""
        return self._downloads_folder / download.file

    def erase_reserved_downloads(self, names: Iterable[str]) -> None:
        """Erase the files of downloads that were reserved and never added."""
        for name in names:
            erase_files(self._downloads_folder.glob(f"{name}*"))

    def erase_downloads(self, where: str = "1", values: tuple[Any, ...] = ()) -> int:
        """Erase all downloads, or those that a SQL condition selects, and return their number."""
        rows = self.database.rows(f"SELECT id, file FROM takes WHERE {where}", values)
        erase_files(self._downloads_folder / row["file"] for row in rows)
        for row in rows:
            self.database.rows("DELETE FROM takes WHERE id = ?", (row["id"],))
        if rows:
            self.database.truncate_log()
        return len(rows)

    @property
    def _downloads_folder(self) -> Path:
        return self.folder / "takes"

    # -- settings -----------------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """Return the settings that the operator changed, by name."""
        return {row["name"]: json.loads(row["value"]) for row in self.database.rows("SELECT * FROM settings")}

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


def erase_folder(folder: Path) -> None:
    """Erase a folder of files, if it exists."""
    if folder.is_dir():
        erase_files(folder.iterdir())
        folder.rmdir()


def erase_files(paths: Iterable[Path]) -> None:
    """Overwrite files with zeros, then unlink them: on most disks their content cannot be recovered."""
    for path in list(paths):
        try:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            continue
