"""What a page is told without asking: server-sent events, one stream a tab, numbered so that none is missed."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

KEPT = 64  # events of a visit that a page which comes back can still have
QUEUED = 256  # events that a page which does not read may be behind before it is cut off


@dataclass(frozen=True)
class Event:
    """One event: its number, what it is, and its data."""

    id: int
    name: str
    data: Any


class Hub:
    """The events of all visits."""

    def __init__(self) -> None:
        self.ids = itertools.count(time.time_ns() // 1_000_000)  # grows over restarts, too
        self.kept: dict[str, deque[Event]] = {}
        self.readers: dict[str, set[asyncio.Queue[Event | None]]] = {}

    def send(self, visit: str, name: str, data: Any) -> None:
        """Tell every page of a visit."""
        event = Event(next(self.ids), name, data)
        self.kept.setdefault(visit, deque(maxlen=KEPT)).append(event)
        for queue in list(self.readers.get(visit, ())):
            if queue.qsize() < QUEUED:
                queue.put_nowait(event)

    def close(self, visit: str) -> None:
        """End every stream of a visit, and forget what it was told."""
        self.kept.pop(visit, None)
        for queue in self.readers.pop(visit, set()):
            queue.put_nowait(None)

    def close_all(self) -> None:
        """End every stream: the server goes."""
        for visit in list(self.readers):
            self.close(visit)

    async def listen(self, visit: str, after: int | None, first: Event | None = None) -> AsyncIterator[Event]:
        """Give `first`, the events that came after number `after`, and then those to come."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.readers.setdefault(visit, set()).add(queue)
        try:
            if first:
                yield first
            for event in [event for event in self.kept.get(visit, ()) if after is not None and event.id > after]:
                yield event
            while (coming := await queue.get()) is not None:
                yield coming
        finally:
            self.readers.get(visit, set()).discard(queue)

    def now(self, name: str, data: Any) -> Event:
        """An event for one reader alone."""
        return Event(next(self.ids), name, data)
