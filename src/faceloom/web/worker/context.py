"""The connection of a running task to its request. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TaskContext:
    """The functions by which a running task reports progress and learns that it was canceled.

    `report` sends progress. `check_cancelled` must be called at each step of long work: it waits while more urgent work
    runs, and raises `Cancelled` when the task was canceled.
    """

    report: Callable[[Any], None]
    check_cancelled: Callable[[], None]
