"""The scheduler of the worker: decides which job is next, and when long work must pause. Loads no torch."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition

from faceloom.web.worker.messages import Priority, Request

REST_AFTER_PREVIEW = 0.7  # seconds without a new preview after which background work resumes
MAX_PAUSE = 0.3  # seconds that an encoding pauses at most in each step while pictures are drawn
MAX_CLIENTS = 1000  # clients whose last turn is remembered
POLL_INTERVAL = 0.05  # seconds between two checks of paused work whether it may go on


@dataclass
class Job:
    """A request that waits or runs."""

    request: Request
    canceled: bool = False

    @property
    def id(self) -> int:
        """The number of the request."""
        return self.request.id

    @property
    def priority(self) -> Priority:
        """The priority of the request."""
        return self.request.priority

    @property
    def client(self) -> str:
        """The visit or the address that takes turns with others."""
        return self.request.client or self.request.visit

    @property
    def thread(self) -> Priority:
        """The thread that runs the job: PREVIEW, INTERACTIVE, or ENCODE for all long work."""
        return min(self.priority, Priority.ENCODE)

    @property
    def is_background(self) -> bool:
        """Return whether no visitor waits for the job."""
        return self.priority > Priority.ENCODE


class Turns:
    """Turns of the clients of one thread: who was served longest ago is next. Belongs to the queue's lock."""

    def __init__(self) -> None:
        self.counter = itertools.count(1)
        self.last: OrderedDict[str, int] = OrderedDict()  # number of the last turn by client

    def choose(self, jobs: Sequence[Job]) -> Job:
        """Return the job that is next, and count its client's turn.

        The lowest priority value goes first. Among previews and interactive tasks, clients take turns, so that a client
        with many requests makes another one wait for a single one of them; long work is done in the order of its
        requests. Of one client's, previews of a slider go first, then the oldest.
        """

        def rank(job: Job) -> tuple[int, int, bool]:
            is_short = job.thread < Priority.ENCODE
            return job.priority, self.last.get(job.client, 0) if is_short else 0, not job.request.key

        job = min(jobs, key=rank)
        self.last[job.client] = next(self.counter)
        self.last.move_to_end(job.client)
        while len(self.last) > MAX_CLIENTS:
            self.last.popitem(last=False)
        return job


class Scheduler:
    """Counts the jobs of each thread, and pauses long work while other threads are busy."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.jobs = {Priority.PREVIEW: 0, Priority.INTERACTIVE: 0, Priority.ENCODE: 0}
        self.last_preview = float("-inf")

    def enter(self, job: Job) -> None:
        """Count a job that was queued."""
        with self.changed:
            self.jobs[job.thread] += 1
            if job.request.key and job.thread == Priority.PREVIEW:
                self.last_preview = time.monotonic()

    def leave(self, job: Job) -> None:
        """Count a job that was done or dropped."""
        with self.changed:
            self.jobs[job.thread] -= 1
            self.changed.notify_all()

    def wait(self, job: Job) -> None:
        """Wait while the job must pause, or until it is canceled.

        An encoding pauses while pictures are drawn, for at most MAX_PAUSE. Background work pauses also while the second
        thread is busy, and until REST_AFTER_PREVIEW after the last movement of a slider.
        """
        start = time.monotonic()
        with self.changed:
            while not job.canceled:
                now = time.monotonic()
                rest = self.last_preview + REST_AFTER_PREVIEW - now if job.is_background else 0.0
                blocked = self.jobs[Priority.PREVIEW] > 0
                if job.is_background:
                    blocked = blocked or self.jobs[Priority.INTERACTIVE] > 0 or rest > 0
                if not blocked or (not job.is_background and now - start > MAX_PAUSE):
                    return
                self.changed.wait(max(rest, POLL_INTERVAL))
