"""What the server and its worker say to each other: plain dicts over a pipe. Imports nothing heavy."""

from __future__ import annotations

from typing import Any

from faceloom.errors import FaceloomError

Message = dict[str, Any]

QUICK, DESK = -2, -1
"""Ranks of what is answered at once: pictures, and what takes a second or two. Each has a thread of its own."""

ENCODE, FILM, RAILS, PAGES, IMPROVE = 0, 1, 2, 3, 4
"""Ranks of what takes time: the lowest goes first; from PAGES on, a job makes room when a lower one comes."""


class Refused(FaceloomError):
    """What the worker could not do, as it said it."""

    def __init__(self, error: Message) -> None:
        super().__init__(str(error["message"]), str(error.get("hint", "")))
        self.said = str(error["code"])

    @property
    def code(self) -> str:
        """The code that the worker gave."""
        return self.said
