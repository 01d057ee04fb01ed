"""The scheduler of the worker: decides when long work must pause. Loads no torch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Condition

from faceloom.web.worker.messages import Priority, Request

REST_AFTER_PREVIEW = 0.7  # seconds without a new preview after which background work resumes
MAX_PAUSE = 0.3  # seconds that an encoding pauses at most in each step while pictures are drawn
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
    def thread(self) -> Priority:
        """The thread that runs the job: PREVIEW, INTERACTIVE, or ENCODE for all long work."""
        return min(self.priority, Priority.ENCODE)

    @property
    def is_background(self) -> bool:
        """Return whether no visitor waits for the job."""
        return self.priority > Priority.ENCODE


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
