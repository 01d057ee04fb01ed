"""A SQLite file that survives a power cut and keeps nothing that was deleted.

The file uses WAL with `synchronous=FULL`: a committed transaction survives a power cut. `secure_delete` overwrites
deleted rows; `truncate_log` empties the write-ahead log, which holds copies of old pages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from faceloom.errors import StoreError

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE visits (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL,
        body TEXT NOT NULL
    );
    CREATE TABLE people (
        id TEXT PRIMARY KEY, visit TEXT NOT NULL REFERENCES visits(id) ON DELETE CASCADE, number INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX people_by_visit ON people (visit, number);
    CREATE TABLE takes (
        id TEXT PRIMARY KEY, visit TEXT NOT NULL, file TEXT NOT NULL, expires REAL NOT NULL, gallery INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    """
    CREATE TABLE consents (
        id INTEGER PRIMARY KEY, visit TEXT NOT NULL REFERENCES visits(id) ON DELETE CASCADE, kind TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX consents_by_visit ON consents (visit);
    CREATE TABLE print_jobs (job TEXT PRIMARY KEY, take TEXT NOT NULL);
    INSERT INTO consents (visit, kind, body) SELECT id, 'visitor', json_extract(body, '$.consent') FROM visits
        WHERE json_valid(body) AND json_extract(body, '$.consent') IS NOT NULL;
    """,
)
"""Scripts that migrate the file from version i to i + 1. A released script never changes; new ones are appended."""


class Database:
    """A connection to the file. Any thread may use it; a lock allows one at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises StoreError when this fails, or when a newer faceloom wrote the file."""
        self.path, self.lock = path, RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self.connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
                self.connection.execute(f"PRAGMA {pragma}")
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"cannot open {path}: {error}", "is the folder writable, and the disk not full?"
            ) from error

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run one statement and return its rows. Raises StoreError when SQLite reports an error."""
        try:
            with self.lock:
                return self.connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the booth's data cannot be written: {error}", "is the disk full?") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the statements of a `with` block as one transaction: all of them are committed, or none."""
        with self.lock:
            self.rows("BEGIN IMMEDIATE")
            try:
                yield
                self.rows("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # SQLite itself ends a transaction for which the disk is too full
                    self.rows("ROLLBACK")
                raise

    def truncate_log(self) -> None:
        """Write the log into the file and truncate it, so that no deleted row can be read in either.

        Raises StoreError when the log could not be truncated.
        """
        if any(row[0] for row in self.rows("PRAGMA wal_checkpoint(TRUNCATE)")):  # the first column: it was busy
            raise StoreError("the database's log could not be emptied", "does another program read it?")

    def close(self) -> None:
        """Close the file; SQLite then deletes the log."""
        with self.lock:
            self.connection.close()

    def _migrate(self) -> None:
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreError(f"{self.path} was written by a newer faceloom", "update faceloom")
        for number in range(version, len(MIGRATIONS)):
            self.connection.executescript(f"BEGIN; {MIGRATIONS[number]} PRAGMA user_version={number + 1}; COMMIT;")
