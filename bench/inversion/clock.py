"""Published schedules under a deadline: unchanged when they fit, compressed otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator


class Pace:
    """The moving average of the seconds that a step takes."""

    seconds = 0.0

    def record(self, seconds: float) -> None:
        """Record the seconds of a step."""
        self.seconds = (self.seconds + seconds) / 2 if self.seconds else seconds


class Budget:
    """The time budget of one call, counted from construction."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.start = time.perf_counter()

    def elapsed(self) -> float:
        """Return the seconds since construction."""
        return time.perf_counter() - self.start

    def steps(self, limit: int, pace: Pace, until: float) -> Iterator[float]:
        """Yield the progress 0...1 in the middle of each step: of `limit` steps, or of the time to `until`.

        Convention: the larger of both counts. The last step ends before `until` if it takes as long as the others;
        there is always one step.
        """
        first, done = self.elapsed(), 0
        while done == 0 or (done < limit and self.elapsed() + pace.seconds <= until):
            now = self.elapsed()
            span = max(until - first, pace.seconds, 1e-9)
            yield min(1.0, max((done + 0.5) / limit, (now - first + pace.seconds / 2) / span))
            pace.record(self.elapsed() - now)
            done += 1
