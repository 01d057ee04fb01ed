"""Requests that the worker has not answered yet, on the server's side."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from faceloom.store.models import Failure
from faceloom.web.worker.messages import Done, Failed, Priority, Progress, WorkerError


@dataclass
class PendingRequest:
    """A request without an answer; `start` is its `time.monotonic`."""

    id: int
    priority: Priority
    answer: asyncio.Future[Any]
    progress: Callable[[Any], None] | None
    start: float = field(default_factory=time.monotonic)


class PendingRequests:
    """All requests without an answer, by id. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self.requests: dict[int, PendingRequest] = {}
        self.ids = itertools.count(1)

    @contextmanager
    def add(self, priority: Priority, progress: Callable[[Any], None] | None = None) -> Iterator[PendingRequest]:
        """Add a request with a new id; it is removed at the end of the `with` block."""
        answer = asyncio.get_running_loop().create_future()
        request = PendingRequest(next(self.ids), priority, answer, progress)
        self.requests[request.id] = request
        try:
            yield request
        finally:
            self.requests.pop(request.id, None)

    def take(self, message: Progress | Done | Failed) -> None:
        """Pass an answer or a progress report to its request, if it still waits."""
        request = self.requests.get(message.id)
        if request is None or request.answer.done():
            return
        match message:
            case Progress():
                if request.progress:
                    request.progress(message.report)
            case Failed():
                request.answer.set_exception(WorkerError(message.failure))
            case Done():
                request.answer.set_result(message.result)

    def fail_all(self, failure: Failure) -> None:
        """Fail every request."""
        for id in list(self.requests):
            self.take(Failed(id, failure))

    def count(self, priority: Priority) -> int:
        """Return the number of requests with this priority."""
        return sum(request.priority == priority for request in self.requests.values())

    def longest_wait(self, priority: Priority) -> float:
        """Return the seconds since the oldest request with this priority, or a more urgent one, was added; or 0."""
        now = time.monotonic()
        waits = (now - request.start for request in self.requests.values() if request.priority <= priority)
        return max(waits, default=0.0)
