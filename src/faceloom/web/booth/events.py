"""Server-sent events: one stream for each open page, numbered so that a page that reconnects misses none."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from faceloom.web.booth.job_views import JobView
from faceloom.web.booth.views import ProgressView, QueueView, ShutterView, VisitView, WipedView, WipePendingView

MAX_STORED = 64  # events of a visit that are stored for a page that reconnects
MAX_QUEUED = 256  # unread events after which a page receives no further ones

EventName = Literal["visit", "progress", "queue", "job", "shutter"]
Payload = VisitView | WipedView | WipePendingView | ProgressView | QueueView | JobView | ShutterView

VISIT_EVENTS: dict[str, tuple[type[Payload], ...]] = {
    "visit": (VisitView, WipedView, WipePendingView),
    "progress": (ProgressView,),
    "queue": (QueueView,),
    "job": (JobView,),
    "shutter": (ShutterView,),
}
"""Payload models by event name."""


@dataclass(frozen=True)
class Event:
    """An event: its number, its name and its payload."""

    id: int
    name: EventName
    data: Payload


class EventHub:
    """The events of all visits, and the pages that listen to them."""

    def __init__(self) -> None:
        self.ids = itertools.count(time.time_ns() // 1_000_000)  # starts at the time: ids also grow across restarts
        self.stored: dict[str, deque[Event]] = {}
        self.listeners: dict[str, set[asyncio.Queue[Event | None]]] = {}
        self.own_screens: set[asyncio.Queue[Event | None]] = set()  # of the listeners, those on the booth's own screen

    def send(self, visit: str, name: EventName, data: Payload) -> None:
        """Send an event to every page of a visit."""
        event = self.make(name, data)
        self.stored.setdefault(visit, deque(maxlen=MAX_STORED)).append(event)
        for queue in list(self.listeners.get(visit, ())):
            if queue.qsize() < MAX_QUEUED:
                queue.put_nowait(event)

    def press_shutter(self) -> None:
        """Tell the booth's own screen that its button was pressed. A page that reconnects does not get it later."""
        for queue in self.own_screens:
            queue.put_nowait(self.make("shutter", ShutterView()))

    def make(self, name: EventName, data: Payload) -> Event:
        """Return an event with the next number, without sending it."""
        return Event(next(self.ids), name, data)

    def close(self, visit: str) -> None:
        """End every stream of a visit and drop its stored events."""
        self.stored.pop(visit, None)
        for queue in self.listeners.pop(visit, set()):
            queue.put_nowait(None)

    def close_all(self) -> None:
        """End every stream, because the server stops."""
        for visit in list(self.listeners):
            self.close(visit)

    async def listen(
        self, visit: str, after: int | None, first: Event | None = None, *, own_screen: bool = False
    ) -> AsyncIterator[Event]:
        """Yield `first`, then the stored events with a number above `after`, then new events until the stream ends.

        The booth's own screen also gets the presses of the shutter button.
        """
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.listeners.setdefault(visit, set()).add(queue)
        if own_screen:
            self.own_screens.add(queue)
        try:
            if first:
                yield first
            for event in [event for event in self.stored.get(visit, ()) if after is not None and event.id > after]:
                yield event
            while (event_or_end := await queue.get()) is not None:
                yield event_or_end
        finally:
            self.listeners.get(visit, set()).discard(queue)
            self.own_screens.discard(queue)
