"""Counts of what happened at a booth, by day and in total. They hold no personal data and survive a restart."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from faceloom.files import atomic_write

Count = Literal[
    "visits",
    "photos",
    "refused_photos",
    "encodings",
    "failed_encodings",
    "encoding_seconds",
    "pictures",
    "films",
    "casts",
    "prints",
    "failed_prints",
    "worker_restarts",
]
COUNTS: tuple[Count, ...] = get_args(Count)
"""`encoding_seconds` is the sum of the seconds from the choice of a face to its likeness; the rest are numbers."""


class Statistics:
    """The counts of a booth, in a file. `clock` returns the time in seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock, self.changed = path, clock, False
        self.days: dict[str, dict[str, float]] = _read(path)

    def add(self, name: Count, amount: float = 1) -> None:
        """Add to a count of today."""
        day = time.strftime("%Y-%m-%d", time.localtime(self.clock()))
        counts = self.days.setdefault(day, {})
        counts[name] = counts.get(name, 0) + amount
        self.changed = True

    def total(self) -> dict[str, float]:
        """Return every count over all days."""
        return {name: round(sum(day.get(name, 0) for day in self.days.values()), 1) for name in COUNTS}

    def save(self) -> None:
        """Write the counts if they changed. Raises StoreError."""
        if self.changed:
            with atomic_write(self.path) as draft:
                draft.write_text(json.dumps(self.days, indent=1), encoding="utf-8")
            self.changed = False


def _read(path: Path) -> dict[str, dict[str, float]]:
    """Return the counts of a file by day, or none when it is missing or damaged."""
    try:
        days = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(days, dict):
        return {}
    return {
        str(day): {name: float(counts[name]) for name in COUNTS if isinstance(counts.get(name), int | float)}
        for day, counts in days.items()
        if isinstance(counts, dict)
    }
