"""Short codes that lead to a visit for a limited time: people can read them aloud and type them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without letters and digits that look alike


@dataclass(frozen=True)
class VisitCode:
    """A code, the id of its visit, and the time at which the code expires, in seconds since 1970."""

    code: str
    visit: str
    expires: float


class VisitCodes:
    """The codes for one use, kept in memory. A visit has one code at a time.

    `length` is the number of letters of a code, `seconds` the time for which it is valid.
    """

    def __init__(self, length: int, seconds: float) -> None:
        self.length, self.seconds = length, seconds
        self.codes: dict[str, VisitCode] = {}

    def make(self, visit_id: str, now: float) -> VisitCode:
        """Return a new code of a visit. It replaces an earlier one. `now` is in seconds since 1970."""
        self.forget(visit_id)
        code = "".join(secrets.choice(LETTERS) for _ in range(self.length))
        self.codes[code] = VisitCode(code, visit_id, now + self.seconds)
        return self.codes[code]

    def find(self, code: str, now: float) -> VisitCode | None:
        """Return the entry of a code in capital or small letters, or None for one that is not valid at `now`."""
        entry = self.codes.get(code.strip().upper())
        return entry if entry and entry.expires > now else None

    def of_visit(self, visit_id: str, now: float) -> VisitCode | None:
        """Return the valid code of a visit, or None."""
        return next((entry for entry in self.codes.values() if entry.visit == visit_id and entry.expires > now), None)

    def forget(self, visit_id: str) -> None:
        """Drop the code of a visit: it leads nowhere from now on."""
        self.codes = {code: entry for code, entry in self.codes.items() if entry.visit != visit_id}

    def drop_expired(self, now: float) -> None:
        """Drop the codes that are not valid at `now`."""
        self.codes = {code: entry for code, entry in self.codes.items() if entry.expires > now}
