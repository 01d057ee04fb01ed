"""A published schedule under a deadline: as it is when it fits, squeezed when it does not."""

from __future__ import annotations

import time
from collections.abc import Iterator


class Pace:
    """How many seconds a step takes, by the last ones."""

    seconds = 0.0

    def saw(self, seconds: float) -> None:
        """Remember a step; a first one counts until there are others."""
        self.seconds = (self.seconds + seconds) / 2 if self.seconds else seconds


class Budget:
    """The seconds of one call, counted from here."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begin = time.perf_counter()

    def elapsed(self) -> float:
        return time.perf_counter() - self.begin

    def steps(self, limit: int, pace: Pace, until: float) -> Iterator[float]:
        """Yield the progress 0...1 in the middle of each step: of `limit` steps, or of the time to `until`.

        Convention: whichever is further on counts. The last step ends before `until` if it takes as long as the
        others; there is always one.
        """
        first, done = self.elapsed(), 0
        while done == 0 or (done < limit and self.elapsed() + pace.seconds <= until):
            now = self.elapsed()
            span = max(until - first, pace.seconds, 1e-9)
            yield min(1.0, max((done + 0.5) / limit, (now - first + pace.seconds / 2) / span))
            pace.saw(self.elapsed() - now)
            done += 1
