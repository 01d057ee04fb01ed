"""Background work of visits: coroutines that end with their visit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("faceloom.booth")


class VisitTasks:
    """The coroutines that run in the background, by the id of their visit."""

    def __init__(self) -> None:
        self.tasks: dict[str, set[asyncio.Task[None]]] = {}

    def spawn(self, visit_id: str, work: Coroutine[Any, Any, None], name: str = "") -> None:
        """Run a coroutine in the background of a visit, until it is done or the visit is erased.

        `name` begins with the id of the person that the work is about, or is the id of a job.
        """
        task = asyncio.create_task(work, name=name)
        self.tasks.setdefault(visit_id, set()).add(task)

        def remove(task: asyncio.Task[None]) -> None:
            self.tasks.get(visit_id, set()).discard(task)
            if not task.cancelled() and (error := task.exception()):
                log.error("work in the background failed: %s", type(error).__name__, exc_info=error)

        task.add_done_callback(remove)

    def cancel(self, visit_id: str, name: str = "") -> None:
        """Cancel all background work of a visit, or the work of one person or with one name."""
        for task in list(self.tasks.get(visit_id, ())):
            if not name or task.get_name().split()[0] == name or task.get_name() == name:
                task.cancel()

    def cancel_all(self) -> None:
        """Cancel the background work of all visits."""
        for visit_id in list(self.tasks):
            self.cancel(visit_id)

    def forget(self, visit_id: str) -> None:
        """Drop the record of a visit's work, which was canceled."""
        self.tasks.pop(visit_id, None)
