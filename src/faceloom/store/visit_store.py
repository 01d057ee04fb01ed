"""Visits, their people, and what they take home: kept together, and erased together.

Every visit has one row, one folder and one moment at which both are gone. Knows the database and files; not the web.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceloom.store.database import Database

Body = dict[str, Any]


def token() -> str:
    """An id that nobody can guess: 192 random bits."""
    return secrets.token_urlsafe(24)


@dataclass
class Person:
    """Somebody of a visit; `body` is plain JSON data."""

    id: str
    visit: str
    number: int
    body: Body = field(default_factory=dict)


@dataclass
class Visit:
    """One visit; `expires` in seconds since 1970, `kind` is 'booth', or 'api' for a program's."""

    id: str
    kind: str
    state: str
    created: float
    expires: float
    body: Body = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)


@dataclass(frozen=True)
class Take:
    """A file that a visitor takes home, or leaves in the gallery, and until when it can be had."""

    id: str
    visit: str
    file: str
    expires: float
    gallery: bool
    body: Mapping[str, Any]


class VisitStore:
    """The folder of one booth. `clock` tells the time, in seconds since 1970."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.clock = folder, clock
        self.database = Database(folder / "booth.sqlite")
        self.finish_erasing()

    # -- visits -------------------------------------------------------------------------------------------------------

    def begin(self, kind: str, state: str, seconds: float) -> Visit:
        """Begin a visit that is kept for so many seconds from now."""
        now = self.clock()
        visit = Visit(token(), kind, state, now, now + seconds)
        self.database.rows(
            "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?)",
            (visit.id, kind, state, visit.created, visit.expires, json.dumps(visit.body)),
        )
        return visit

    def save(self, visit: Visit) -> None:
        """Write a visit and its people down."""
        with self.database.together():
            self.database.rows(
                "UPDATE visits SET state = ?, expires = ?, body = ? WHERE id = ?",
                (visit.state, visit.expires, json.dumps(visit.body), visit.id),
            )
            for person in visit.people:
                self.database.rows(
                    "INSERT INTO people VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (id) DO UPDATE SET number = excluded.number, body = excluded.body",
                    (person.id, visit.id, person.number, json.dumps(person.body)),
                )

    def visits(self) -> list[Visit]:
        """Every visit that is not over, the oldest first, with its people."""
        people: dict[str, list[Person]] = {}
        for row in self.database.rows("SELECT * FROM people ORDER BY number, rowid"):
            person = Person(row["id"], row["visit"], row["number"], json.loads(row["body"]))
            people.setdefault(row["visit"], []).append(person)
        rows = self.database.rows("SELECT * FROM visits WHERE state != 'wiped' ORDER BY created")
        return [
            Visit(
                row["id"],
                row["kind"],
                row["state"],
                row["created"],
                row["expires"],
                json.loads(row["body"]),
                people.get(row["id"], []),
            )
            for row in rows
        ]

    def folder_of(self, visit: str) -> Path:
        """Where a visit's files lie."""
        return self.folder / "visits" / visit

    # -- erasing ------------------------------------------------------------------------------------------------------

    def erase(self, visit: str, *, takes: bool = True) -> None:
        """Erase a visit: row, people, files; with `takes` what it would take home, too. A crash midway is made good."""
        self.database.rows("UPDATE visits SET state = 'wiped' WHERE id = ?", (visit,))
        erase_folder(self.folder_of(visit))
        if takes:
            self.drop_takes("visit = ? AND NOT gallery", (visit,))
        self.database.rows("DELETE FROM visits WHERE id = ?", (visit,))
        self.database.leave_no_trail()

    def drop_people(self, ids: Iterable[str], visit: str) -> None:
        """Erase some people of a visit, and every file that begins with their ids."""
        for person in ids:
            erase_files(self.folder_of(visit).glob(f"{person}*"))
            self.database.rows("DELETE FROM people WHERE id = ?", (person,))
        self.database.leave_no_trail()

    def finish_erasing(self) -> None:
        """Erase what a crash has left half erased, and folders and files that nobody knows of."""
        for row in self.database.rows("SELECT id FROM visits WHERE state = 'wiped'"):
            self.erase(row["id"])
        known = {row["id"] for row in self.database.rows("SELECT id FROM visits")}
        for folder in (self.folder / "visits").glob("*"):
            if folder.name not in known:
                erase_folder(folder)
        files = {row["file"] for row in self.database.rows("SELECT file FROM takes")}
        for path in (self.folder / "takes").glob("*"):
            if path.is_dir():
                erase_folder(path)
            elif path.name not in files:
                erase_files([path])
        self.database.leave_no_trail()

    # -- takes and the gallery ----------------------------------------------------------------------------------------

    def place_for_take(self, suffix: str) -> tuple[str, Path]:
        """An id for a take, and where its file is to be written."""
        name = token()
        (self.folder / "takes").mkdir(parents=True, exist_ok=True)
        return name, self.folder / "takes" / f"{name}{suffix}"

    def add_take(self, name: str, visit: str, path: Path, seconds: float, body: Mapping[str, Any]) -> Take:
        """Keep a written file for so many seconds."""
        take = Take(name, visit, path.name, self.clock() + seconds, False, dict(body))
        values = (take.id, visit, take.file, take.expires, 0, json.dumps(take.body))
        self.database.rows("INSERT INTO takes VALUES (?, ?, ?, ?, ?, ?)", values)
        return take

    def show_take(self, name: str, shown: bool) -> None:
        """Put a take into the gallery, where it stays until the operator empties it, or take it out."""
        self.database.rows("UPDATE takes SET gallery = ? WHERE id = ?", (int(shown), name))

    def takes(self) -> list[Take]:
        """Every take that can still be had, the oldest first."""
        rows = self.database.rows("SELECT * FROM takes WHERE gallery OR expires > ? ORDER BY rowid", (self.clock(),))
        return [
            Take(row["id"], row["visit"], row["file"], row["expires"], bool(row["gallery"]), json.loads(row["body"]))
            for row in rows
        ]

    def path_of(self, take: Take) -> Path:
        """Where a take's file lies."""
        return self.folder / "takes" / take.file

    def drop_unknown_takes(self, names: Iterable[str]) -> None:
        """Erase the files of takes that never came to be."""
        for name in names:
            erase_files((self.folder / "takes").glob(f"{name}*"))

    def drop_takes(self, where: str = "1", values: tuple[Any, ...] = ()) -> int:
        """Erase takes, all of them unless a condition is given; say how many."""
        rows = self.database.rows(f"SELECT id, file FROM takes WHERE {where}", values)
        erase_files(self.folder / "takes" / row["file"] for row in rows)
        for row in rows:
            self.database.rows("DELETE FROM takes WHERE id = ?", (row["id"],))
        if rows:
            self.database.leave_no_trail()
        return len(rows)

    # -- settings -----------------------------------------------------------------------------------------------------

    def settings(self) -> Body:
        """What the operator has set."""
        return {row["name"]: json.loads(row["value"]) for row in self.database.rows("SELECT * FROM settings")}

    def set(self, values: Mapping[str, Any]) -> None:
        """Set some of it."""
        with self.database.together():
            for name, value in values.items():
                self.database.rows("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))


def erase_folder(folder: Path) -> None:
    """Erase a folder of files, if it is there."""
    if folder.is_dir():
        erase_files(folder.iterdir())
        folder.rmdir()


def erase_files(paths: Iterable[Path]) -> None:
    """Overwrite files with zeros, then unlink them: on most disks nothing is left to be undeleted."""
    for path in list(paths):
        try:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            continue
